package cli_test

import (
	"maps"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/cli"
)

func TestManPages(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 1, 15, 23, 0, 0, 0, time.UTC)
	all := cli.ManPages(date, "1.2.3")
	pages := maps.Clone(all)
	for name, parts := range map[string][]string{
		"nermbulk.1":            {`.TH "NERMBULK" "1" "2026-01-15" "nermbulk 1.2.3"`, `\fBrun\fR`, `\fBcompletion\fR`, "nermbulk command [flags]", ".SH \"EXIT STATUS\"", `nermbulk\-exit\-codes(7)`},
		"nermbulk-run.1":        {`\fB\-\-max\-attempts\fR`, "(default 5)", ".SS ", ".SH \"EXAMPLES\"", "nermbulk run "},
		"nermbulk-check.1":      {`\fB\-\-fix\fR`},
		"nermbulk-export.1":     {`\fB\-o\fR, \fB\-\-`},
		"nermbulk-prune.1":      {`\fB\-\-keep\fR`},
		"nermbulk-sandbox.1":    {`\fB\-\-rate\-limit\fR`},
		"nermbulk-report.1":     {"journal"},
		"nermbulk-version.1":    {"version"},
		"nermbulk-completion.1": {`\fBbash\fR`},
		"nermbulk-sheet.7":      {"pending_approval", ".nf"},
		"nermbulk-auth.7":       {"NERM_TOKEN"},
		"nermbulk-resume.7":     {`\-\-resume`},
		"nermbulk-exit-codes.7": {"130"},
	} {
		page, ok := pages[name]
		if !ok {
			t.Errorf("there is no %s", name)
			continue
		}
		delete(pages, name)
		for _, part := range parts {
			if !strings.Contains(page, part) {
				t.Errorf("%s does not hold %s", name, part)
			}
		}
		wellFormed(t, name, page)
	}
	for name := range pages {
		t.Errorf("%s is a page of nothing", name)
	}
	if again := cli.ManPages(date, "1.2.3"); !maps.Equal(again, all) {
		t.Error("the same date gives other pages")
	}
}

var (
	macros    = regexp.MustCompile(`^\.(TH|SH|SS|TP|PP|nf|fi)( "|$)`)
	plainDash = regexp.MustCompile(`(^|[^\\])-`)
)

// wellFormed wants that each line is text or one of the macros, and lets a
// formatter judge the page where there is one.
func wellFormed(t *testing.T, name, page string) {
	t.Helper()
	for _, line := range strings.Split(page, "\n") {
		if (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) && !macros.MatchString(line) {
			t.Errorf("%s: no macro: %s", name, line)
		}
		if !strings.HasPrefix(line, ".") && plainDash.MatchString(line) {
			t.Errorf("%s: a dash that would become a hyphen: %s", name, line)
		}
	}
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		return
	}
	check := exec.Command(mandoc, "-Tlint", "-Wwarning")
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %s", name, err, out)
	}
}
