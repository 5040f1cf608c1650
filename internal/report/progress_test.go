package report

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressLine(t *testing.T) {
	now := began
	tests := []struct {
		name  string
		state State
		want  string
	}{
		{"under way", State{Done: 12000, Left: 38000, Failed: 3, Rate: 9.9}, "12,000 of 50,000 rows (24 %), 9.9/s, 3 failed, 1h03m left"},
		{"just begun", State{Left: 50000}, "0 of 50,000 rows (0 %)"},
		{"at the end", State{Done: 50000, Rate: 9.9}, "50,000 of 50,000 rows (100 %), 9.9/s"},
		{"unknown rows", State{Done: 1, Left: 49999, Failed: 1000, Unknown: 2}, "1 of 50,000 rows (0 %), 1,000 failed, 2 unknown"},
		{"waiting", State{Done: 500, Left: 49500, Throttling: true, PausedUntil: now.Add(12 * time.Second)},
			"500 of 50,000 rows (1 %); the tenant is throttling: waiting 12 s"},
		{"slowed down", State{Done: 500, Left: 49500, Rate: 49.5, Ceiling: 50, Throttling: true},
			"500 of 50,000 rows (1 %), 49.5/s of 50.0/s granted, 16m40s left; the tenant is throttling"},
		{"out of reach", State{Done: 500, Left: 49500, Outage: true, PausedUntil: now.Add(1500 * time.Millisecond)},
			"500 of 50,000 rows (1 %); the tenant cannot be reached: trying again in 2 s"},
		{"two requests a row", State{Done: 500, Left: 49500, Rate: 38.8, Requests: 77.7, Ceiling: 79.2},
			"500 of 50,000 rows (1 %), 38.8 rows/s, 77.7 requests/s, 21m16s left"},
		{"two requests a row, slowed down", State{Done: 500, Left: 49500, Rate: 38.8, Requests: 77.7, Ceiling: 79.2, Throttling: true},
			"500 of 50,000 rows (1 %), 38.8 rows/s, 77.7 requests/s of 79.2/s granted, 21m16s left; the tenant is throttling"},
		{"a request more now and then", State{Done: 500, Left: 49500, Rate: 49.5, Requests: 50.1, Ceiling: 50}, "500 of 50,000 rows (1 %), 49.5/s, 16m40s left"},
		{"the list is read first", State{Left: 50000, Requests: 4}, "0 of 50,000 rows (0 %), 0.0 rows/s, 4.0 requests/s"},
		{"slow answers", State{Done: 500, Left: 49500, Rate: 1, Unanswered: 5 * time.Second}, "500 of 50,000 rows (1 %), 1.0/s, 13h45m left"},
		{"it hangs", State{Done: 500, Left: 49500, Rate: 0.5, Requests: 1.6, Unanswered: 40*time.Second + 300*time.Millisecond},
			"500 of 50,000 rows (1 %); the tenant has not answered for 40 s"},
		{"it hangs after a refusal", State{Done: 500, Left: 49500, Throttling: true, Unanswered: 70 * time.Second},
			"500 of 50,000 rows (1 %); the tenant has not answered for 1m10s"},
		{"out of reach for long", State{Done: 500, Left: 49500, Outage: true, Unanswered: 40 * time.Second},
			"500 of 50,000 rows (1 %); the tenant cannot be reached: trying again"},
		{"paused", State{Done: 500, Left: 49500, Rate: 9, Ceiling: 10, Paused: true, Outage: true}, "500 of 50,000 rows (1 %); paused"},
		{"hardly moving", State{Done: 1, Left: 49999, Rate: 0.0000001}, "1 of 50,000 rows (0 %), 0.0/s"},
	}
	for _, tt := range tests {
		if got := tt.state.Line(50000, now); got != tt.want {
			t.Errorf("%s: got %q, not %q", tt.name, got, tt.want)
		}
	}
}

