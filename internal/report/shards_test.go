package report

import (
	"slices"
	"testing"
	"time"

	"nermbulk/internal/journal"
)

// shardsOf writes a journal for each part of a sheet, and reads them.
func shardsOf(t *testing.T, parts ...[]journal.Record) Options {
	t.Helper()
	o := Options{Joined: true}
	for _, records := range parts {
		dir := t.TempDir()
		w, err := journal.CreateWriter(dir, journal.Options{})
		for _, r := range records {
			if err == nil {
				err = w.Append(r)
			}
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		replay, err := journal.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := replay.Close(); err != nil {
				t.Error(err)
			}
		})
		o.Replays = append(o.Replays, replay)
	}
	return o
}

// TestTicksOfShards joins the rates of parts: in the order of time, and with the
// ceilings of those that send at a time.
func TestTicksOfShards(t *testing.T) {
	start := time.Date(2026, 1, 15, 22, 0, 0, 0, time.UTC)
	tick := func(seconds float64, requests int, ceiling float64) journal.Tick {
		return journal.Tick{At: start.Add(time.Duration(seconds * float64(time.Second))), Patch: requests, Ceiling: ceiling}
	}
	o := shardsOf(t,
		[]journal.Record{tick(1, 10, 10), tick(2, 11, 10), tick(60, 12, 10)},
		[]journal.Record{tick(1.5, 20, 5), tick(2.5, 21, 4), tick(61, 22, 0)},
	)
	var requests []int
	var ceilings []float64
	err := o.ticks(func(k journal.Tick) {
		requests, ceilings = append(requests, k.Patch), append(ceilings, k.Ceiling)
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{10, 20, 11, 21, 12, 22}; !slices.Equal(requests, want) {
		t.Errorf("the ticks come as %v, not as %v", requests, want)
	}
	if want := []float64{10, 15, 15, 14, 10, 0}; !slices.Equal(ceilings, want) {
		t.Errorf("the ceilings are %v, not %v", ceilings, want)
	}
	if all := o.totals(); all.Patch != 96 {
		t.Errorf("%d requests in all", all.Patch)
	}
}

// TestEndOfShards joins how parts ended.
func TestEndOfShards(t *testing.T) {
	at := time.Date(2026, 1, 15, 22, 0, 0, 0, time.UTC)
	begun := journal.Start{At: at, Sheet: "s.csv", SheetFile: "sheet.csv", Edition: 1}
	end := func(code int, reason string, minutes int) []journal.Record {
		return []journal.Record{begun, journal.End{At: at.Add(time.Duration(minutes) * time.Minute), ExitCode: code, Reason: reason}}
	}
	for _, test := range []struct {
		name   string
		parts  [][]journal.Record
		ended  bool
		code   int
		reason string
		last   int // minutes
	}{
		{"all well", [][]journal.Record{end(0, "", 5), end(0, "", 3)}, true, 0, "", 5},
		{"rows failed in one", [][]journal.Record{end(0, "", 5), end(1, "", 9)}, true, 1, "", 9},
		{"one was stopped", [][]journal.Record{end(1, "", 5), end(3, "--limit 1 is reached", 3), end(0, "", 1)}, true, 3, "part 2 of 3: --limit 1 is reached", 5},
		{"one was killed", [][]journal.Record{end(0, "", 5), {begun}}, false, 0, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ended := shardsOf(t, test.parts...).end()
			if ended != test.ended || got.ExitCode != test.code || got.Reason != test.reason {
				t.Errorf("%+v, %v", got, ended)
			}
			if ended && !got.At.Equal(at.Add(time.Duration(test.last)*time.Minute)) {
				t.Errorf("ended at %s", got.At)
			}
		})
	}
}

// TestRowOfTwoShards finds what became of a uid's row that one part had found no
// session for, and another one had.
func TestRowOfTwoShards(t *testing.T) {
	outcome := func(row int, s journal.Status) journal.Record { return journal.Outcome{Row: row, Status: s, ID: "x"} }
	o := shardsOf(t,
		[]journal.Record{outcome(2, journal.Invalid), outcome(3, journal.Updated), outcome(5, journal.Invalid)},
		[]journal.Record{outcome(2, journal.Updated), outcome(3, journal.Invalid), outcome(4, journal.Failed)},
	)
	for row, want := range map[int]journal.Status{2: journal.Updated, 3: journal.Updated, 4: journal.Failed, 5: journal.Invalid, 6: journal.Pending} {
		if got := o.replayOf(row).Entry(row).Status(); got != want {
			t.Errorf("row %d is %s, not %s", row, got, want)
		}
	}
}
