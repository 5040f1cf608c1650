package cli_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// testTimeout bounds every wait of a test for something that must happen.
const testTimeout = 40 * time.Second

// script is what the commands of one script share: its tenants and what it has
// started in the background.
type script struct {
	tenants map[string]*tenant
	started map[string]*process
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// command is a command of the scripts.
type command = func(ts *testscript.TestScript, neg bool, args []string)

// TestScripts runs nermbulk's real main through the scripts in testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Abs("../../samples")
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]command{}
	for _, some := range []map[string]command{tenantCommands(), processCommands(), fileCommands()} {
		maps.Copy(commands, some)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 scriptsDir(t),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(8 * testTimeout), // of all scripts; they share two cores with every other test
		Cmds:                commands,
		Setup: func(env *testscript.Env) error {
			env.Values[scriptKey{}] = &script{tenants: map[string]*tenant{}, started: map[string]*process{}}
			env.Setenv("GORACE", noPause)
			env.Setenv("LF", "\n")
			return os.CopyFS(filepath.Join(env.WorkDir, "samples"), os.DirFS(samples))
		},
	})
}

// scriptsDir returns the directory of the scripts. On Windows it has copies whose
// patterns take its paths and its shells' quotes too.
func scriptsDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("testdata", "script")
	if runtime.GOOS != "windows" {
		return dir
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	patterns := regexp.MustCompile(`(?m)^(\[\S+\] )*(! )?std(out|err) .*$`)
	here := strings.NewReplacer("/", `[/\\]+`, "''", `["'']`)
	copies := t.TempDir()
	for _, path := range paths {
		write(t, filepath.Join(copies, filepath.Base(path)), patterns.ReplaceAllStringFunc(read(t, path), here.Replace))
	}
	return copies
}

// inPOSIX returns a line of output with the slashes and the quotes of other
// systems than Windows.
func inPOSIX(line string) string {
	if runtime.GOOS != "windows" {
		return line
	}
	return strings.NewReplacer(`\`, "/", `"`, "'").Replace(line)
}

// noPause keeps a race-enabled process from waiting a second before it exits.
const noPause = "atexit_sleep_ms=0"

// requireArgs checks that a command has no "!" and enough arguments.
func requireArgs(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
}

// pairs reads arguments of the form key=value.
func pairs(ts *testscript.TestScript, args []string) [][2]string {
	var list [][2]string
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is not key=value", arg)
		}
		list = append(list, [2]string{key, value})
	}
	return list
}

// globOne expands a pattern that must match exactly one file.
func globOne(ts *testscript.TestScript, pattern string) string {
	if pattern == "stdout" || pattern == "stderr" {
		return pattern
	}
	found, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s matches %d files, not one: %v", pattern, len(found), found)
	}
	return found[0]
}

// waitFor polls until done returns true, and gives up after testTimeout.
func waitFor(ts *testscript.TestScript, what string, done func() bool) {
	deadline := time.Now().Add(testTimeout)
	for !done() {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %s for %s", testTimeout, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
