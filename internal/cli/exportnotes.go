package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// exportNotes gathers what of the sessions is not in the sheet as it is, by
// place and reason, in the order in which it was met. Its memory does not grow
// with the sessions but with the reasons.
type exportNotes struct {
	list            []*exportNote
	index           map[[2]string]*exportNote
	unknownStatuses int // sessions whose status is not in the API's list
	more            int // beyond mostNotes
}

// mostNotes bounds the notes that are kept apart.
const mostNotes = 1000

// exportNote is one reason at one place.
type exportNote struct {
	Where   string `json:"where"`
	Reason  string `json:"reason"`
	Times   int    `json:"times"`
	Example string `json:"example,omitempty"` // a value
	ID      string `json:"id,omitempty"`      // of the session that has it
}

func (n *exportNotes) add(where, reason, value, id string) {
	key := [2]string{where, reason}
	note := n.index[key]
	if note == nil {
		if len(n.list) == mostNotes {
			n.more++
			return
		}
		if n.index == nil {
			n.index = map[[2]string]*exportNote{}
		}
		note = &exportNote{Where: where, Reason: reason, Example: value, ID: id}
		n.index[key] = note
		n.list = append(n.list, note)
	}
	note.Times++
}

// text tells people the first notes, and the flag that a run would need.
func (n *exportNotes) text() string {
	var b strings.Builder
	for i, note := range n.list {
		if i == mostPrinted {
			fmt.Fprintf(&b, "  and %s more\n", thousands(len(n.list)-i+n.more))
			break
		}
		b.WriteString("  " + note.Where + ": " + note.Reason)
		if note.ID != "" {
			fmt.Fprintf(&b, "; %s, such as ", count(note.Times, "session"))
			if note.Example != "" {
				b.WriteString(quoted(note.Example) + " of ")
			}
			b.WriteString(quoted(note.ID))
		}
		b.WriteByte('\n')
	}
	if n.unknownStatuses > 0 {
		fmt.Fprintf(&b, "  status: %s one that the API's list does not hold; run the sheet with --allow-unknown-status\n", counted(n.unknownStatuses, "session has", "sessions have"))
	}
	return b.String()
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// quoted shows a tenant's text: cut, and fit for a terminal.
func quoted(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n++; n > most {
			s = s[:i] + "…"
			break
		}
	}
	return strconv.Quote(s)
}
