package cli

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
	"nermbulk/internal/sheet"
)

// The documents are tested unchanged. Their fenced blocks mean:
//
//	```console      lines after "$ " are run in order, in one shell, in a
//	                directory that holds samples/; what follows a command is
//	                its output, in which … matches anything. A command may
//	                fail only where "$ echo $?" follows it.
//	```csv NAME     the file NAME next to them; also yaml NAME
//	```cells NAME   the workbook NAME next to them, its cells between |
//
// The tenant acme is a simulated one that knows the ids of samples/sessions.csv.

const repository = "../.."

// documents lists the files that are tested.
func documents(t *testing.T) []string {
	t.Helper()
	paths := []string{filepath.Join(repository, "README.md"), filepath.Join(repository, "CONTRIBUTING.md")}
	more, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil || len(more) == 0 {
		t.Fatalf("no documents under docs/ (%v)", err)
	}
	return append(paths, more...)
}

// block is one fenced block of a document.
type block struct {
	line int    // of its opening fence
	info string // what follows the fence: a language and more
	text string
}

func blocksOf(t *testing.T, document string) []block {
	t.Helper()
	var found []block
	var open *block
	for i, line := range strings.Split(document, "\n") {
		mark, info, _ := strings.Cut(strings.TrimLeft(line, " "), "```")
		switch {
		case mark != "" || !strings.Contains(line, "```"):
			if open != nil {
				open.text += line + "\n"
			}
		case open == nil:
			open = &block{line: i + 1, info: strings.TrimSpace(info)}
		default:
			found = append(found, *open)
			open = nil
		}
	}
	if open != nil {
		t.Fatalf("line %d: a fenced block is never closed", open.line)
	}
	return found
}

// step is one command of a document.
type step struct {
	line    int
	command string
	want    []string // its output; nil when the document shows none
	silent  bool     // not run: see skipped
}

