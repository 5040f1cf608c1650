package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"nermbulk/internal/text"
)

const (
	leastBar = 4                // columns; with fewer a bar is left out
	mostBar  = 40               // columns; more would only be long
	around   = len(" 100% [] ") // what the library puts around bar and words
	echoed   = 2                // columns of the ^C that terminals echo at the cursor
	spare    = echoed + 1       // columns that are not drawn on; on the last one some terminals wrap
)

// bar draws the state in one line of a terminal. It stays short of the line's
// end, and clears with spaces, which every terminal knows.
type bar struct {
	o     ProgressOptions
	out   *bytes.Buffer
	shown int // columns of the line that is on the terminal
}

// draw draws the line over the old one and leaves the cursor at its end. What
// the old one has more, and an echo, is overwritten with spaces, even if the
// terminal was made narrower.
func (b *bar) draw(s State) {
	columns := b.columns()
	if columns < 0 {
		return
	}
	words, width := b.fit(s, columns)
	length := len(words)
	if width > 0 {
		length += width + around
		b.paint(s.Done, width, b.color(words, s))
	} else {
		b.out.WriteString("\r" + b.color(words, s) + strings.Repeat(" ", echoed))
	}
	rest := max(min(b.shown, columns)-length, 0)
	b.out.WriteString(strings.Repeat(" ", rest) + strings.Repeat("\b", rest+echoed))
	b.shown = length
}

// paint lets the library draw "\r  24% [===>     ] words" and two spaces. A bar
// of its own for each line neither clears what it drew nor ends when it is full.
func (b *bar) paint(done, width int, words string) {
	pb := progressbar.NewOptions(b.o.Total,
		progressbar.OptionSetWriter(b.out),
		progressbar.OptionSetWidth(width),
		progressbar.OptionSetPredictTime(false), // it does not know what was throttled
		progressbar.OptionSetTheme(progressbar.Theme{
			Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "] " + words,
		}))
	done = min(max(done, 0), b.o.Total) // beyond its maximum it draws nothing
	if done < (b.o.Total+99)/100 {
		_ = pb.RenderBlank() // Set draws from 1 % on
	} else {
		_ = pb.Set(done)
	}
}

// clear wipes the line and goes to its start.
func (b *bar) clear() {
	if n := min(b.shown, b.columns()); n > 0 {
		b.out.WriteString("\r" + strings.Repeat(" ", n+echoed) + "\r")
	}
	b.shown = 0
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

// fit chooses the fullest words that leave room for a bar, and the bar's
// columns; 0 where only words fit.
func (b *bar) fit(s State, columns int) (words string, width int) {
	choices := b.words(s)
	for _, words := range choices {
		if room := columns - around - len(words); room >= leastBar {
			return words, min(room, mostBar)
		}
	}
	return text.Head(choices[len(choices)-1], columns), 0
}

// words returns what may follow the bar, the fullest first.
func (b *bar) words(s State) []string {
	now := b.o.Now()
	count := fmt.Sprintf("%s/%s", text.Number(s.Done), text.Number(b.o.Total))
	bad := strings.Join(troubles(s), ", ")
	why, short := s.Waiting(now)
	var rate, ofCeiling, left string
	if !s.Paused && !s.Outage && !s.PausedUntil.After(now) && s.Unanswered <= silence { // the rate of before says nothing then
		rate, ofCeiling, left = s.RateText(false), s.RateText(true), s.TimeLeft()
	}
	choices := []string{
		commas(count, ofCeiling, bad, left, why), commas(count, ofCeiling, bad, left, short), commas(count, rate, bad, left, short),
		commas(count, bad, left, short), commas(count, bad, short), commas(count, short),
	}
	if short != "" {
		choices = append(choices, short)
	}
	return append(choices, count)
}

// color marks what went wrong.
func (b *bar) color(words string, s State) string {
	const red, yellow, plain = "\033[31m", "\033[33m", "\033[0m"
	if b.o.NoColor {
		return words
	}
	for _, t := range troubles(s) {
		words = strings.Replace(words, t, red+t+plain, 1)
	}
	why, short := s.Waiting(b.o.Now())
	if !strings.Contains(words, why) {
		why = short
	}
	if why != "" {
		words = strings.Replace(words, why, yellow+why+plain, 1)
	}
	return words
}

// Line describes the state in a sentence, for logs:
// "12,000 of 50,000 rows (24 %), 9.9/s, 3 failed, 1h04m left".
func (s State) Line(total int, now time.Time) string {
	count := fmt.Sprintf("%s of %s (%s)", text.Number(s.Done), text.Count(total, "row"), text.Percent(s.Done, total))
	if !s.Throttling { // the user's own rate is no news
		s.Ceiling = 0
	}
	if s.Unanswered > silence || s.Paused { // the rate of before says nothing then
		s.Rate, s.Requests = 0, 0
	}
	line := commas(count, s.RateText(true), strings.Join(troubles(s), ", "), s.TimeLeft())
	if why, _ := s.Waiting(now); why != "" {
		line += "; " + why
	}
	return line
}

// commas joins the parts that are not empty.
func commas(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// RateText is the rate of rows and, in full, what is allowed, or what the tenant
// grants. That is of requests: where a row takes more than one, or less, their
// rate is given too. It is empty before there is a rate.
func (s State) RateText(full bool) string {
	if s.Rate <= 0 && s.Requests <= 0 {
		return ""
	}
	rate := text.Rate(s.Rate)
	if alike := s.Requests == 0 || math.Abs(s.Requests-s.Rate) <= 0.1*s.Requests; !alike {
		rate = strings.TrimSuffix(rate, "/s") + " rows/s"
		if full {
			rate += ", " + strings.TrimSuffix(text.Rate(s.Requests), "/s") + " requests/s"
		}
	}
	switch {
	case !full || s.Ceiling <= 0:
		return rate
	case s.Throttling:
		return rate + " of " + text.Rate(s.Ceiling) + " granted"
	}
	return rate + " of " + text.Rate(s.Ceiling)
}

// silence is how long a tenant may take for an answer before that is shown.
const silence = 5 * time.Second

func troubles(s State) (t []string) {
	if s.Failed > 0 {
		t = append(t, text.Number(s.Failed)+" failed")
	}
	if s.Unknown > 0 {
		t = append(t, text.Number(s.Unknown)+" unknown")
	}
	return t
}

// TimeLeft is empty before there is a rate to compute it from.
func (s State) TimeLeft() string {
	if s.Rate <= 0 || s.Left <= 0 {
		return ""
	}
	seconds := float64(s.Left) / s.Rate
	if seconds > 1000*24*3600 {
		return "" // a rate of next to nothing predicts nothing
	}
	return text.Span(time.Duration(seconds*float64(time.Second))) + " left"
}

// Waiting says why nothing is sent at the moment, or that it is slowed down,
// and the same for a narrow terminal.
func (s State) Waiting(now time.Time) (why, short string) {
	wait := s.PausedUntil.Sub(now)
	switch {
	case s.Paused:
		return "paused", "paused"
	case s.Outage && wait > 0:
		return "the tenant cannot be reached: trying again in " + text.Span(wait), "no connection"
	case s.Outage:
		return "the tenant cannot be reached: trying again", "no connection"
	case wait > 0:
		return "the tenant is throttling: waiting " + text.Span(wait), "throttled: " + text.Span(wait)
	case s.Unanswered > silence:
		silent := text.Span(s.Unanswered.Truncate(time.Second))
		return "the tenant has not answered for " + silent, "no answer: " + silent
	case s.Throttling:
		return "the tenant is throttling", "throttled"
	}
	return "", ""
}
