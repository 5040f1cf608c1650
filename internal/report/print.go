package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	printedCauses   = 20
	printedExamples = 3
)

// Print writes the summary for people. next is the exact command to go on
// with; it becomes the last line, alone, so that it can be copied. Empty means
// that there is nothing left to do.
func (s Summary) Print(w io.Writer, next string) error {
	var b strings.Builder
	title := "run"
	if s.DryRun {
		title = "dry run, nothing was sent"
	}
	where := ""
	if s.Host != "" { // a dry run needs no tenant
		where = " on " + clean(s.Host)
	}
	fmt.Fprintf(&b, "%s%s (%s): %s\n", clean(s.Sheet), where, title, rows(s.Rows))
	s.printCounts(&b)
	if s.Reason != "" {
		fmt.Fprintf(&b, "stopped: %s\n", clean(s.Reason))
	} else if s.FinishedAt == nil {
		b.WriteString("the run did not end in order: it was killed\n")
	}
	s.printFailures(&b)
	s.Undo.print(&b)
	if len(s.Files) > 0 {
		b.WriteString("\nfiles:\n")
		for _, f := range s.Files {
			fmt.Fprintf(&b, "  %-8s %s\n", f.Name, f.Path)
		}
	}
	if next != "" {
		fmt.Fprintf(&b, "\nnext:\n%s\n", next)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Summary) printCounts(b *strings.Builder) {
	for _, c := range s.Outcomes.counts() {
		name := c.Name
		if s.DryRun && name == "pending" {
			name = "to send"
		}
		always := name == "updated" && !s.DryRun || name == "to send"
		if c.Rows == 0 && !always {
			continue
		}
		fmt.Fprintf(b, "  %-9s %10s\n", name, thousands(c.Rows))
	}
}

func (s Summary) printFailures(b *strings.Builder) {
	if len(s.Failures) == 0 {
		return
	}
	b.WriteString("\nwhy:\n")
	for i, f := range s.Failures {
		if i == printedCauses {
			fmt.Fprintf(b, "  and %d more causes: see summary.json\n", len(s.Failures)-i)
			break
		}
		fmt.Fprintf(b, "  %s\n", f)
	}
}

// String tells a cause as a person would:
// "3,912 rows: end_date can't be blank; e.g. rows 17, 18, 40".
func (f Failure) String() string {
	text := rows(f.Rows) + ": " + f.Cause
	if e := examples(f, printedExamples); e != "" {
		text += "; " + e
	}
	return text
}

// examples names at most n of a cause's rows: "e.g. rows 17, 18, 40".
func examples(f Failure, n int) string {
	some := f.ExampleRows[:min(len(f.ExampleRows), n)]
	if len(some) == 0 {
		return ""
	}
	list := make([]string, len(some))
	for i, row := range some {
		list[i] = strconv.Itoa(row)
	}
	text := "rows " + strings.Join(list, ", ")
	if len(some) == 1 {
		text = "row " + list[0]
	}
	if f.Rows > len(some) {
		text = "e.g. " + text
	}
	return text
}
