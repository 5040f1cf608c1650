package alerts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const token = "t0ken-of-a-rehearsal"

// night is a place in which cron's sample runs, against a simulated tenant.
type night struct{ dir, bin, sheet, figures, token string }

// build makes the program once for all nights.
func build(t *testing.T) (bin string) {
	t.Helper()
	bin = t.TempDir()
	c := exec.Command("go", "build", "-pgo=off", "-o", filepath.Join(bin, "nermbulk"), ".")
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// begin starts a tenant that knows the rows of samples/sessions.csv, with more
// flags of the sandbox, and sets the directory up as the sample says.
func begin(t *testing.T, bin string, flags ...string) *night {
	t.Helper()
	n := &night{dir: t.TempDir(), bin: bin}
	n.sheet, n.token = filepath.Join(n.dir, "nightly-prod.csv"), filepath.Join(n.dir, "token-prod")
	n.figures = filepath.Join(n.dir, "nermbulk-prod.prom")
	n.write(t, n.token, token+"\n")
	n.write(t, n.sheet, read(t, "../../samples/sessions.csv"))
	args := append([]string{"sandbox", "--addr", "127.0.0.1:0", "--sheet", n.sheet, "--token", token}, flags...)
	tenant := exec.Command(filepath.Join(bin, "nermbulk"), args...)
	tenant.Dir = t.TempDir()
	said, err := tenant.StderrPipe()
	if err == nil {
		err = tenant.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tenant.Process.Signal(os.Interrupt)
		_ = tenant.Wait()
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	base := regexp.MustCompile(`--base-url (\S+)`).FindStringSubmatch(line)
	if err != nil || base == nil {
		t.Fatalf("%q, %v", line, err)
	}
	settings := strings.ReplaceAll(read(t, "../../samples/cron/nermbulk.yaml"), "tenant: acme,", fmt.Sprintf("base-url: %q,", base[1]))
	n.write(t, filepath.Join(n.dir, "nermbulk.yaml"), settings)
	return n
}

func (n *night) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (n *night) command(ctx context.Context) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "../../samples/cron/nermbulk-nightly", n.dir, "prod")
	c.Env = []string{"PATH=" + n.bin + ":" + os.Getenv("PATH"), "HOME=" + n.dir, "NERMBULK_RATE=0"}
	return c
}

// send runs the job, and returns its exit code and what cron would mail.
func (n *night) send(t *testing.T) (code int, mail string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := n.command(ctx).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

// TestNights has a good night and then another one, and asks which alerts its
// figures raise.
func TestNights(t *testing.T) {
	bin := build(t)
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, n *night)
		code  int
		mail  string // a part of it; empty for none
		want  []string
	}{
		{"good", func(*testing.T, *night) {}, 0, "", nil},
		{"a row fails", func(t *testing.T, n *night) {
			n.write(t, n.sheet, read(t, n.sheet)+"5b1b3d5e-0000-4000-8000-000000000000,closed,,,,,,\n")
		}, 1, "The requested Workflow Session was not found", []string{"NermbulkRowsFailed"}},
		{"the sheet is missing", func(t *testing.T, n *night) {
			if err := os.Remove(n.sheet); err != nil {
				t.Fatal(err)
			}
		}, 2, "nightly-prod.csv", []string{"NermbulkRefused"}},
		{"the sheet is yesterday's", func(t *testing.T, n *night) {
			old := time.Now().Add(-30 * time.Hour)
			if err := os.Chtimes(n.sheet, old, old); err != nil {
				t.Fatal(err)
			}
		}, 2, "max-sheet-age", []string{"NermbulkRefused", "NermbulkSheetOld"}},
		{"the token has expired", func(t *testing.T, n *night) { n.write(t, n.token, "another\n") }, 3, "401", []string{"NermbulkStopped"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := begin(t, bin)
			if code, mail := n.send(t); code != 0 || mail != "" {
				t.Fatalf("the first night ended with %d\n%s", code, mail)
			}
			test.spoil(t, n)
			code, mail := n.send(t)
			if code != test.code || !strings.Contains(mail, test.mail) || (test.mail == "") != (mail == "") {
				t.Errorf("exit code %d, not %d; the mail lacks %q:\n%s", code, test.code, test.mail, mail)
			}
			now := time.Now()
			if got := firing(t, now, scrape{now, read(t, n.figures)}); !slices.Equal(got, test.want) {
				t.Errorf("alerts %v, not %v\n%s", got, test.want, read(t, n.figures))
			}
			// A day later nothing has ended well.
			later := now.Add(27 * time.Hour)
			if got := firing(t, later, scrape{later, read(t, n.figures)}); !slices.Contains(got, "NermbulkNoSuccess") {
				t.Errorf("alerts %v a day later\n%s", got, read(t, n.figures))
			}
			if log := read(t, filepath.Join(n.dir, "night.log")); !strings.Contains(log, fmt.Sprintf(`"exit_code":%d`, code)) || strings.Contains(mail+log+read(t, n.figures), token) {
				t.Errorf("the log lacks the exit code, or has the token:\n%s", log)
			}
		})
	}
}