func stepsOf(t *testing.T, b block) []step {
	t.Helper()
	var steps []step
	for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			steps = append(steps, step{line: b.line + 1 + i, command: command})
		case len(steps) == 0:
			t.Fatalf("line %d: a console block begins with a command: %q", b.line+1+i, line)
		case steps[len(steps)-1].want == nil && strings.HasSuffix(steps[len(steps)-1].command, `\`):
			steps[len(steps)-1].command += "\n" + line
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, strings.TrimRight(line, " "))
		}
	}
	return steps
}

// skipped are commands of contributors that are not run here: this test is a
// part of most of them.
var skipped = regexp.MustCompile(`^(go (test|build|tool)|go run \./|make|\.ci/run|git)\b`)

// needShell skips a test of what is written for a POSIX shell where there is
// none. On Windows one has other paths than the programs that it starts.
func needShell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no POSIX shell here: what is written for one is not run")
	}
}

func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	needShell(t)
	for _, path := range documents(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := shellDir(t)
			var steps []step
			for _, b := range blocksOf(t, string(text)) {
				kind, name, _ := strings.Cut(b.info, " ")
				switch {
				case kind == "console":
					steps = append(steps, stepsOf(t, b)...)
				case (kind == "csv" || kind == "yaml") && name != "":
					if err := os.WriteFile(filepath.Join(dir, name), []byte(b.text), 0o600); err != nil {
						t.Fatal(err)
					}
				case kind == "cells" && name != "":
					writeCells(t, filepath.Join(dir, name), b.text)
				default:
					refuseCommands(t, b)
				}
			}
			runSteps(t, dir, path, steps)
		})
	}
}

// writeCells writes a workbook of lines with | between the cells.
func writeCells(t *testing.T, path, lines string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = sheet.WriteWorkbook(file, "Sheet1", func(visit func([]string, ...sheet.Mark) error) error {
		for line := range strings.Lines(lines) {
			cells := strings.Split(line, "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			if err := visit(cells); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// refuseCommands checks that no command is where it would not be run.
func refuseCommands(t *testing.T, b block) {
	t.Helper()
	for i, line := range strings.Split(b.text, "\n") {
		for _, start := range []string{"$ ", "nermbulk ", "go run . "} {
			if strings.HasPrefix(strings.TrimSpace(line), start) {
				t.Errorf("line %d: a command in a block that is not run: mark the block as console", b.line+1+i)
			}
		}
	}
}

// shellDir is a directory with the samples in it.
func shellDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "samples"), os.DirFS(filepath.Join(repository, "samples"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// acme is the simulated tenant of the documents.
func acme(t *testing.T) (host string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "samples", "sessions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	tenant := sandbox.New(sandbox.Options{})
	for _, id := range regexp.MustCompile(`(?m)^[0-9a-f-]{36}`).FindAllString(string(text), -1) {
		if err := tenant.AddID(id); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// shell runs a script with the tenant acme in its environment and returns what
// it printed and its exit code.
func shell(t *testing.T, dir, host, script string, env ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir = dir
	c.WaitDelay = 5 * time.Second
	c.Env = []string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "LC_ALL=C.UTF-8",
		"NERM_BASE_URL=http://" + host + "/api", "NERM_TOKEN=any", "GORACE=atexit_sleep_ms=0",
	}
	c.Env = append(c.Env, env...)
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("the commands took too long\n%s", out)
	}
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// freePort finds a port for a tenant that a document starts by itself.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func runSteps(t *testing.T, dir, path string, steps []step) {
	host, port := acme(t), freePort(t)
	words := strings.NewReplacer(
		"go run . ", "nermbulk ",
		" --tenant acme", " --base-url http://"+host+"/api",
		"NERM_TENANT=acme", "NERM_BASE_URL=http://"+host+"/api",
		"127.0.0.1:8787", "127.0.0.1:"+port,
	)
	back := strings.NewReplacer(host, "acme.nonemployee.com", "127.0.0.1:"+port, "127.0.0.1:8787")
	out := t.TempDir()
	_, jqErr := exec.LookPath("jq")
	var script strings.Builder
	script.WriteString("trap 'kill $(jobs -p) 2>/dev/null' EXIT\nrc=0\n")
	for i := range steps {
		s := &steps[i]
		if s.silent = skipped.MatchString(s.command); s.silent {
			continue
		}
		if s.silent = jqErr != nil && strings.Contains(s.command, "jq "); s.silent {
			t.Logf("%s:%d: jq is not installed, so this is not run: %s", path, s.line, s.command)
			continue
		}
		fmt.Fprintf(&script, "{ (exit $rc)\n%s\n} >%s/%d 2>&1 </dev/null\nrc=$?; echo $rc >%s/%d.rc\n", words.Replace(s.command), out, i, out, i)
		if strings.HasSuffix(s.command, "&") {
			fmt.Fprintf(&script, "for n in {1..100}; do (exec 3<>/dev/tcp/127.0.0.1/%s) 2>/dev/null && break; sleep 0.1; done\n", port)
		}
	}
	shell(t, dir, host, script.String())
	for i, s := range steps {
		if s.silent {
			continue
		}
		got, err := os.ReadFile(filepath.Join(out, strconv.Itoa(i)))
		rc, rcErr := os.ReadFile(filepath.Join(out, strconv.Itoa(i)+".rc"))
		if err != nil || rcErr != nil {
			t.Fatalf("%s:%d: not reached: %s", path, s.line, s.command)
		}
		printed := strings.TrimSuffix(back.Replace(string(got)), "\n") + "\n"
		codeShown := i+1 < len(steps) && steps[i+1].command == "echo $?"
		if code := strings.TrimSpace(string(rc)); code != "0" && !codeShown {
			t.Errorf("%s:%d: exit code %s: %s\n%s", path, s.line, code, s.command, printed)
		}
		if want := expectation(s.want); s.want != nil && !want.MatchString(printed) {
			t.Errorf("%s:%d: %s\nprints\n%s\n\nnot\n%s", path, s.line, s.command, printed, strings.Join(s.want, "\n"))
		}
	}
}

// runStamp is the time in the name of a run directory.
var runStamp = regexp.MustCompile(`-\d{8}T\d{6}Z(-\d+)?`)

// expectation makes a pattern of a document's output. A line that is … alone
// matches any lines, also none.
func expectation(want []string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, line := range want {
		if strings.TrimSpace(line) == "…" {
			b.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		parts := strings.Split(line, "…")
		for i, part := range parts {
			stamped := runStamp.Split(part, -1)
			for j := range stamped {
				stamped[j] = regexp.QuoteMeta(stamped[j])
			}
			parts[i] = strings.Join(stamped, runStamp.String())
		}
		b.WriteString(strings.Join(parts, `[^\n]*`) + `[ ]*\n`)
	}
	return regexp.MustCompile(b.String() + `\z`)
}
