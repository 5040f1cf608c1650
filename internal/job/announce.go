package job

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// Announcement is what is about to be sent.
type Announcement struct {
	Overview *batch.Overview
	Rows     int             // that may be sent, of the rows of the sheet
	Resumed  string          // the directory of the run that goes on; empty for a new one
	Active   time.Time       // when that run last did something
	Edited   bool            // its sheet is another one now
	Removed  journal.Removed // what it had before and has no more
	Again    int             // rows that are sent again, since a later run has written their sessions

	Sheet           string  // its name
	Host            string  // empty offline
	Profile         string  // of the settings; may be empty
	Rate            float64 // requests per second; 0 = no ceiling
	DryRun, Compare bool
}

// Resuming says which run goes on, and what became of its sheet. It is empty
// for a new run.
func (a Announcement) Resuming() string {
	if a.Resumed == "" {
		return ""
	}
	message := "going on with " + a.Resumed
	if !a.Active.IsZero() {
		message += ", last active " + a.Active.UTC().Format("2006-01-02 15:04 UTC")
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
	if a.Rows == 0 {
		return fmt.Sprintf("%s: nothing is left to send to %s\n", a.Sheet, a.Host)
	}
	verb := "are sent to"
	switch {
	case a.DryRun:
		verb = "would be sent to"
	case a.Rows == 1:
		verb = "is sent to"
	}
	lines := OverviewLines(a.Overview)
	if a.Rows != a.Overview.Valid && lines != "" {
		lines = fmt.Sprintf("  in all %s of the sheet:\n%s", text.Count(a.Overview.Valid, "row"), lines)
	}
	host := cmp.Or(a.Host, "no tenant (offline)")
	if a.Profile != "" {
		host += " (" + a.Profile + ")"
	}
	return fmt.Sprintf("%s: %s %s %s, %s\n%s", a.Sheet, text.Count(a.Rows, "row"), verb, host, a.howLong(), lines)
}

// howLong is the time that the rows take at the permitted rate. With a
// comparison, a row that is sent takes a GET too.
func (a Announcement) howLong() string {
	if a.Rate <= 0 {
		return "as fast as the tenant answers"
	}
	rows, at := a.Rows, "about "
	if a.Compare && !a.DryRun {
		rows *= 2
		at = "at most about "
	}
	return fmt.Sprintf("%s%s at %g requests a second", at, roughly(time.Duration(float64(rows)/a.Rate*float64(time.Second))), a.Rate)
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
	if len(o.Statuses) > 0 {
		names := slices.SortedFunc(maps.Keys(o.Statuses), func(a, b string) int {
			return cmp.Or(cmp.Compare(o.Statuses[b], o.Statuses[a]), strings.Compare(a, b))
		})
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
	return b.String()
}
