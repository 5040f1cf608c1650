package job

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Announcement is what is about to be sent.
type Announcement struct {
	Overview *batch.Overview // of a resume, of the rows that are left
	Rows     int             // that may be sent, of the rows of the sheet
	Resumed  string          // the directory of the run that goes on; empty for a new one
	Active   time.Time       // when that run last did something
	Edited   bool            // its sheet is another one now
	Removed  journal.Removed // what it had before and has no more
	Again    int             // rows that are sent again, since a later run has written their sessions
	options  *Options        // of the job
}

// Resuming says which run goes on, and what became of its sheet. It is empty
// for a new run.
func (a Announcement) Resuming() string {
	if a.Resumed == "" {
		return ""
	}
	message := "going on with " + a.Resumed
	if !a.Active.IsZero() {
		message += ", last active " + text.Minute(a.Active)
	}
	if a.Edited {
		message += ": the sheet was changed; rows that were sent as they are now are not sent again"
	}
	if a.Removed != (journal.Removed{}) {
		message += fmt.Sprintf("; sessions that it had before and has no more: %d sent, %d not yet sent (what was sent stays recorded)", a.Removed.Sent, a.Removed.NotSent)
	}
	if a.Again > 0 {
		message += "; sent again, since a later run has written their sessions: " + text.Count(a.Again, "row")
	}
	return message
}

// mostUnnamed is how many rows a simple yes is enough for.
const mostUnnamed = 1000

// NameWanted reports whether a person is to type the tenant's name to agree:
// for what cannot be undone, or is large.
func (a Announcement) NameWanted() bool {
	return a.Rows > mostUnnamed || a.Overview.Clears > 0 || a.Overview.Runs > 0
}

// String says what is about to happen, on which host.
func (a Announcement) String() string {
	if part := a.Overview.Part; a.Overview.Others > 0 && a.Overview.Rows == 0 && a.Resumed == "" {
		return fmt.Sprintf("%s: none of its rows is of %s (--shard %s)\n", a.options.Sheet.Name, part.Words(), part)
	}
	if a.Rows == 0 {
		return fmt.Sprintf("%s: nothing is left to send to %s\n", a.options.Sheet.Name, a.options.Tenant.Host)
	}
	verb := "are sent to"
	switch {
	case a.options.Send.DryRun:
		verb = "would be sent to"
	case a.Rows == 1:
		verb = "is sent to"
	}
	lines := OverviewLines(a.Overview)
	if a.Rows != a.Overview.Valid && lines != "" {
		of := "of the sheet"
		if a.Resumed != "" {
			of = "that are left"
		}
		lines = fmt.Sprintf("  in all %s %s:\n%s", text.Count(a.Overview.Valid, "row"), of, lines)
	}
	host := cmp.Or(a.options.Tenant.Host, "no tenant (offline)")
	if a.options.Profile != "" {
		host += " (" + a.options.Profile + ")"
	}
	return fmt.Sprintf("%s: %s %s %s, %s\n%s", a.options.Sheet.Name, text.Count(a.Rows, "row"), verb, host, a.howLong(), lines)
}

// howLong is the time that the rows take at the permitted rate. With a
// comparison, a row that is sent takes a GET too.
func (a Announcement) howLong() string {
	rate, send := a.options.Tenant.Client.Rate, a.options.Send
	if rate <= 0 {
		return "as fast as the tenant answers"
	}
	rows, at := a.Rows, "about "
	if send.Compare && !send.DryRun {
		rows *= 2
		at = "at most about "
	}
	return fmt.Sprintf("%s%s at %g requests a second", at, roughly(time.Duration(float64(rows)/rate*float64(time.Second))), rate)
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second)/time.Second)))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute)/time.Minute))
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %02d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// OverviewLines says what a sheet would change, a line each.
func OverviewLines(o *batch.Overview) string {
	var b strings.Builder
	if len(o.Where) > 0 {
		fmt.Fprintf(&b, "  where:   %s\n", text.Line(strings.Join(texts(o.Where), ", "), 0))
	}
	if o.Part.Of > 1 {
		fmt.Fprintf(&b, "  part:    %d of %d, by the ids (--shard)", o.Part.Number, o.Part.Of)
		if o.Others > 0 { // unknown of a resume
			fmt.Fprintf(&b, "; %s of other parts", text.Count(o.Others, "row"))
		}
		b.WriteString("\n")
	}
	if len(o.Statuses) > 0 {
		names := MostFirst(o.Statuses)
		for i, s := range names {
			names[i] = fmt.Sprintf("%s %s", text.Number(o.Statuses[s]), s)
		}
		fmt.Fprintf(&b, "  status:  %s\n", strings.Join(names, ", "))
	}
	if o.Clears > 0 {
		fmt.Fprintf(&b, "  clears:  %s emptied\n", text.Count(o.Clears, "attribute"))
	}
	if o.Runs > 0 {
		fmt.Fprintf(&b, "  runs:    %s run (run=true)\n", text.Count(o.Runs, "session"))
	}
	if o.Invalid > 0 {
		fmt.Fprintf(&b, "  invalid: %s not sent\n", text.Count(o.Invalid, "row"))
	}
	writeColumns(&b, "  sent:    ", o, true)
	writeColumns(&b, "  not sent: ", o, false)
	return b.String()
}

// MostFirst returns the keys of counts, the most frequent first.
func MostFirst[K cmp.Ordered](counts map[K]int) []K {
	return slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// mostColumns is how many columns are named.
const mostColumns = 20

// writeColumns names the columns that are sent, or those that are not, with the
// number of cells in each. What an earlier run wrote is one of them.
func writeColumns(b *strings.Builder, title string, o *batch.Overview, sent bool) {
	var names []string
	results := 0
	for _, c := range o.Columns {
		switch {
		case change.Acts(c.Field) != sent:
		case c.Field == sheet.Result:
			results++
		default:
			cells := text.Number(c.Cells)
			if len(names) == 0 {
				cells = text.Count(c.Cells, "cell")
			}
			names = append(names, columnName(c.Column)+" ("+cells+")")
		}
	}
	if more := len(names) - mostColumns; more > 0 {
		names = append(names[:mostColumns], text.Count(more, "more column"))
	}
	if results > 0 {
		names = append(names, "result.* ("+text.Count(results, "column")+")")
	}
	if len(names) > 0 {
		b.WriteString(title + strings.Join(names, ", ") + "\n")
	}
}

// columnName is a column's header, with what it is sent as where that is
// another name.
func columnName(c sheet.Column) string {
	name, field := text.Line(sheet.Trim(c.Name), 60), change.Label(c.Field, c.UID)
	switch {
	case !change.Acts(c.Field):
		return name
	case sheet.NormalizeName(name) == sheet.NormalizeName(field):
		return field
	}
	return name + " as " + field
}

// Columns returns the number of cells in each column that is sent, and in each
// that is not, by the names that an announcement has.
func Columns(o *batch.Overview) (sent, others map[string]int) {
	sent, others = map[string]int{}, map[string]int{}
	for _, c := range o.Columns {
		if change.Acts(c.Field) {
			sent[change.Label(c.Field, c.UID)] = c.Cells
		} else if c.Field != sheet.Result {
			others[text.Line(sheet.Trim(c.Name), 60)] += c.Cells
		}
	}
	return sent, others
}