// TestOverlappingNight begins a night while the one before still sends.
func TestOverlappingNight(t *testing.T) {
	n := begin(t, build(t), "--latency", "200ms")
	first := n.command(t.Context())
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := []string(nil); len(begun) == 0; time.Sleep(10 * time.Millisecond) {
		begun, _ = filepath.Glob(filepath.Join(n.dir, "runs", "*", "journal.jsonl"))
	}
	if code, mail := n.send(t); code != 4 || !strings.Contains(mail, "another process") {
		t.Errorf("the second ended with %d\n%s", code, mail)
	}
	if _, err := os.Stat(n.figures); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second wrote the figures of the first: %v", err)
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("the first: %v", err)
	}
	now := time.Now()
	if got := firing(t, now, scrape{now, read(t, n.figures)}); got != nil {
		t.Errorf("alerts %v", got)
	}
}

// TestAlertsOfARunThatGoesOn has figures as they are written every 10 s.
func TestAlertsOfARunThatGoesOn(t *testing.T) {
	figures := func(running int, duration time.Duration) string {
		const labels = `{sheet="nightly-prod",host="acme.nonemployee.com"}`
		return fmt.Sprintf("nermbulk_last_run_running%[1]s %[2]d\nnermbulk_last_run_duration_seconds%[1]s %[3]g\n", labels, running, duration.Seconds())
	}
	now := time.Now()
	before := now.Add(-time.Minute)
	for _, test := range []struct {
		name    string
		scrapes []scrape
		want    []string
	}{
		{"it goes on", []scrape{{before, figures(1, time.Hour)}, {now, figures(1, time.Hour+time.Minute)}}, nil},
		{"for very long", []scrape{{before, figures(1, 7*time.Hour)}, {now, figures(1, 7*time.Hour+time.Minute)}}, []string{"NermbulkTooLong"}},
		{"it was killed", []scrape{{before, figures(1, time.Hour)}, {now, figures(1, time.Hour)}}, []string{"NermbulkKilled"}},
		{"it has ended", []scrape{{before, figures(0, time.Hour)}, {now, figures(0, time.Hour)}}, nil},
		{"there are none", nil, []string{"NermbulkNoFigures"}},
	} {
		if got := firing(t, now, test.scrapes...); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}

// TestEachAlertHasARemedy looks for the alerts in the runbook.
func TestEachAlertHasARemedy(t *testing.T) {
	runbook := read(t, "../../docs/night.md")
	for _, rule := range readRules(t) {
		if !strings.Contains(runbook, "`"+rule.Alert+"`") {
			t.Errorf("docs/night.md says nothing of %s", rule.Alert)
		}
	}
}
