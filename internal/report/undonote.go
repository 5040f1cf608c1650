package report

import (
	"fmt"
	"strings"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// clearMarker is what undo.csv writes for an attribute that was empty, whatever
// marker the run's sheet used: it is read without flags.
const clearMarker = "<clear>"

// UndoRules is what undo.csv needs to know of the API's values, which this
// package does not judge. A nil function has no objection.
type UndoRules struct {
	// ClearMarker is the one that the run's sheet used; "" is "<clear>".
	ClearMarker string
	// Status gives a returned status as a request spells it, and whether it
	// is one of the API's list.
	Status func(s string) (spelling string, known bool)
	// Refused tells that a sheet with this cell would be refused.
	Refused func(f sheet.Field, cell string) bool
}

// UndoNote is what the summary tells of undo.csv.
type UndoNote struct {
	Rows  int       // rows that it puts back
	Flags []string  // what `run` needs to take it
	Lost  []Failure // what it cannot put back
}

func (u *undo) note() UndoNote {
	n := UndoNote{Rows: u.rows, Lost: u.losses.list()}
	for _, f := range []string{"--allow-unknown-status"} {
		if u.flags[f] {
			n.Flags = append(n.Flags, f)
		}
	}
	return n
}

func (n UndoNote) print(b *strings.Builder) {
	if n.Rows > 0 {
		fmt.Fprintf(b, "\nundo.csv puts back %s", text.Count(n.Rows, "row"))
		if len(n.Flags) > 0 {
			fmt.Fprintf(b, "; run it with %s", strings.Join(n.Flags, " "))
		}
		b.WriteString("\n")
	}
	if len(n.Lost) > 0 {
		b.WriteString("\ncannot be put back:\n")
		for _, l := range n.Lost {
			fmt.Fprintf(b, "  %s\n", l)
		}
	}
}
