package report

import (
	"cmp"
	"maps"
	"slices"

	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
)

// fieldOrder has the place of a field, by its name in a header: as the table of
// fields has them, attributes as the sheet.
type fieldOrder map[string]int

func newFieldOrder(s *sheet.Sheet) fieldOrder {
	order := fieldOrder{}
	for _, f := range change.Fields() {
		order[f.Name] = len(order)
	}
	for _, c := range s.Columns() {
		if c.Field == sheet.Attribute {
			order[change.Label(c.Field, c.UID)] = len(order)
		}
	}
	return order
}

// inOrder returns the fields of a map; those that the sheet does not have are
// last.
func inOrder[V any](order fieldOrder, fields map[string]V) []string {
	place := func(label string) int {
		if at, ok := order[label]; ok {
			return at
		}
		return len(order)
	}
	return slices.SortedFunc(maps.Keys(fields), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}