func check(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: shown is\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{width: 80}
		p := NewProgress(s.options(50000))
		p.Update(State{Done: 12000, Left: 38000, Failed: 3, Rate: 9.9, Ceiling: 10})
		check(t, "under way", s.screen(), "  24% [==>             ] 12,000/50,000, 9.9/s of 10.0/s, 3 failed, 1h03m left")

		fmt.Fprintf(p, "row 17: refused\n")
		check(t, "after a log line", s.screen(), "row 17: refused",
			"  24% [==>             ] 12,000/50,000, 9.9/s of 10.0/s, 3 failed, 1h03m left")

		time.Sleep(time.Second + redraw)
		p.Update(State{Done: 12000, Left: 38000, Failed: 3, Throttling: true, PausedUntil: time.Now().Add(12 * time.Second)})
		check(t, "throttled", s.screen()[1:], "  24% [>    ] 12,000/50,000, 3 failed, the tenant is throttling: waiting 12 s")
		time.Sleep(3*time.Second + 250*time.Millisecond)
		p.Update(p.state)
		check(t, "counting down", s.screen()[1:], "  24% [>     ] 12,000/50,000, 3 failed, the tenant is throttling: waiting 9 s")

		p.Update(State{Done: 49999, Left: 1, Failed: 3, Rate: 9.9})
		p.Stop()
		p.Stop()
		check(t, "at the end", s.screen()[1:], "  99% [==========================> ] 49,999/50,000, 9.9/s, 3 failed, 1 s left", "")
		fmt.Fprintf(p, "bye\n")
		check(t, "after the end", s.screen()[2:], "bye", "")
		if s.wraps > 0 {
			t.Error("the bar did not keep within the terminal")
		}
	})
}

func TestBarWidths(t *testing.T) {
	busy := State{Done: 12000, Left: 38000, Failed: 3, Rate: 9.9, Ceiling: 10}
	throttled := State{Done: 12000, Left: 38000, Failed: 3, Throttling: true, PausedUntil: began.Add(12 * time.Second)}
	double := State{Done: 12000, Left: 38000, Rate: 38.8, Requests: 77.7, Ceiling: 79.2}
	silent := State{Done: 12000, Left: 38000, Rate: 0.5, Requests: 1.6, Ceiling: 10, Unanswered: 40 * time.Second}
	slowed := State{Done: 12000, Left: 38000, Rate: 9.9, Ceiling: 10, Throttling: true}
	tests := []struct {
		width int
		state State
		want  string
	}{
		{120, busy, "  24% [========>                               ] 12,000/50,000, 9.9/s of 10.0/s, 3 failed, 1h03m left"},
		{60, busy, "  24% [>     ] 12,000/50,000, 9.9/s, 3 failed, 1h03m left"},
		{40, busy, "  24% [>    ] 12,000/50,000, 3 failed"},
		{40, throttled, "  24% [==>          ] throttled: 12 s"},
		{30, busy, "  24% [>    ] 12,000/50,000"},
		{120, slowed, "  24% [======>                         ] 12,000/50,000, 9.9/s of 10.0/s granted, 1h03m left, the tenant is throttling"},
		{60, slowed, "  24% [>    ] 12,000/50,000, 9.9/s, 1h03m left, throttled"},
		{120, double, "  24% [========>                               ] 12,000/50,000, 38.8 rows/s, 77.7 requests/s of 79.2/s, 16m20s left"},
		{60, double, "  24% [=>       ] 12,000/50,000, 38.8 rows/s, 16m20s left"},
		{80, silent, "  24% [===>             ] 12,000/50,000, the tenant has not answered for 40 s"},
		{40, silent, "  24% [==>          ] no answer: 40 s"},
		{8, busy, "12,00"},
		{1, busy, ""},
		{0, busy, "  24% [==>             ] 12,000/50,000, 9.9/s of 10.0/s, 3 failed, 1h03m left"},
	}
	for _, tt := range tests {
		s := &terminal{width: tt.width}
		b := newBar(s, ProgressOptions{Total: 50000, NoColor: true, Width: func() int { return tt.width }, Now: func() time.Time { return began }})
		if tt.width == 0 {
			s.width = 80
		}
		b.show(tt.state)
		check(t, fmt.Sprintf("%d columns", tt.width), s.screen(), tt.want)
		if s.wraps > 0 {
			t.Errorf("%d columns: it wraps", tt.width)
		}
	}
}

