package sheet

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const (
	oneID   = "00000001-0000-4000-8000-000000000001"
	otherID = "00000002-0000-4000-8000-000000000002"
)

func TestIDs(t *testing.T) {
	type pair struct{ uid, id string }
	for name, tt := range map[string]struct {
		kept, found []pair
		want        string // of the uid u
		missing     int
	}{
		"none":                        {found: []pair{{"v", oneID}}, missing: 1},
		"one":                         {found: []pair{{"u", oneID}}, want: oneID, missing: 1},
		"in capitals":                 {found: []pair{{"u", "0000000A-0000-4000-8000-00000000000B"}}, want: "0000000a-0000-4000-8000-00000000000b", missing: 1},
		"another case of the uid":     {found: []pair{{"U", oneID}}, missing: 1},
		"the same one twice":          {found: []pair{{"u", oneID}, {"u", oneID}}, want: oneID, missing: 1},
		"two":                         {found: []pair{{"u", oneID}, {"u", otherID}, {"u", oneID}}, want: oneID + ", " + otherID, missing: 1},
		"no UUID":                     {found: []pair{{"u", "17"}}, want: "17", missing: 1},
		"no hyphens":                  {found: []pair{{"u", "00000001000040008000000000000001"}}, want: "00000001000040008000000000000001", missing: 1},
		"kept":                        {kept: []pair{{"u", oneID}}, found: []pair{{"u", otherID}}, want: oneID},
		"kept where it was ambiguous": {kept: []pair{{"u", oneID + ", " + otherID}}, found: []pair{{"u", otherID}}, want: otherID, missing: 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := &IDs{}
			for _, k := range tt.kept {
				d.Keep(k.uid, k.id)
			}
			d.Add("u")
			d.Add("u")
			if missing := d.Seal(); missing != tt.missing {
				t.Errorf("%d are missing", missing)
			}
			if taken, again := d.Take("u"), d.Take("u"); taken != (tt.missing > 0) || again || d.Take("v") {
				t.Errorf("taken %v, and again %v", taken, again)
			}
			for _, f := range tt.found {
				d.Found(f.uid, f.id)
			}
			if got := d.of("u"); got != tt.want {
				t.Errorf("it is %q, not %q", got, tt.want)
			}
		})
	}
}

// TestIDsComeBack writes the ids of a sheet whose uids a spreadsheet would run as
// formulas, and reads them again.
func TestIDsComeBack(t *testing.T) {
	dir := t.TempDir()
	path, kept := filepath.Join(dir, "s.csv"), filepath.Join(dir, "uids.csv")
	uids := []string{"=1+1", "'-5", "plain", "with, comma"}
	if err := os.WriteFile(path, []byte("status,uid,\nnew,=1+1\nnew,'-5\nnew,plain\nnew,\"with, comma\"\nnew,unknown\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.Background(), path, Options{Fields: testFields})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := &IDs{}
	err = s.EachUID(context.Background(), func(uid string) error {
		d.Add(uid)
		return nil
	})
	if missing := d.Seal(); missing != 5 || err != nil {
		t.Fatalf("%d are missing, %v", missing, err)
	}
	for _, uid := range uids {
		d.Found(uid, oneID)
	}
	s.SetIDs(d)
	if columns := s.Columns(); len(columns) != 3 || columns[2] != (Column{Index: 2, Name: "result.id", Field: ID, Added: true}) || columns[1].Field != UID {
		t.Errorf("the columns are %+v", columns)
	}
	index, err := s.NewIndex(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	err = index.Each(context.Background(), 3, func(i int, r *Row) error {
		want := []string{oneID, ""}[i-3]
		if r.ID != want || r.Cells[2] != want {
			t.Errorf("row %d has %q", r.Number, r.Cells)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.WriteIDs(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	again := &IDs{}
	if err := ReadIDs(context.Background(), kept, again); err != nil {
		t.Fatal(err)
	}
	if missing := again.Seal(); missing != 0 || len(again.all) != len(uids) {
		t.Errorf("%d came back, %d without an id", len(again.all), missing)
	}
	if bad := slices.IndexFunc(uids, func(uid string) bool { return again.of(uid) != oneID }); bad >= 0 {
		t.Errorf("%s did not come back", uids[bad])
	}
}
