package report

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// State is how far a run has come.
type State struct {
	Done    int // rows with an outcome in the journal, since this session began
	Left    int
	Failed  int
	Unknown int

	Rate     float64 // rows per second at the moment
	Requests float64 // requests per second at the moment; 0 where they are not counted
	Ceiling  float64 // requests per second that are allowed at the moment; 0 = none

	Paused      bool      // by whoever drives the run
	PausedUntil time.Time // when sending goes on; zero if it is not paused
	Throttling  bool      // the tenant refused for the rate a moment ago
	Outage      bool      // the tenant cannot be reached

	Unanswered time.Duration // how long the tenant has owed an answer
}

// ProgressOptions says where and how progress is shown.
type ProgressOptions struct {
	Out      io.Writer        // standard error
	Terminal bool             // Out is one: a bar is drawn, not lines
	Width    func() int       // columns of the terminal, asked at each redraw; nil or 0 is 80
	Total    int              // rows that remain; with 0 nothing is shown
	NoColor  bool             // no escape sequences at all
	Quiet    bool             // nothing is shown; Write still writes
	Now      func() time.Time // nil is time.Now
	// Line takes the state of each line in Out's place; nil writes the line to Out.
	// Keep takes those that come by themselves, whatever is shown; it may be nil.
	// Neither may call the Progress.
	Line, Keep func(State)
}

const (
	redraw    = 100 * time.Millisecond // the bar is drawn at most as often as this
	everyLine = 10 * time.Second
)

// Progress shows how far a run has come: a bar on a terminal, lines elsewhere.
// It has no clock of its own: what is shown moves on with Update. It is the one
// printer of its output: whatever else is written there goes through Write.
// Its methods may be called from any goroutine.
type Progress struct {
	o ProgressOptions

	mu      sync.Mutex
	frame   bytes.Buffer // one Write to the output, so that nothing comes between
	bar     *bar         // draws into frame; nil off a terminal
	drawn   time.Time    // when the bar was last drawn
	midLine bool         // the last text did not end its line, so no bar may follow it
	state   State
	due     time.Time // of the next line; zero before the first Update
	printed int       // Done of the last line
	kept    int       // Done of the state that was kept last
	stopped bool
}

// NewProgress returns a Progress that shows nothing before its first Update.
// Stop ends it.
func NewProgress(o ProgressOptions) *Progress {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Quiet = o.Quiet || o.Total <= 0
	p := &Progress{o: o, printed: -1, kept: -1}
	if o.Terminal && !o.Quiet {
		p.bar = &bar{o: o, out: &p.frame}
	}
	return p
}

// Interactive reports whether a bar is drawn, for a person to look at.
func (p *Progress) Interactive() bool { return p.bar != nil }

// Update takes the newest state and shows it if that is due: the bar at most
// ten times a second. It has to be called several times a second, with or
// without news, so that waiting is seen to pass.
func (p *Progress) Update(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	if p.stopped || p.o.Total <= 0 {
		return
	}
	now := p.o.Now()
	if p.bar != nil && now.Sub(p.drawn) >= redraw && !p.midLine {
		p.draw(now)
		_ = p.flush()
	}
	switch {
	case p.due.IsZero():
		p.due = now.Add(everyLine)
	case !now.Before(p.due):
		p.due = now.Add(everyLine)
		if p.bar == nil && !p.o.Quiet {
			p.line()
		}
		p.keep()
	}
}

// Write is where everything else that goes to the same output must be written: the
// bar makes room for each text. A write should end its line; the bar comes back
// only when it does.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(text)
}

// Print writes the newest state as a line at once, on a terminal above the bar,
// and where nothing else is shown as well.
func (p *Progress) Print() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.line()
	}
}

// Stop shows the last state and leaves the output at the start of a line. A
// second Stop does nothing.
func (p *Progress) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.stopped = true
	if !p.due.IsZero() && p.kept != p.state.Done {
		p.keep()
	}
	switch {
	case p.o.Quiet:
	case p.bar != nil:
		if p.midLine {
			p.frame.WriteByte('\n')
		}
		p.draw(p.o.Now())
		p.frame.WriteByte('\n')
		_ = p.flush()
	case !p.due.IsZero() && p.printed != p.state.Done:
		p.line()
	}
}

// The caller of these holds the mutex. Errors matter to whoever wrote a text of
// their own: if nobody can see the progress, the run goes on all the same.

func (p *Progress) line() {
	p.printed = p.state.Done
	if p.o.Line != nil {
		p.o.Line(p.state)
		return
	}
	text := p.state.Line(p.o.Total, p.o.Now())
	if p.midLine {
		text = "\n" + text
	}
	_, _ = p.write([]byte(text + "\n"))
}

func (p *Progress) keep() {
	if p.kept = p.state.Done; p.o.Keep != nil {
		p.o.Keep(p.state)
	}
}

func (p *Progress) write(text []byte) (int, error) {
	if p.bar == nil || p.stopped || len(text) == 0 {
		return p.o.Out.Write(text)
	}
	p.bar.clear()
	p.frame.Write(text)
	p.midLine = text[len(text)-1] != '\n'
	if !p.midLine && !p.drawn.IsZero() {
		p.draw(p.o.Now())
	}
	if err := p.flush(); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (p *Progress) draw(now time.Time) {
	p.drawn = now
	p.bar.draw(p.state)
}

func (p *Progress) flush() error {
	_, err := p.o.Out.Write(p.frame.Bytes())
	p.frame.Reset()
	return err
}
