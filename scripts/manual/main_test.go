package main

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
	pagesOf := func() map[string]string {
		pages, err := manual(cli.NewRoot(cli.Streams{}), date, "1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		return pages
	}
	all := pagesOf()
	pages := maps.Clone(all)
	for name, parts := range map[string][]string{
		"nermbulk.1":                       {`.TH "NERMBULK" "1" "Jan 2026" "nermbulk 1.2.3" "User Commands"`, `nermbulk\-run(1)`, `nermbulk\-completion(1)`, `\fBnermbulk [flags]\fP`, "NERMBULK_MAX_ATTEMPTS=3", `nermbulk\-exit\-codes(7)`},
		"nermbulk-run.1":                   {`\fB\-\-max\-attempts\fP=5`, ".SH EXAMPLE", "nermbulk run ", `nermbulk\-settings(7)`},
		"nermbulk-check.1":                 {`\fB\-\-fix\fP`},
		"nermbulk-export.1":                {`\fB\-o\fP, \fB\-\-`},
		"nermbulk-prune.1":                 {`\fB\-\-keep\fP`},
		"nermbulk-sandbox.1":               {`\fB\-\-rate\-limit\fP`},
		"nermbulk-report.1":                {"journal"},
		"nermbulk-undo.1":                  {`\fB\-\-only\fP`},
		"nermbulk-runs.1":                  {`\fB\-\-json\fP`},
		"nermbulk-version.1":               {"version"},
		"nermbulk-completion.1":            {`nermbulk\-completion\-bash(1)`},
		"nermbulk-completion-bash.1":       {"/etc/bash_completion.d"},
		"nermbulk-completion-fish.1":       {"fish"},
		"nermbulk-completion-powershell.1": {"powershell"},
		"nermbulk-completion-zsh.1":        {"zsh"},
		"nermbulk-attributes.1":            {`\-\-output`, "options"},
		"nermbulk-ui.1":                    {`\-\-no\-open`},
		"nermbulk-template.1":              {`\-\-output`},
		"nermbulk-sheet.7":                 {`.TH "NERMBULK-SHEET" "7"`, "pending_approval", ".EX", "<clear> empties"},
		"nermbulk-auth.7":                  {"NERM_TOKEN"},
		"nermbulk-settings.7":              {"nermbulk.yaml", "profiles:"},
		"nermbulk-resume.7":                {`\-\-resume`},
		"nermbulk-exit-codes.7":            {"130", `\fBnermbulk help exit\-codes\fP`},
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
	if again := pagesOf(); !maps.Equal(again, all) {
		t.Error("the same date gives other pages")
	}
}

var (
	macros    = regexp.MustCompile(`^\.(nh|TH|SH|SS|PP|EX|EE)( |$)`)
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