// A shorter line must leave nothing of a longer one before it, and a terminal
// that was made narrower must not be overrun.
func TestBarShrinks(t *testing.T) {
	s := &terminal{width: 120}
	b := newBar(s, ProgressOptions{Total: 10, NoColor: true, Width: func() int { return s.width }, Now: time.Now})
	b.show(State{Done: 1, Left: 9, Failed: 1000000, Unknown: 1000000, Rate: 1})
	b.show(State{Done: 10})
	check(t, "shorter", s.screen(), " 100% [========================================] 10/10")
	b.show(State{Done: 10, Failed: 1000000, Unknown: 1000000})
	s.width, s.wraps = 50, 0
	s.row = s.row[:49] // the last column is never ours
	b.show(State{Done: 10})
	b.wipe()
	check(t, "cleared", s.screen(), "")
	if s.wraps > 0 {
		t.Error("it ran over the narrower terminal")
	}
}

// A terminal echoes the ^C of a person who has had enough at the cursor, which
// is at the bar's end: it must neither wrap nor stay.
func TestBarWipesTheEcho(t *testing.T) {
	for _, state := range []State{{Done: 5, Left: 5, Rate: 1}, {Done: 5, Left: 5, Failed: 1e9, Unknown: 1e9, Rate: 1}} {
		for width := 12; width < 120; width++ {
			s := &terminal{width: width}
			b := newBar(s, ProgressOptions{Total: 10, NoColor: true, Width: func() int { return s.width }, Now: time.Now})
			b.show(state)
			fmt.Fprint(s, "^C")
			b.show(state)
			if screen := s.screen(); s.wraps > 0 || len(screen) != 1 || strings.Contains(screen[0], "^") {
				t.Fatalf("%d columns: shown is %q, wrapped %d times", width, screen, s.wraps)
			}
			fmt.Fprint(s, "^C")
			b.wipe()
			check(t, fmt.Sprintf("%d columns, cleared", width), s.screen(), "")
		}
	}
}

func TestBarColors(t *testing.T) {
	state := State{Done: 5, Left: 5, Failed: 3, Throttling: true}
	for _, noColor := range []bool{false, true} {
		s := &terminal{width: 80}
		newBar(s, ProgressOptions{Total: 10, NoColor: noColor, Now: time.Now}).show(state)
		line := s.raw.String()
		if got := strings.Contains(line, "\033[31m3 failed\033[0m") && strings.Contains(line, "\033[33mthe tenant is throttling\033[0m"); got == noColor {
			t.Errorf("without color %v: drawn is %q", noColor, line)
		}
		if noColor && strings.Contains(line, "\033") {
			t.Errorf("an escape sequence without color: %q", line)
		}
	}
}

// Thousands of updates a second must not become thousands of redraws, and a
// prompt on the line must not be overdrawn.
func TestBarThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{width: 80}
		p := NewProgress(s.options(2000))
		for i := range 2000 {
			p.Update(State{Done: i + 1, Left: 1999 - i})
			time.Sleep(500 * time.Microsecond)
		}
		if n := s.written(); n > 15 {
			t.Errorf("%d redraws in a second", n)
		}
		fmt.Fprint(p, "Go on? ")
		time.Sleep(time.Second)
		check(t, "a prompt", s.screen(), "Go on?")
		fmt.Fprint(p, "yes\n")
		time.Sleep(time.Second)
		p.Stop()
		check(t, "after it", s.screen(), "Go on? yes", " 100% [========================================] 2,000/2,000", "")
	})
}

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(ProgressOptions{Out: &out, Total: 100})
		time.Sleep(11 * time.Second) // nothing is known yet
		p.Update(State{Done: 50, Left: 50, Rate: 5})
		fmt.Fprintf(p, "row 17: refused\n")
		for range 100 { // 20 s
			time.Sleep(200 * time.Millisecond)
			p.Update(State{Done: 50, Left: 50, Rate: 5})
		}
		p.Update(State{Done: 100, Rate: 5, Unknown: 1})
		p.Stop()
		want := "row 17: refused\n" +
			"50 of 100 rows (50 %), 5.0/s, 10 s left\n" +
			"50 of 100 rows (50 %), 5.0/s, 10 s left\n" +
			"100 of 100 rows (100 %), 5.0/s, 1 unknown\n"
		if out.String() != want {
			t.Errorf("written is\n%s\nnot\n%s", out.String(), want)
		}
	})
}

