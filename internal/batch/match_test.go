package batch

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// edition is a sheet of a run, a row for each content, and what came of its rows.
type edition struct {
	rows     string // "1a 2b": id and content; a content in capitals runs
	outcomes string // a letter for each row: u(pdated), f(ailed), U(nknown), =, i(nvalid), > in flight, . pending
}

func editionSheet(t *testing.T, path, rows string) *sheet.Sheet {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,attributes.a,run\n")
	for _, row := range strings.Fields(rows) {
		var id int
		var content string
		if _, err := fmt.Sscanf(row, "%d%s", &id, &content); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s,%s,%v\n", testID(id), content, content != strings.ToLower(content))
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sheet.Open(t.Context(), path, sheet.Options{Fields: change.SheetFields()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var inOrder = change.Rules{ClearMarker: "<clear>", InOrder: true}

// replayed goes through the editions of a run as its sessions do, and returns what
// is known in the end and what the last resume found.
func replayed(t *testing.T, editions []edition) (*journal.Replay, *Matches) {
	t.Helper()
	dir := t.TempDir()
	var previous *sheet.Sheet
	var found *Matches
	for n, e := range editions {
		s := editionSheet(t, filepath.Join(dir, fmt.Sprintf("sheet-%d.csv", n+1)), e.rows)
		start := journal.Start{Edition: n + 1, Rows: len(strings.Fields(e.rows))}
		w, err := journal.OpenWriter(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		append := func(r journal.Record) {
			if err := w.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		if n > 0 {
			replay, err := journal.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if found, err = Match(t.Context(), s, inOrder, replay, previous); err != nil {
				t.Fatal(err)
			}
			for moved := range found.Moves() {
				append(moved)
			}
			start.Matched, start.Removed = found.Count, found.Removed
			if err := replay.Close(); err != nil {
				t.Fatal(err)
			}
		}
		append(start)
		err = eachChange(t.Context(), s, inOrder, func(c *change.Change, _ bool) {
			o := journal.Outcome{Row: c.Row, ID: c.ID, Hash: c.Hash(), Run: c.Run, HTTPStatus: 200, Attempts: 1}
			switch (e.outcomes + strings.Repeat(".", c.Row))[c.Row-2] {
			case '.':
				return
			case '>':
				append(journal.Intent{Row: c.Row, ID: c.ID, Hash: c.Hash(), Run: c.Run})
				return
			case 'u':
				o.Status = journal.Updated
			case 'U':
				o.Status = journal.Unknown
			case '=':
				o.Status = journal.Unchanged
			case 'i':
				o.Status, o.Hash = journal.Invalid, 0
			case 'f':
				o.Status, o.HTTPStatus = journal.Failed, 422
			}
			append(o)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		previous = s
	}
	replay, err := journal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { replay.Close() })
	return replay, found
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name     string
		editions []edition
		want     map[int]journal.Status // of the rows of the last one that are known; Pending = in flight
		removed  journal.Removed
	}{
		{"sorted and extended", []edition{{"1a 2b 3c 4D", "uf.>"}, {"4D 3c 2b 1a 5e", ""}},
			map[int]journal.Status{2: journal.Pending, 4: journal.Failed, 5: journal.Updated}, journal.Removed{}},
		{"shrunk", []edition{{"1a 2b 3c 4d 5e", "u=.>"}, {"5e", ""}}, map[int]journal.Status{}, journal.Removed{Sent: 2, NotSent: 1}},
		{"and put back", []edition{{"1A 2b 3c", "uU"}, {"3c", "u"}, {"1A 2b 3c", ""}},
			map[int]journal.Status{2: journal.Updated, 3: journal.Unknown, 4: journal.Updated}, journal.Removed{}},
		{"and put back after others", []edition{{"1A", "u"}, {"2b", "u"}, {"3c", "u"}, {"2b 1A", ""}},
			map[int]journal.Status{2: journal.Updated, 3: journal.Updated}, journal.Removed{Sent: 1}},
		{"edited", []edition{{"1a 2b", "uu"}, {"1x 2b", ""}}, map[int]journal.Status{3: journal.Updated}, journal.Removed{}},
		{"edited and edited back", []edition{{"1A 2b", "uu"}, {"1x 2b", "u"}, {"1A 2b", ""}}, map[int]journal.Status{3: journal.Updated}, journal.Removed{}},
		{"edited and edited back before it was sent", []edition{{"1A 2b", "uu"}, {"1x 2b", ""}, {"1A 2b", ""}},
			map[int]journal.Status{2: journal.Updated, 3: journal.Updated}, journal.Removed{}},
		{"edited and edited back, and refused between", []edition{{"1A", "u"}, {"1x", "f"}, {"1A", ""}}, map[int]journal.Status{2: journal.Updated}, journal.Removed{}},
		{"edited and edited back, and in flight between", []edition{{"1A", "u"}, {"1x", ">"}, {"1A", ""}}, map[int]journal.Status{}, journal.Removed{}},
		{"edited back and forth, then left alone", []edition{{"1A", "u"}, {"1x", "u"}, {"1A", "u"}, {"1A 2b", ""}}, map[int]journal.Status{2: journal.Updated}, journal.Removed{}},
		{"both contents, in order", []edition{{"1a", "u"}, {"1b", "u"}, {"1a 1b", ""}}, map[int]journal.Status{2: journal.Updated, 3: journal.Updated}, journal.Removed{}},
		{"the k-th of equal rows", []edition{{"1a 1b 1a", "f.u"}, {"2c 1a 1a", ""}}, map[int]journal.Status{3: journal.Failed, 4: journal.Updated}, journal.Removed{}},
		{"one of equal rows comes back", []edition{{"1a 1a", "fu"}, {"1a", ""}, {"1a 1a", ""}}, map[int]journal.Status{2: journal.Failed, 3: journal.Updated}, journal.Removed{}},
		{"an invalid row is judged again", []edition{{"1a", "i"}, {"1a 2b", ""}}, map[int]journal.Status{}, journal.Removed{}},
		{"without a run it is another content", []edition{{"1A", "u"}, {"1a", ""}}, map[int]journal.Status{}, journal.Removed{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			replay, found := replayed(t, tt.editions)
			last := len(tt.editions)
			got := map[int]journal.Status{}
			for e := range replay.Known() {
				if e.Edition() == last {
					got[e.Row()] = e.Status()
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("known are %v, want %v", got, tt.want)
			}
			if found.Removed != tt.removed {
				t.Errorf("removed %+v, want %+v", found.Removed, tt.removed)
			}
		})
	}
}
