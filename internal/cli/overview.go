package cli

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/batch"
)

// overviewLines says what a sheet would change, a line each.
func overviewLines(o *batch.Overview) string {
	var b strings.Builder
	if len(o.Statuses) > 0 {
		names := make([]string, 0, len(o.Statuses))
		for s := range o.Statuses {
			names = append(names, s)
		}
		slices.SortFunc(names, func(a, b string) int {
			return cmp.Or(cmp.Compare(o.Statuses[b], o.Statuses[a]), cmp.Compare(a, b))
		})
		for i, s := range names {
			names[i] = fmt.Sprintf("%s %s", thousands(o.Statuses[s]), s)
		}
		fmt.Fprintf(&b, "  status:  %s\n", strings.Join(names, ", "))
	}
	if o.Clears > 0 {
		fmt.Fprintf(&b, "  clears:  %s emptied\n", count(o.Clears, "attribute"))
	}
	if o.Runs > 0 {
		fmt.Fprintf(&b, "  runs:    %s run (run=true)\n", count(o.Runs, "session"))
	}
	if o.Invalid > 0 {
		fmt.Fprintf(&b, "  invalid: %s not sent\n", count(o.Invalid, "row"))
	}
	return b.String()
}

// announcement says what is about to happen, on which host.
func (r *runner) announcement(rows int) string {
	name, host := r.input.name, r.to.host
	if rows == 0 {
		return fmt.Sprintf("%s: nothing is left to send to %s\n", name, host)
	}
	verb := "are sent to"
	switch {
	case r.dryRun:
		verb = "would be sent to"
	case rows == 1:
		verb = "is sent to"
	}
	if host == "" {
		host = "no tenant (offline)"
	}
	told := overviewLines(r.overview)
	if rows != r.overview.Valid && told != "" {
		told = fmt.Sprintf("  in all %s of the sheet:\n%s", count(r.overview.Valid, "row"), told)
	}
	return fmt.Sprintf("%s: %s %s %s, %s\n%s", name, count(rows, "row"), verb, host, r.howLong(rows), told)
}

// howLong is the time that rows take at the permitted rate. With a comparison,
// a row that is sent takes a GET too.
func (r *runner) howLong(rows int) string {
	if r.rate <= 0 {
		return "as fast as the tenant answers"
	}
	at := "about "
	if r.compare && !r.dryRun {
		rows *= 2
		at = "at most about "
	}
	return fmt.Sprintf("%s%s at %g requests a second", at, roughly(time.Duration(float64(rows)/r.rate*float64(time.Second))), r.rate)
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

// mostUnnamed is how many rows a simple yes is enough for.
const mostUnnamed = 1000

// confirm asks the person at the terminal. What cannot be undone, or is large,
// wants the tenant's name typed.
func confirm(ctx context.Context, in io.Reader, says *printer, to endpoint, o *batch.Overview, rows int) error {
	question, want := "Send them? [y/N] ", []string{"y", "yes"}
	if rows > mostUnnamed || o.Clears > 0 || o.Runs > 0 {
		question, want = fmt.Sprintf("Type the tenant's name (%s) to send them: ", to.name), []string{to.name}
	}
	says.ask(question)
	typed := make(chan string, 1)
	// A read from a terminal cannot be called off: after an interrupt this
	// goroutine ends with the process, which follows at once.
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		if !says.json {
			says.ask("\n") // what follows is not to stand behind the question
		}
		return ctx.Err()
	case answer := <-typed:
		if slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(answer, w) }) {
			return nil
		}
	}
	return usage("not confirmed: nothing was sent")
}