func TestNothingToShow(t *testing.T) {
	for _, o := range []ProgressOptions{{Total: 0}, {Total: 0, Terminal: true}, {Total: 10, Quiet: true}, {Total: 10, Quiet: true, Terminal: true}} {
		var out bytes.Buffer
		now := began
		o.Out, o.Now = &out, func() time.Time { now = now.Add(everyLine); return now }
		p := NewProgress(o)
		p.Update(State{Done: 4})
		p.Update(State{Done: 5})
		fmt.Fprint(p, "log\n")
		p.Stop()
		if out.String() != "log\n" {
			t.Errorf("%+v: written is %q", o, out.String())
		}
	}
}

func TestPrintAboveTheBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{width: 80}
		p := NewProgress(s.options(50000))
		p.Update(State{Done: 12000, Left: 38000, Rate: 9.9})
		p.Print()
		const bar = "  24% [=======>                            ] 12,000/50,000, 9.9/s, 1h03m left"
		check(t, "once", s.screen(), "12,000 of 50,000 rows (24 %), 9.9/s, 1h03m left", bar)
		fmt.Fprint(p, "half a line")
		p.Print()
		check(t, "after half a line", s.screen()[1:], "half a line", "12,000 of 50,000 rows (24 %), 9.9/s, 1h03m left", bar)
		p.Stop()
		p.Print()
		check(t, "after the end", s.screen()[3:], bar, "")
	})
}

func TestPrintWhereNothingIsShown(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(ProgressOptions{Out: &out, Total: 10, Quiet: true})
	p.Update(State{Done: 5, Left: 5})
	p.Print()
	p.Stop()
	if got := out.String(); got != "5 of 10 rows (50 %)\n" {
		t.Errorf("written is %q", got)
	}
}

func TestLinesThatSomeoneElseWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var lines, kept []int
		p := NewProgress(ProgressOptions{
			Out: &out, Total: 10, Line: func(s State) { lines = append(lines, s.Done) }, Keep: func(s State) { kept = append(kept, s.Done) },
		})
		p.Update(State{Done: 1})
		time.Sleep(everyLine + time.Second)
		p.Update(State{Done: 1})
		p.Update(State{Done: 7})
		p.Print()
		p.Update(State{Done: 10})
		p.Stop()
		if fmt.Sprint(lines, kept) != "[1 7 10] [1 10]" || out.Len() > 0 {
			t.Errorf("lines of %v, kept %v, written %q", lines, kept, out.String())
		}
	})
}

// Many goroutines share the terminal; no log line may be torn.
func TestSharedTerminal(t *testing.T) {
	s := &terminal{width: 80}
	p := NewProgress(s.options(1000))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 50 {
				p.Update(State{Done: i, Left: 1000 - i})
				fmt.Fprintf(p, "log %d %d\n", g, i)
			}
		})
	}
	all.Wait()
	p.Stop()
	screen := s.screen()
	whole := regexp.MustCompile(`^log \d \d+$`)
	logs := 0
	for _, line := range screen[:len(screen)-2] {
		if !whole.MatchString(line) {
			t.Errorf("a torn line: %q", line)
		}
		logs++
	}
	if logs != 400 {
		t.Errorf("%d of 400 lines are there", logs)
	}
}
