package sheet

import (
	"context"
	"slices"
	"testing"
)

// TestPartOfAnID holds the division against figures that were made apart from
// this code: a part must be the same on every machine and in every version.
func TestPartOfAnID(t *testing.T) {
	for _, test := range []struct {
		id    string
		parts map[int]int // by their number
	}{
		{"00000001-0000-4000-8000-000000000001", map[int]int{1: 1, 2: 1, 3: 2, 4: 1, 1000: 701}},
		{"00000008-0000-4000-8000-000000000008", map[int]int{1: 1, 2: 2, 3: 1, 4: 2, 1000: 502}},
		{"abc", map[int]int{4: 3}},
		{" ABC\u00a0", map[int]int{4: 3}},
		{"", map[int]int{4: 1}},
	} {
		for of, want := range test.parts {
			var in []int
			for number := 1; number <= of; number++ {
				if (Part{number, of}).Has(test.id) {
					in = append(in, number)
				}
			}
			if !slices.Equal(in, []int{want}) {
				t.Errorf("%q is in the parts %v of %d, not in %d", test.id, in, of, want)
			}
		}
		if !(Part{}).Has(test.id) {
			t.Errorf("%q is not in the whole sheet", test.id)
		}
	}
}

func TestParsePart(t *testing.T) {
	for _, test := range []struct {
		text string
		want Part
		ok   bool
	}{
		{"", Part{}, true}, {"2/4", Part{2, 4}, true}, {"1/1", Part{1, 1}, true}, {"1000000/2000000", Part{1000000, 2000000}, true},
		{text: "0/4"}, {text: "5/4"}, {text: "1"}, {text: "/4"}, {text: "1/"}, {text: "1/4/4"}, {text: "-1/4"}, {text: "1/0"}, {text: "a/b"}, {text: " 1/4"}, {text: "1/99999999999"},
	} {
		got, ok := ParsePart(test.text)
		if ok != test.ok || ok && (got != test.want || got.String() != test.text) {
			t.Errorf("%q: %v, %v", test.text, got, ok)
		}
	}
}

// TestPartOfASheet reads the rows of each part of a sheet, of one by uids too.
func TestPartOfASheet(t *testing.T) {
	ids := map[string]string{
		"u1": "00000001-0000-4000-8000-000000000001", "u2": "00000002-0000-4000-8000-000000000002", "u8": "00000008-0000-4000-8000-000000000008",
	}
	for _, test := range []struct {
		name, text string
		part       Part
		want       []int // rows
	}{
		{"the first", "id,status\n" + ids["u1"] + ",closed\n\n" + ids["u2"] + ",closed\n" + ids["u8"] + ",x\n", Part{1, 4}, []int{2}},
		{"the second", "id,status\n" + ids["u1"] + ",closed\n\n" + ids["u2"] + ",closed\n" + ids["u8"] + ",x\n", Part{2, 4}, []int{5}},
		{"one without rows", "id,status\n" + ids["u1"] + ",closed\n", Part{3, 4}, nil},
		{"by uid", "status,uid\nclosed,u1\nclosed,u2\nx,u8\n", Part{4, 4}, []int{3}},
		{"a uid that is nobody's", "status,uid\nclosed,nobody\nclosed,u2\n", Part{1, 4}, []int{2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openBytes(t, []byte(test.text), Options{Fields: Fields{Sent: []string{"id", "status"}, ReadOnly: []string{"uid"}}, Part: test.part})
			all := &IDs{}
			for uid, id := range ids {
				all.Keep(uid, id)
			}
			all.Seal()
			s.SetIDs(all)
			var got, whole []int
			if err := s.Each(context.Background(), func(r *Row) error { got = append(got, r.Number); return nil }); err != nil {
				t.Fatal(err)
			}
			if problems := s.Problems(); !slices.Equal(got, test.want) || len(problems) > 0 {
				t.Errorf("rows %v, not %v; problems %v", got, test.want, problems)
			}
			if err := s.EachOfAllParts(context.Background(), func(r *Row) error { whole = append(whole, r.Number); return nil }); err != nil {
				t.Fatal(err)
			}
			x, err := s.NewIndex(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var shown []int
			if err := x.Each(t.Context(), 0, func(_ int, r *Row) error { shown = append(shown, r.Number); return nil }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(shown, test.want) || len(whole) <= len(got) {
				t.Errorf("the index shows the rows %v, not %v; all are %v", shown, test.want, whole)
			}
		})
	}
}
