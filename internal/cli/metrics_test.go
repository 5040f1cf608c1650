package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/sandbox"
)

// sheetOf writes a sheet that sets n sessions to closed.
func sheetOf(t *testing.T, name string, n int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,status\n")
	for i := range n {
		b.WriteString(sessionID(i) + ",closed\n")
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// metricLine is a sample as Prometheus's text format has it.
var metricLine = regexp.MustCompile(`^([a-z_]+)\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\} (-?[0-9.]+)$`)

var hostLabel = regexp.MustCompile(`host="127\.0\.0\.1:[0-9]+"`)

// readMetrics reads a textfile and checks its form.
func readMetrics(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != metricsMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	values, typed := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if words := strings.Fields(line); words[0] == "#" {
			typed[words[2]] = true
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil || !typed[m[1]] {
			t.Errorf("not of Prometheus's text format, or without HELP and TYPE: %s", line)
			continue
		}
		series := strings.TrimSuffix(line, " "+m[2])
		if !hostLabel.MatchString(series) {
			t.Errorf("the host is missing: %s", line)
		}
		values[hostLabel.ReplaceAllString(series, `host="HOST"`)] = m[2]
	}
	return values
}

func TestMetrics(t *testing.T) {
	name := func(metric, labels string) string {
		return `nermbulk_last_run_` + metric + `{sheet="nightly",host="HOST"` + labels + `}`
	}
	denied := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	_, good := tenantOf(t, 5, sandbox.Options{})
	_, four := tenantOf(t, 4, sandbox.Options{})
	for _, test := range []struct {
		name string
		base string
		args []string
		code ExitCode
		want map[string]string
	}{
		{"all rows updated", good, nil, ExitOK, map[string]string{
			name("success", ""): "1", name("exit_code", ""): "0", name("dry_run", ""): "0",
			name("rows", `,outcome="updated"`): "5", name("rows", `,outcome="pending"`): "0",
			name("requests", `,kind="patch"`): "5", name("requests", `,kind="get"`): "0",
			name("timestamp_seconds", ""): "1772485200", name("duration_seconds", ""): "0",
		}},
		{"a row failed", four, nil, ExitRowsFailed, map[string]string{
			name("success", ""): "0", name("exit_code", ""): "1",
			name("rows", `,outcome="updated"`): "4", name("rows", `,outcome="failed"`): "1",
		}},
		{"a dry run", good, []string{"--dry-run"}, ExitOK, map[string]string{
			name("success", ""): "1", name("dry_run", ""): "1", name("rows", `,outcome="to_send"`): "5", name("rows", `,outcome="pending"`): "0", name("requests", `,kind="patch"`): "0",
		}},
		{"stopped by a limit", good, []string{"--limit", "2"}, ExitStopped, map[string]string{
			name("success", ""): "0", name("exit_code", ""): "3", name("rows", `,outcome="pending"`): "3",
		}},
		{"the tenant denies", serve(t, denied), nil, ExitStopped, map[string]string{
			name("success", ""): "0", name("exit_code", ""): "3", name("rows", `,outcome="pending"`): "5",
		}},
		{"a refused sheet", good, []string{"--map", "status=uid", "--strict"}, ExitUsage, map[string]string{
			name("success", ""): "0", name("exit_code", ""): "2", name("rows", `,outcome="pending"`): "",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			sheetOf(t, "nightly.csv", 5)
			args := append([]string{"run", "nightly.csv", "--base-url", test.base, "--yes", "--rate", "0", "--metrics-file", "out.prom"}, test.args...)
			call(t, withToken, args...).wantCode(t, test.code)
			got := readMetrics(t, "out.prom")
			for metric, value := range test.want {
				if got[metric] != value {
					t.Errorf("%s is %q, want %q", metric, got[metric], value)
				}
			}
			if entries, _ := filepath.Glob(".*"); len(entries) != 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestMetricsOfAnInterruptedRunAndItsResume(t *testing.T) {
	t.Chdir(t.TempDir())
	sheetOf(t, "nightly.csv", 5)
	tenant, _ := tenantOf(t, 5, sandbox.Options{})
	ctx, interrupt := context.WithCancel(t.Context())
	base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt() // while the first request is in flight
		tenant.Handler().ServeHTTP(w, r)
	}))
	args := []string{"run", "nightly.csv", "--base-url", base, "--yes", "--rate", "0", "--workers", "1", "--metrics-file", "out.prom"}
	callContext(ctx, withToken, args...).wantCode(t, ExitInterrupted)
	const patches, exit = `nermbulk_last_run_requests{sheet="nightly",host="HOST",kind="patch"}`, `nermbulk_last_run_exit_code{sheet="nightly",host="HOST"}`
	if got := readMetrics(t, "out.prom"); got[patches] != "1" || got[exit] != "130" {
		t.Errorf("%s requests, exit code %s", got[patches], got[exit])
	}
	call(t, withToken, append(args, "--resume")...).wantCode(t, ExitOK)
	if got := readMetrics(t, "out.prom"); got[patches] != "5" || got[exit] != "0" {
		t.Errorf("%s requests, exit code %s", got[patches], got[exit])
	}
}

func TestMetricsFileMustBeWritable(t *testing.T) {
	t.Chdir(t.TempDir())
	sheetOf(t, "nightly.csv", 1)
	tenant, base := tenantOf(t, 1, sandbox.Options{})
	if err := os.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"dir": "it is a directory", filepath.Join("missing", "out.prom"): "no file can be written there"} {
		got := call(t, withToken, "run", "nightly.csv", "--base-url", base, "--yes", "--metrics-file", path)
		got.wantCode(t, ExitUsage)
		wantText(t, got.err, "--metrics-file "+path, want)
	}
	if _, err := os.Stat(job.RunsRoot); err == nil || tenant.Applied() != 0 {
		t.Error("a run began")
	}
}

func TestLabelValue(t *testing.T) {
	for in, want := range map[string]string{"a": `"a"`, `a"b\c`: `"a\"b\\c"`, "a\nb": `"a\nb"`, "Ü\xff": `"Ü�"`} {
		if got := labelValue(in); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}

// TestMetricsKeepTheLastSuccess runs a sheet that fails after one that did not,
// and a dry run, which is no success.
func TestMetricsKeepTheLastSuccess(t *testing.T) {
	t.Chdir(t.TempDir())
	sheetOf(t, "nightly.csv", 5)
	changed := time.Date(2026, 2, 1, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes("nightly.csv", changed, changed); err != nil {
		t.Fatal(err)
	}
	_, base := tenantOf(t, 5, sandbox.Options{})
	const success = `nermbulk_last_success_timestamp_seconds{sheet="nightly",host="HOST"}`
	const modified = `nermbulk_last_run_sheet_modified_timestamp_seconds{sheet="nightly",host="HOST"}`
	for _, step := range []struct {
		name string
		args []string
		code ExitCode
		want string
	}{
		{"a dry run", []string{"--dry-run"}, ExitOK, ""},
		{"a success", nil, ExitOK, "1772485200"},
		{"a refused sheet", []string{"--map", "status=uid"}, ExitUsage, "1772485200"},
		{"another dry run", []string{"--dry-run"}, ExitOK, "1772485200"},
	} {
		args := append([]string{"run", "nightly.csv", "--base-url", base, "--yes", "--rate", "0", "--metrics-file", "out.prom"}, step.args...)
		call(t, withToken, args...).wantCode(t, step.code)
		got := readMetrics(t, "out.prom")
		if got[success] != step.want || got[modified] != "1769915045" {
			t.Errorf("%s: the last success is %q, the sheet is of %q", step.name, got[success], got[modified])
		}
	}
	before, err := os.ReadFile("out.prom")
	if err != nil {
		t.Fatal(err)
	}
	// The host is not known when the token is missing.
	call(t, nil, "run", "nightly.csv", "--yes", "--metrics-file", "out.prom").wantCode(t, ExitUsage)
	after, err := os.ReadFile("out.prom")
	if line := regexp.MustCompile(`(?m)^nermbulk_last_success.*$`).FindString(string(before)); err != nil || line == "" || !strings.Contains(string(after), line) {
		t.Errorf("%q is gone (%v):\n%s", line, err, after)
	}
}

// TestMetricsWhileItRuns has a run of half a minute: every ten seconds the file
// says how far it has come, and until the end how the run before ended.
func TestMetricsWhileItRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.prom")
	const labels = `{sheet="nightly",host="127.0.0.1:1"`
	before := "nermbulk_last_run_exit_code" + labels + "} 3\nnermbulk_last_success_timestamp_seconds" + labels + "} 17\nnermbulk_last_run_rows" + labels + `,outcome="updated"} 99` + "\n"
	if err := os.WriteFile(path, []byte(before), metricsMode); err != nil {
		t.Fatal(err)
	}
	now := testNow
	r := &runner{Streams: Streams{Now: func() time.Time { return now }}, path: "nightly.csv", metricsFile: path}
	r.Tenant.Host = "127.0.0.1:1"
	r.out = printerOf(t, io.Discard, logFlags{})
	r.show = newProgress(Streams{Err: io.Discard, Env: func(string) string { return "" }}, r.out, 0)
	if err := r.beginMetrics(); err != nil {
		t.Fatal(err)
	}
	const rows, running = `nermbulk_last_run_rows{sheet="nightly",host="HOST",outcome="updated"}`, `nermbulk_last_run_running{sheet="nightly",host="HOST"}`
	for second := 1; second <= 31; second++ {
		now = now.Add(time.Second)
		r.Event(job.Progress{Outcomes: report.Outcomes{Updated: second}})
		if second < 10 {
			continue
		}
		got := readMetrics(t, path)
		if want := strconv.Itoa(second / 10 * 10); got[rows] != want || got[running] != "1" || got[`nermbulk_last_run_exit_code{sheet="nightly",host="HOST"}`] != "3" {
			t.Fatalf("after %d s it says %v", second, got)
		}
	}
	if err := r.endMetrics(&failure{ExitLocked, errors.New("locked")}); exitCodeOf(err) != ExitLocked || readMetrics(t, path)[running] != "1" {
		t.Errorf("a second process wrote the file of the first one, or said %v", err)
	}
	if err := r.endMetrics(said(ExitRowsFailed, "")); exitCodeOf(err) != ExitRowsFailed {
		t.Error(err)
	}
	got := readMetrics(t, path)
	if got[running] != "0" || got[`nermbulk_last_success_timestamp_seconds{sheet="nightly",host="HOST"}`] != "17" || got[`nermbulk_last_run_exit_code{sheet="nightly",host="HOST"}`] != "1" {
		t.Errorf("in the end it says %v", got)
	}
}
