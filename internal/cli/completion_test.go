package cli

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/change"
)

// completed asks for what a shell would offer, without the descriptions.
func completed(t *testing.T, words ...string) []string {
	t.Helper()
	got := call(t, nil, append([]string{"__complete"}, words...)...)
	got.wantCode(t, ExitOK)
	var list []string
	for line := range strings.Lines(got.out) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		list = append(list, word)
	}
	return list
}

func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	keptRun(t, "older", 2*time.Hour, nil)
	keptRun(t, "newer", time.Hour, nil)
	const (
		noFiles, noSpace, endings, dirs, inOrder = 4, 2, 8, 16, 32
	)
	directive := func(n int) string { return ":" + strconv.Itoa(n) }
	for _, test := range []struct {
		name  string
		words []string
		want  []string // the last one is the directive
	}{
		{"a command", []string{"ex"}, []string{"export", directive(noFiles)}},
		{"a help page", []string{"help", "exi"}, []string{"exit-codes", directive(noFiles)}},
		{"a sheet", []string{"run", ""}, []string{"csv", "xlsx", "xlsm", "tsv", "txt", "gz", directive(endings)}},
		{"a sheet to check", []string{"check", ""}, []string{"csv", "xlsx", "xlsm", "tsv", "txt", "gz", directive(endings)}},
		{"one sheet is enough", []string{"run", "a.csv", ""}, []string{directive(noFiles)}},
		{"a run", []string{"report", ""}, []string{filepath.Join("runs", "newer"), filepath.Join("runs", "older"), directive(noFiles | inOrder)}},
		{"a run elsewhere", []string{"report", "other/"}, []string{directive(dirs)}},
		{"a run directory", []string{"run", "--run-dir", ""}, []string{directive(dirs)}},
		{"a status", []string{"export", "--status", "pending_cr"}, []string{"pending_creation", directive(noFiles)}},
		{"a log format", []string{"run", "--log-format", ""}, []string{"text", "json", directive(noFiles)}},
		{"an authorization", []string{"export", "--auth-scheme", "t"}, []string{"token", directive(noFiles)}},
		{"what becomes of unknown columns", []string{"check", "--unknown-columns", ""}, []string{"error", "attribute", "ignore", directive(noFiles)}},
		{"duplicates", []string{"run", "--duplicates=in"}, []string{"in-order", directive(noFiles)}},
		{"an encoding", []string{"check", "--encoding", "windows"}, []string{"windows-1252", "windows-1250", directive(noFiles)}},
		{"a column is the user's to type", []string{"run", "--map", "Cont"}, []string{directive(noFiles | noSpace)}},
		{"a field for a column", []string{"run", "--map", "Contract End=requester"}, []string{"Contract End=requester_id", "Contract End=requester_type", directive(noFiles | inOrder)}},
		{"an attribute for a column", []string{"run", "--map", "Contract End=at"}, []string{"Contract End=attributes.", directive(noFiles | inOrder | noSpace)}},
		{"a date's form", []string{"run", "--date", "attributes.x=dd"}, []string{"attributes.x=dd/mm/yyyy:", "attributes.x=dd-mm-yyyy:", "attributes.x=dd.mm.yyyy:", directive(noFiles | inOrder | noSpace)}},
		{"a date's other form", []string{"run", "--date", "attributes.x=dd.mm.yyyy:yyyy-"}, []string{"attributes.x=dd.mm.yyyy:yyyy-mm-dd", directive(noFiles | inOrder)}},
		{"a number", []string{"run", "--workers", ""}, []string{directive(noFiles)}},
		{"a file of attributes", []string{"attributes", "-o", ""}, []string{"json", "csv", directive(endings)}},
		{"export takes no argument", []string{"export", ""}, []string{directive(noFiles)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := completed(t, test.words...); !slices.Equal(got, test.want) {
				t.Errorf("offered %q\nwant    %q", got, test.want)
			}
		})
	}
	if got := completed(t, "export", "--status", ""); !slices.Equal(got[:len(got)-1], change.Statuses()) {
		t.Errorf("not every status is offered: %v", got)
	}
}

func TestMapTargetsAreFields(t *testing.T) {
	for _, name := range mapTargets("") {
		if name == "attributes." {
			name += "uid"
		}
		if _, err := change.SheetFields().ParseMapping("x=" + name); err != nil {
			t.Error(err)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := call(t, nil, "completion", shell)
		got.wantCode(t, ExitOK)
		call(t, nil, "completion", shell, "extra").wantCode(t, ExitUsage)
		if got.err != "" || !strings.Contains(got.out, "nermbulk") {
			t.Errorf("%s: %d bytes on standard output, standard error %q", shell, len(got.out), got.err)
		}
		path, err := exec.LookPath(shell)
		if err != nil || shell == "powershell" || runtime.GOOS == "windows" { // there bash is of another system
			continue
		}
		syntax := exec.Command(path, "-n")
		syntax.Stdin = strings.NewReader(got.out)
		if text, err := syntax.CombinedOutput(); err != nil {
			t.Errorf("%s cannot read it: %v\n%s", shell, err, text)
		}
	}
}
