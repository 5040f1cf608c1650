package report

import (
	"io"
	"sync"
	"time"
)

// State is how far a run has come, as its engine knows it.
type State struct {
	Done    int // rows with an outcome in the journal, since this session began
	Left    int
	Failed  int
	Unknown int

	Rate    float64 // rows per second at the moment
	Ceiling float64 // requests per second that are allowed at the moment; 0 = none

	PausedUntil time.Time // when sending goes on; zero if it is not paused
	Throttling  bool      // the tenant refused for the rate a moment ago
	Outage      bool      // the tenant cannot be reached
}

// ProgressOptions says where and how progress is shown.
type ProgressOptions struct {
	Out      io.Writer        // standard error
	Terminal bool             // Out is one: a bar is drawn, not lines
	Width    func() int       // columns of the terminal, asked at each redraw; nil or 0 is 80
	Total    int              // rows that remain; with 0 nothing is shown
	NoColor  bool             // no escape sequences at all
	Quiet    bool             // nothing is shown; Writer still writes
	Every    time.Duration    // between two lines; 0 is 10 s
	Now      func() time.Time // nil is time.Now
	// Line takes each line in Out's place, with the state that it tells; nil
	// writes it to Out. It must not call the Progress.
	Line func(s State, text string)
}

const (
	redraw     = 100 * time.Millisecond // at most as often as this
	countdown  = 250 * time.Millisecond // between redraws without news, so that waiting is seen to pass
	everyLines = 10 * time.Second
)

// Progress shows how far a run has come: a bar on a terminal, lines elsewhere.
// It is the one printer of its output: whatever else is written there goes
// through Writer. Its methods may be called from any goroutine.
type Progress struct {
	o    ProgressOptions
	quit chan struct{}
	idle sync.WaitGroup

	mu      sync.Mutex
	bar     *bar // nil off a terminal
	state   State
	told    int // Done of the last line
	updated bool
	drawn   time.Time
	midLine bool // the last log text did not end its line, so no bar may follow it
	stopped bool
}

// NewProgress starts to show progress; Stop ends it.
func NewProgress(o ProgressOptions) *Progress {
	if o.Every <= 0 {
		o.Every = everyLines
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Progress{o: o, quit: make(chan struct{}), told: -1}
	if o.Quiet || o.Total <= 0 {
		p.o.Quiet = true
		return p
	}
	every := o.Every
	if o.Terminal {
		p.bar, every = newBar(o), countdown
	}
	p.idle.Go(func() { p.tick(every) })
	return p
}

// tick shows the state when no news comes.
func (p *Progress) tick(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-t.C:
			p.mu.Lock()
			if p.bar != nil {
				p.draw()
			} else if p.updated && !p.stopped {
				p.line()
			}
			p.mu.Unlock()
		}
	}
}

// Update takes the newest state. It returns at once but for a redraw of the
// bar, at most ten a second.
func (p *Progress) Update(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.updated = s, true
	if p.bar != nil && p.o.Now().Sub(p.drawn) >= redraw {
		p.draw()
	}
}

// Writer returns where everything else that goes to the same output must be
// written: the bar steps aside for each text. A write should end its line; the
// bar comes back only when it does.
func (p *Progress) Writer() io.Writer { return aside{p} }

type aside struct{ p *Progress }

func (a aside) Write(text []byte) (int, error) {
	p := a.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil || p.stopped || len(text) == 0 {
		return p.o.Out.Write(text)
	}
	p.midLine = text[len(text)-1] != '\n'
	out := append(p.bar.clear(), text...)
	if !p.midLine {
		out = append(out, p.bar.again()...)
	}
	if _, err := p.o.Out.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Stop ends the progress and leaves the output at the start of a line. done
// tells that every row was tried; otherwise the bar stays where it is. No
// goroutine is left after it. A second Stop does nothing.
func (p *Progress) Stop(done bool) {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return
	}
	p.stopped = true
	close(p.quit)
	p.mu.Unlock()
	p.idle.Wait()

	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.o.Quiet:
	case p.bar != nil:
		p.write(p.bar.end(p.state, done, p.midLine))
	case p.updated && p.told != p.state.Done:
		p.line()
	}
}

// draw redraws the bar. The caller holds the mutex.
func (p *Progress) draw() {
	if p.stopped || p.midLine {
		return
	}
	p.drawn = p.o.Now()
	p.write(p.bar.render(p.state))
}

// Tell writes the newest state as a line at once, on a terminal above the bar,
// and where nothing else is shown as well.
func (p *Progress) Tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	if p.bar == nil {
		p.line()
		return
	}
	if p.midLine {
		p.midLine = false
		p.write([]byte("\n"))
	}
	p.write(p.bar.clear())
	p.line()
	p.write(p.bar.again())
}

// line writes a line. The caller holds the mutex.
func (p *Progress) line() {
	p.told = p.state.Done
	text := progressLine(p.state, p.o.Total, p.o.Now())
	if p.o.Line != nil {
		p.o.Line(p.state, text)
		return
	}
	p.write([]byte(text + "\n"))
}

// write shows progress; if nobody can see it, the run goes on all the same.
func (p *Progress) write(text []byte) {
	_, _ = p.o.Out.Write(text)
}
