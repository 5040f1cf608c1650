package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a nermbulk whose standard streams are a terminal, as a person at it
// sees and types.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	person *os.File // the person's end
	ended  chan struct{}

	mu    sync.Mutex
	shown strings.Builder
}

// atTerminal starts a run of some rows against a tenant, and agrees to it.
func atTerminal(t *testing.T, base string, rows int, args ...string) *terminal {
	t.Helper()
	dir := t.TempDir()
	var sheet strings.Builder
	sheet.WriteString("id,status\n")
	for i := range rows {
		fmt.Fprintf(&sheet, "33f072dd-13b4-41e1-8ea0-%012d,closed\n", i)
	}
	write(t, filepath.Join(dir, "s.csv"), sheet.String())
	person, own := openTerminal(t)
	s := &terminal{t: t, person: person, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(t.Context(), "nermbulk", append([]string{"run", "s.csv", "--base-url", base}, args...)...)
	s.cmd.Dir, s.cmd.Env = dir, []string{"NERM_TOKEN=x", "TERM=xterm", "NO_COLOR=1", "GORACE=" + noPause, "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = own, own, own
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // how it ended is read from its state
	}()
	var reading sync.WaitGroup
	reading.Go(func() {
		part := make([]byte, 4096)
		for {
			n, err := person.Read(part)
			s.mu.Lock()
			s.shown.Write(part[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it may have ended long ago
		<-s.ended
		_ = own.Close() // the last one: reading ends
		_ = person.Close()
		reading.Wait()
	})
	s.await("Send them? [y/N]")
	s.press("y\n")
	s.await("keys: p pauses")
	s.wait("the mode for keys", func() bool { return !s.isPlain() })
	return s
}

// openTerminal makes a pseudoterminal.
func openTerminal(t *testing.T) (person, own *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there is no terminal here: ", err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if own, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return person, own
}

func (s *terminal) press(keys string) {
	s.t.Helper()
	if _, err := s.person.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// wait waits until something holds.
func (s *terminal) wait(what string, holds func() bool) {
	s.t.Helper()
	for end := time.Now().Add(testTimeout); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("waited in vain for %s; shown is:\n%s", what, s.shown.String())
		}
	}
}

// await waits until a text is shown, from now on for the next one.
func (s *terminal) await(text string) {
	s.t.Helper()
	s.wait(fmt.Sprintf("%q", text), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, rest, found := strings.Cut(s.shown.String(), text)
		if found {
			s.shown.Reset()
			s.shown.WriteString(rest)
		}
		return found
	})
}

// isPlain reports whether the terminal shows what is typed, a line at a time.
func (s *terminal) isPlain() bool {
	s.t.Helper()
	mode, err := unix.IoctlGetTermios(int(s.person.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return mode.Lflag&unix.ICANON != 0 && mode.Lflag&unix.ECHO != 0
}

// end waits for the end, with that exit code and a terminal as it was.
func (s *terminal) end(code int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(testTimeout):
		s.t.Fatal("it does not end")
	}
	if got := codeOf(s.cmd.ProcessState); got != code {
		s.t.Errorf("exit code %d, not %d", got, code)
	}
	if !s.isPlain() {
		s.t.Error("the terminal is not as it was")
	}
}

// TestKeys pauses a run with the keys of its terminal, goes on, changes the rate
// and stops it.
func TestKeys(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		session(w, path.Base(r.URL.Path), "closed")
	}))
	t.Cleanup(server.Close)
	s := atTerminal(t, server.URL+"/api", 500, "--rate", "20")
	s.wait("a row", func() bool { return sent.Load() > 2 })
	s.press("p")
	s.await("paused: what is in flight finishes")
	s.await("500, paused")
	before := sent.Load()
	s.press("\x1bOP") // F1
	s.press("pasted q")

	// A stopped process gives the terminal back, and takes it when it goes on.
	if err := s.cmd.Process.Signal(syscall.SIGTSTP); err != nil {
		t.Fatal(err)
	}
	s.wait("the terminal of before", s.isPlain)
	s.wait("a stopped process", func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		return err == nil && strings.Contains(string(state), ") T ")
	})
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.wait("the mode for keys again", func() bool { return !s.isPlain() })

	for _, key := range []struct{ key, want string }{{"+", "30"}, {"+", "50"}, {"-", "30"}, {"+", "50"}} {
		s.press(key.key)
		s.await("the rate is at most " + key.want + " requests per second now")
	}
	if now := sent.Load(); now != before {
		t.Errorf("%d requests left in the pause", now-before)
	}
	s.press("p")
	s.await("going on after the pause")
	s.wait("more rows", func() bool { return sent.Load() > before+5 })
	s.press("q")
	s.await("stopped: stopped by the user")
	s.await("--resume --run-dir")
	s.end(3)
}

// TestTerminalIsPutBack ends a run in every other way.
func TestTerminalIsPutBack(t *testing.T) {
	t.Parallel()
	interrupt := func(s *terminal) {
		s.press("\x03")
		s.wait("the terminal of before", s.isPlain)
	}
	for _, test := range []struct {
		name   string
		end    func(*terminal)
		answer bool // what is in flight is answered then
		code   int
	}{
		{"at its end", func(*terminal) {}, true, 0},
		{"interrupted by its key", interrupt, true, 130},
		{"terminated", func(s *terminal) {
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			s.wait("the terminal of before", s.isPlain)
		}, true, 143},
		{"ended at once", func(s *terminal) {
			interrupt(s)
			s.press("\x03")
		}, false, 130},
		{"left by its key", func(s *terminal) { s.press("\x1c") }, false, 2}, // Go's own for SIGQUIT
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			release := sync.OnceFunc(func() { close(hold) })
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-hold
				session(w, path.Base(r.URL.Path), "closed")
			}))
			t.Cleanup(server.Close)
			t.Cleanup(release)
			s := atTerminal(t, server.URL+"/api", 20, "--rate", "0", "--workers", "2", "--timeout", "20s")
			test.end(s)
			if test.answer {
				release()
			}
			s.end(test.code)
		})
	}
}
