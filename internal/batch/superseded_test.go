package batch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"nermbulk/internal/journal"
)

// pasts is what earlier sessions left in the journal, by row.
type pasts map[int]*past

// replay returns the journal that they left.
func (p pasts) replay(t testing.TB) *journal.Replay {
	t.Helper()
	dir := t.TempDir()
	w, err := journal.CreateWriter(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for row, left := range p {
		var records []journal.Record
		if left.before != nil {
			records = append(records, journal.Before{Row: row, ID: testID(0), Session: left.before})
		}
		if left.status != "" && left.status != journal.Pending {
			left.outcome.Row, left.outcome.Status = row, left.status
			records = append(records, left.outcome)
		}
		if left.inFlight {
			left.intent.Row = row
			records = append(records, left.intent)
		}
		for _, r := range records {
			err = errors.Join(err, w.Append(r))
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	replay, err := journal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = replay.Close() })
	return replay
}

// A row that failed is not sent again once a later row of its id was: the
// session would go back to the earlier row's values.
func TestARetryDoesNotReplaceALaterRow(t *testing.T) {
	rows := []struct {
		id     int
		status journal.Status
		want   journal.Status // "" = it has no new outcome
	}{
		{1, journal.Failed, journal.Failed},   // row 2: row 4 was sent since
		{2, journal.Failed, journal.Updated},  // row 3
		{1, journal.Updated, ""},              // row 4
		{3, journal.Unknown, journal.Unknown}, // row 5: row 6 was sent since
		{3, journal.Unchanged, ""},            // row 6
		{4, journal.Failed, journal.Updated},  // row 7
		{4, journal.Failed, journal.Updated},  // row 8
		{5, journal.Updated, ""},              // row 9
		{5, journal.Failed, journal.Updated},  // row 10
		{5, journal.Pending, journal.Updated}, // row 11
	}
	var content strings.Builder
	content.WriteString("id,attributes.a\n")
	earlier := pasts{}
	var wantSent []string
	for i, r := range rows {
		fmt.Fprintf(&content, "%s,%d\n", strings.ToUpper(testID(r.id)), i)
		if r.status != journal.Pending {
			earlier[i+2] = &past{status: r.status, outcome: journal.Outcome{Row: i + 2, Status: r.status, Error: "it was refused"}}
		}
		if r.want == journal.Updated {
			wantSent = append(wantSent, testID(r.id))
		}
	}
	var replaced atomic.Int64
	to := &scripted{}
	stop, m, err := runSheet(t, content.String(), to, func(o *Options) {
		o.Rules.InOrder, o.RetryFailed, o.Earlier, o.Workers = true, true, earlier.replay(t), 1
		o.Replaced = func(journal.Status) { replaced.Add(1) }
	})
	if err != nil || stop.Kind != NotStopped {
		t.Fatalf("%v, %v", stop, err)
	}
	if slices.Sort(to.patched); !slices.Equal(to.patched, wantSent) {
		t.Errorf("sent %v, want %v", to.patched, wantSent)
	}
	outcomes := m.outcomes(t)
	for i, r := range rows {
		got := outcomes[i+2]
		if got.Status != r.want {
			t.Errorf("row %d: %q, want %q", i+2, got.Status, r.want)
		}
		if r.want != "" && r.want != journal.Updated && !strings.HasPrefix(got.Error, "it was refused; not sent again: ") {
			t.Errorf("row %d: %s", i+2, got.Error)
		}
	}
	if n := replaced.Load(); n != 6 {
		t.Errorf("%d outcomes were replaced, want 6", n)
	}
}
