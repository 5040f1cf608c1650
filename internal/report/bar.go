package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// The columns that a bar has: with fewer than the least it is left out, and
// more than the most would only be long.
const (
	leastBar = 4
	mostBar  = 40
)

// The columns at the line's end that are not drawn on. Terminals echo ^C where
// the cursor stands; on the last one some wrap.
const (
	echoed = 2
	spare  = echoed + 1
)

// bar draws the state in one line of a terminal. It makes text and writes
// nothing itself. It stays short of the line's end, and clears with spaces,
// which every terminal knows.
type bar struct {
	o     ProgressOptions
	pb    *progressbar.ProgressBar
	ink   bytes.Buffer // where pb draws
	shown int          // columns of the line that stands on the terminal
	last  []byte       // that line
}

func newBar(o ProgressOptions) *bar {
	b := &bar{o: o}
	b.begin()
	return b
}

// begin makes a bar of the library: one that is full draws no more.
func (b *bar) begin() {
	b.pb = progressbar.NewOptions(b.o.Total,
		progressbar.OptionSetWriter(&b.ink),
		progressbar.OptionSetPredictTime(false), // told by us, from the engine's rate
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionUseANSICodes(true), // so that it does not clear; what it adds is cut off
		progressbar.OptionSetTheme(progressbar.Theme{
			Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "]",
		}))
}

// render returns what draws the line anew over the old one.
func (b *bar) render(s State) []byte {
	columns := b.columns()
	text, bars := b.fit(s, columns)
	line := text
	if bars > 0 {
		line = b.paint(s.Done, bars, text)
	}
	return b.over(line, s, columns)
}

// columns is how much of the terminal's line may be used now.
func (b *bar) columns() int {
	if b.o.Width != nil {
		if n := b.o.Width(); n > 0 {
			return n - spare
		}
	}
	return 80 - spare
}

// paint lets the library draw the line: "  24% [===>     ] text".
func (b *bar) paint(done, width int, text string) string {
	if b.pb.IsFinished() {
		b.begin()
	}
	progressbar.OptionSetWidth(width)(b.pb)
	progressbar.OptionSetDescription(text)(b.pb)
	b.ink.Reset()
	// It errors beyond its maximum, which a state must not reach.
	_ = b.pb.Set(min(max(done, 0), b.o.Total))
	if b.ink.Len() == 0 { // it draws only when the percentage changes
		_ = b.pb.RenderBlank()
	}
	line := b.pb.String()
	line = strings.TrimSuffix(line, "\033[0K")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	return strings.Replace(strings.TrimRight(line, " "), "]  ", "] ", 1)
}

// over returns the line with what wipes the rest of the one before, which may
// have been longer than a terminal that was made narrower.
func (b *bar) over(line string, s State, columns int) []byte {
	wipe := max(min(b.shown, columns)-len(line), 0) + echoed
	if columns < 0 {
		wipe = 0
	}
	b.shown = len(line)
	b.last = append(append(b.last[:0], '\r'), b.color(line, s)...)
	return append(append([]byte(nil), b.last...), strings.Repeat(" ", wipe)+strings.Repeat("\b", wipe)...)
}

// clear returns what wipes the line and goes to its start.
func (b *bar) clear() []byte {
	n := min(b.shown, b.columns())
	if n <= 0 {
		return nil
	}
	n += echoed
	b.shown = 0
	return []byte("\r" + strings.Repeat(" ", n) + "\r")
}

// again returns the line as it stood before clear.
func (b *bar) again() []byte {
	b.shown = len(bytes.TrimPrefix(stripColor(b.last), []byte("\r")))
	return b.last
}

// end returns the last line. The library's own finish would show 100 % after
// an abort too.
func (b *bar) end(s State, done, midLine bool) []byte {
	var out []byte
	if midLine {
		out = append(out, '\n')
	}
	out = append(out, b.render(s)...)
	if done {
		_ = b.pb.Finish()
	} else {
		_ = b.pb.Exit()
	}
	b.shown = 0
	return append(out, '\n')
}

// fit chooses the fullest text that leaves room for a bar, and the bar's
// columns; 0 where only text fits.
func (b *bar) fit(s State, columns int) (text string, bars int) {
	const around = len(" 100% [] ") // what the library puts around bar and text
	texts := b.texts(s)
	for _, text := range texts {
		if room := columns - around - len(text); room >= leastBar {
			return text, min(room, mostBar)
		}
	}
	text = texts[len(texts)-1]
	if len(text) > columns {
		text = text[:max(columns, 0)]
	}
	return text, 0
}

// texts returns what is told after the bar, the fullest first.
func (b *bar) texts(s State) []string {
	count := fmt.Sprintf("%s/%s", thousands(s.Done), thousands(b.o.Total))
	bad := troubles(s)
	join := func(parts ...[]string) string {
		all := []string{count}
		for _, p := range parts {
			all = append(all, p...)
		}
		return strings.Join(all, ", ")
	}
	var now, of, left []string
	if s.Rate > 0 {
		now = []string{rate(s.Rate)}
		of = now
		if s.Ceiling > 0 {
			of = []string{rateOf(s)}
		}
	}
	if l := timeLeft(s); l != "" {
		left = []string{l}
	}
	why, short := waiting(s, b.o.Now()), waitingShort(s, b.o.Now())
	switch {
	case why == "":
		return []string{join(of, bad, left), join(now, bad, left), join(bad, left), join(bad), count}
	case s.Outage || s.PausedUntil.After(b.o.Now()): // a rate of before tells nothing now
		return []string{join(bad, []string{why}), join(bad, []string{short}), join([]string{short}), short, count}
	}
	return []string{
		join(of, bad, left, []string{why}), join(of, bad, left, []string{short}), join(now, bad, left, []string{short}),
		join(bad, left, []string{short}), join(bad, []string{short}), join([]string{short}), short, count,
	}
}

// waitingShort is waiting for a narrow terminal.
func waitingShort(s State, now time.Time) string {
	wait := s.PausedUntil.Sub(now)
	switch {
	case s.Outage:
		return "no connection"
	case wait > 0:
		return "throttled: " + span(wait)
	case s.Throttling:
		return "throttled"
	}
	return ""
}

const (
	red    = "\033[31m"
	yellow = "\033[33m"
	plain  = "\033[0m"
)

// color marks what went wrong in a finished line.
func (b *bar) color(line string, s State) string {
	if b.o.NoColor {
		return line
	}
	for _, t := range troubles(s) {
		line = strings.Replace(line, t, red+t+plain, 1)
	}
	for _, t := range []string{waiting(s, b.o.Now()), waitingShort(s, b.o.Now())} {
		if t != "" && strings.Contains(line, t) {
			return strings.Replace(line, t, yellow+t+plain, 1)
		}
	}
	return line
}

func stripColor(line []byte) []byte {
	for _, c := range []string{red, yellow, plain} {
		line = bytes.ReplaceAll(line, []byte(c), nil)
	}
	return line
}
