package report

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTellAboveTheBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{width: 80}
		p := NewProgress(s.options(50000))
		p.Update(State{Done: 12000, Left: 38000, Rate: 9.9})
		p.Tell()
		const bar = "  24% [=======>                            ] 12,000/50,000, 9.9/s, 1h03m left"
		check(t, "once", s.screen(), "12,000 of 50,000 rows (24 %), 9.9/s, 1h03m left", bar)
		fmt.Fprint(p.Writer(), "half a line")
		p.Tell()
		check(t, "after half a line", s.screen()[1:], "half a line", "12,000 of 50,000 rows (24 %), 9.9/s, 1h03m left", bar)
		p.Stop(false)
		p.Tell()
		check(t, "after the end", s.screen()[3:], bar, "")
	})
}

func TestTellWhereNothingIsShown(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(ProgressOptions{Out: &out, Total: 10, Quiet: true})
	p.Update(State{Done: 5, Left: 5})
	p.Tell()
	p.Stop(true)
	if got := out.String(); got != "5 of 10 rows (50 %)\n" {
		t.Errorf("told %q", got)
	}
}

func TestLinesThatSomeoneElseWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var told []int
		p := NewProgress(ProgressOptions{Out: &out, Total: 10, Line: func(s State, text string) {
			if text == "" {
				t.Error("without a text")
			}
			told = append(told, s.Done)
		}})
		p.Update(State{Done: 1})
		time.Sleep(everyLines + time.Second)
		p.Update(State{Done: 7})
		p.Tell()
		p.Update(State{Done: 10})
		p.Stop(true)
		if fmt.Sprint(told) != "[1 7 10]" || out.Len() > 0 {
			t.Errorf("told %v, written %q", told, out.String())
		}
	})
}
