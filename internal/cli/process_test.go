package cli_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// process is a nermbulk that runs in the background.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr string // files
	ended          chan struct{}
	killed         bool // by the test, where that leaves no exit code of its own
}

// code is how the process ended, as a shell reports it.
func (p *process) code() int { return codeOf(p.cmd.ProcessState) }

func codeOf(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

func processCommands() map[string]command {
	return map[string]command{
		"code":   exitsWith,
		"start":  start,
		"signal": signalProcess,
		"insist": insist,
		"says":   awaitOutput,
		"ended":  ended,
	}
}

// exitsWith runs a program to its end, which must be that exit code:
//
//	code 2 nermbulk run missing.csv
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "code N program args...")
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = codeOf(exit.ProcessState)
	case err != nil:
		ts.Fatalf("%s: %s", args[1], err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, not %s", got, args[0])
	}
}

// start runs nermbulk in the background; "signal" and "ended" know it by name:
//
//	start first nermbulk run big.csv
func start(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "start NAME program args...")
	var path string
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if found, err := exec.LookPath(dir + string(os.PathSeparator) + args[1]); err == nil {
			path = found
			break
		}
	}
	p := &process{cmd: exec.Command(path, args[2:]...), ended: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	p.stdout, p.stderr = ts.MkAbs(args[0]+".stdout"), ts.MkAbs(args[0]+".stderr")
	stdout, err := os.Create(p.stdout)
	ts.Check(err)
	defer stdout.Close() // the process has its own
	stderr, err := os.Create(p.stderr)
	ts.Check(err)
	defer stderr.Close()
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "TMP", "GORACE", "NERM_TOKEN", "CRAMPED_BYTES"} {
		p.cmd.Env = append(p.cmd.Env, key+"="+ts.Getenv(key))
	}
	ts.Check(p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is read from its state
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // it may have ended long ago
		<-p.ended
	})
	scriptOf(ts).started[args[0]] = p
}

var signals = map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": os.Kill}

// signalProcess sends a signal to what runs in the background:
//
//	signal first KILL
//
// Windows has no signals: there the process is killed.
func signalProcess(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "signal NAME INT|TERM|HUP|KILL")
	p, sent := scriptOf(ts).started[args[0]], signals[args[1]]
	if runtime.GOOS == "windows" {
		p.killed, sent = true, os.Kill
	}
	ts.Check(p.cmd.Process.Signal(sent))
}

// interrupt asks a process to end. Where no process can ask that of another, it
// is ended.
func interrupt(p *os.Process) {
	if p.Signal(os.Interrupt) != nil {
		_ = p.Kill() // it may have ended long ago
	}
}

// insist sends a signal to what runs in the background, again and again, until
// that has ended:
//
//	insist first INT
func insist(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "insist NAME INT|TERM")
	p := scriptOf(ts).started[args[0]]
	waitFor(ts, "the end of "+args[0], func() bool {
		select {
		case <-p.ended:
			return true
		default:
			_ = p.cmd.Process.Signal(signals[args[1]]) // it may have ended just now
			return false
		}
	})
}

// awaitOutput waits until what runs in the background has printed a text, and puts
// the pattern's first group into a variable:
//
//	says tenant '--base-url (\S+)' BASE
func awaitOutput(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 3, "says NAME PATTERN VARIABLE")
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	waitFor(ts, args[0]+" to say "+args[1], func() bool {
		groups := pattern.FindStringSubmatch(readable(ts, scriptOf(ts).started[args[0]].stderr))
		if len(groups) < 2 {
			return false
		}
		ts.Setenv(args[2], groups[1])
		return true
	})
}

// ended waits for the end of what runs in the background, and takes over its
// output for "stdout" and "stderr":
//
//	ended first 130
func ended(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "ended NAME N")
	p := scriptOf(ts).started[args[0]]
	select {
	case <-p.ended:
	case <-time.After(testTimeout):
		ts.Fatalf("%s has not ended after %s", args[0], testTimeout)
	}
	_, err := io.WriteString(ts.Stdout(), readable(ts, p.stdout))
	ts.Check(err)
	_, err = io.WriteString(ts.Stderr(), readable(ts, p.stderr))
	ts.Check(err)
	if got := strconv.Itoa(p.code()); got != args[1] && !p.killed {
		ts.Fatalf("exit code %s, not %s", got, args[1])
	}
}
