package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
)

// objects reads what was logged, one JSON object a line and nothing else.
func objects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(text) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("not a JSON object: %q", line)
		}
		for _, key := range []string{"time", "level", "msg"} {
			if o[key] == nil {
				t.Errorf("no %s in %q", key, line)
			}
		}
		list = append(list, o)
	}
	return list
}

// messages lists what was logged, as level and message.
func messages(objects []map[string]any) string {
	var logged []string
	for _, o := range objects {
		logged = append(logged, o["level"].(string)+" "+o["msg"].(string))
	}
	return strings.Join(logged, ", ")
}

func TestLogOfARunInJSON(t *testing.T) {
	_, four := tenantOf(t, 4, sandbox.Options{})
	_, one := tenantOf(t, 1, sandbox.Options{})
	for _, test := range []struct {
		name string
		base string
		rows int
		args []string
		env  map[string]string
		code ExitCode
		want string
	}{
		{"a good run", four, 4, nil, nil, ExitOK, "INFO announcement, INFO progress, INFO summary"},
		{"asked for by a variable", four, 4, []string{"--dry-run"}, map[string]string{"NERMBULK_LOG_FORMAT": "json"}, ExitOK, "INFO announcement, INFO progress, INFO summary"},
		{"each request", one, 1, []string{"--verbose"}, nil, ExitOK, "INFO announcement, DEBUG request, INFO progress, INFO summary"},
		{"nothing is wrong and only errors are wanted", four, 4, []string{"--quiet"}, nil, ExitOK, ""},
		{"a row failed and only errors are wanted", four, 5, []string{"--quiet"}, nil, ExitRowsFailed, "ERROR summary"},
		{"problems", four, 0, nil, nil, ExitUsage, "ERROR problem, ERROR problems, ERROR refused"},
		{"an error of the command line", four, 1, []string{"--rate", "-1"}, nil, ExitUsage, "ERROR error"},
		{"a flag that there is not", four, 1, []string{"--fast"}, nil, ExitUsage, "ERROR error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			sheetOf(t, "nightly.csv", test.rows)
			env := map[string]string{"NERM_TOKEN": "a-token-of-a-test"}
			args := append([]string{"run", "nightly.csv", "--base-url", test.base, "--yes"}, test.args...)
			for name, value := range test.env {
				env[name] = value
			}
			if test.env == nil {
				args = append(args, "--log-format", "json")
			}
			got := call(t, env, args...)
			got.wantCode(t, test.code)
			logged := objects(t, got.err)
			if m := messages(logged); m != test.want {
				t.Errorf("logged %s\nwant %s", m, test.want)
			}
			for _, o := range logged {
				switch o["msg"] {
				case "summary", "error", "refused":
					if o["exit_code"] != float64(test.code) {
						t.Errorf("exit_code %v in %v", o["exit_code"], o)
					}
				case "announcement":
					if o["rows"] != float64(test.rows) || o["sheet"] != "nightly.csv" || o["host"] == "" {
						t.Errorf("announced %v", o)
					}
				case "progress":
					if o["done"] != float64(test.rows) || o["left"] != 0.0 {
						t.Errorf("progress %v", o)
					}
				case "request":
					if o["method"] != http.MethodPatch || o["path"] != "/workflow_sessions/"+sessionID(0) || o["status"] != 200.0 {
						t.Errorf("request %v", o)
					}
				}
			}
		})
	}
}

func printerOf(t *testing.T, w io.Writer, f logFlags) *printer {
	t.Helper()
	p, err := newPrinter(w, f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLogFile has all lines in the file whatever standard error gets, and each of
// them says which sheet, tenant and run it is of, as far as that is known.
func TestLogFile(t *testing.T) {
	_, base := tenantOf(t, 4, sandbox.Options{})
	host := strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/api")
	for _, test := range []struct {
		name      string
		rows      int
		args      []string
		code      ExitCode
		err, file string
	}{
		{"quiet, and nothing is wrong", 4, []string{"--quiet"}, ExitOK, "", "INFO announcement, INFO progress, INFO summary"},
		{"in JSON, as on standard error", 4, []string{"--log-format", "json"}, ExitOK, "INFO announcement, INFO progress, INFO summary", "INFO announcement, INFO progress, INFO summary"},
		{"quiet, and a row failed", 5, []string{"--quiet", "--log-format", "json"}, ExitRowsFailed, "ERROR summary", "INFO announcement, INFO progress, ERROR summary"},
		{"each request", 1, []string{"--verbose", "--log-format", "json"}, ExitOK, "INFO announcement, DEBUG request, INFO progress, INFO summary", "INFO announcement, DEBUG request, INFO progress, INFO summary"},
		{"problems, of which standard output has a document", 0, []string{"--json", "--log-format", "json"}, ExitUsage, "ERROR refused", "ERROR problem, ERROR problems, ERROR refused"},
		{"a value that makes no sense", 1, []string{"--rate", "-1", "--log-format", "json"}, ExitUsage, "ERROR error", "ERROR error"},
		{"a flag that there is not", 1, []string{"--fast", "--log-format", "json"}, ExitUsage, "ERROR error", "ERROR error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			sheetOf(t, "nightly.csv", test.rows)
			got := call(t, withToken, append([]string{"run", "nightly.csv", "--base-url", base, "--yes", "--log-file", "night.log"}, test.args...)...)
			got.wantCode(t, test.code)
			text, err := os.ReadFile("night.log")
			if err != nil {
				t.Fatal(err)
			}
			logged := objects(t, string(text))
			if m := messages(logged); m != test.file || messages(objects(t, got.err)) != test.err {
				t.Errorf("the file has %s\nstandard error has\n%s", m, got.err)
			}
			if strings.Contains(string(text), withToken["NERM_TOKEN"]) {
				t.Error("the token is in the file")
			}
			runs, err := filepath.Glob("runs/*")
			for _, o := range logged {
				dir, _ := o["run_dir"].(string)
				begun := test.code <= ExitRowsFailed && o["msg"] != "announcement" // before which there is none
				if begun != (dir != "") || begun && (err != nil || len(runs) != 1 || !filepath.IsAbs(dir) || filepath.Base(dir) != filepath.Base(runs[0])) {
					t.Errorf("run_dir is %q in %v; there are %v (%v)", dir, o, runs, err)
				}
				if !slices.Contains(test.args, "--fast") && o["sheet"] != "nightly.csv" || test.rows > 1 && o["host"] != host {
					t.Errorf("sheet %v and host %v in %v", o["sheet"], o["host"], o)
				}
			}
			if info, err := os.Stat("night.log"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != logMode {
				t.Errorf("the file's mode is %v (%v)", info.Mode(), err)
			}
		})
	}
}

// TestLogFileOfManyRuns is appended to, and one that cannot be refuses the run.
func TestLogFileOfManyRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	sheetOf(t, "nightly.csv", 2)
	tenant, base := tenantOf(t, 2, sandbox.Options{})
	run := []string{"run", "nightly.csv", "--base-url", base, "--yes", "--rate", "0", "--log-file"}
	for range 2 {
		call(t, withToken, append(run, "night.log")...).wantCode(t, ExitOK)
	}
	call(t, withToken, "export", "-o", "out.csv", "--base-url", base, "--quiet", "--log-file", "night.log").wantCode(t, ExitOK)
	call(t, withToken, "export", "-o", "there/is/no.csv", "--base-url", base, "--log-file", "night.log").wantCode(t, ExitUsage)
	text, err := os.ReadFile("night.log")
	if err != nil {
		t.Fatal(err)
	}
	const one = "INFO announcement, INFO progress, INFO summary, "
	logged := objects(t, string(text))
	if m := messages(logged); m != one+one+"INFO reading, INFO progress, INFO exported, ERROR error" {
		t.Errorf("logged %s", m)
	}
	if last := logged[len(logged)-1]; last["host"] == nil || last["exit_code"] != float64(ExitUsage) {
		t.Errorf("the last line is %v", last)
	}
	applied := tenant.Applied()
	for _, path := range []string{".", "no/such/directory/night.log"} {
		got := call(t, withToken, append(run, path)...)
		got.wantCode(t, ExitUsage)
		wantText(t, got.err, "--log-file "+path)
	}
	if tenant.Applied() != applied {
		t.Error("it was sent without its log")
	}
}

// TestDurationsInJSON says them in milliseconds, whoever logs them.
func TestDurationsInJSON(t *testing.T) {
	var b bytes.Buffer
	out := printerOf(t, &b, logFlags{logFormat: logJSON})
	out.say(slog.LevelInfo, "", "said", "timeout", 1500*time.Millisecond, "at", time.Unix(0, 0).UTC(), "n", 3)
	out.client().Info("logged", "after", time.Second)
	wantText(t, b.String(), `"timeout_ms":1500,"at":"1970-01-01T00:00:00Z","n":3}`, `"after_ms":1000}`)
}

func TestLogOfAResumeInJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	sheetOf(t, "nightly.csv", 4)
	_, base := tenantOf(t, 4, sandbox.Options{})
	args := []string{"run", "nightly.csv", "--base-url", base, "--yes", "--log-format", "json"}
	stopped := call(t, withToken, append(args, "--limit", "2")...)
	stopped.wantCode(t, ExitStopped)
	last := objects(t, stopped.err)
	if o := last[len(last)-1]; o["reason"] == nil || !strings.Contains(o["next"].(string), "--resume") {
		t.Errorf("the summary is %v", o)
	}
	got := call(t, withToken, append(args, "--resume")...)
	got.wantCode(t, ExitOK)
	if m := messages(objects(t, got.err)); !strings.HasPrefix(m, "INFO resuming, INFO announcement,") {
		t.Errorf("logged %s", m)
	}
}

func TestQuietKeepsWarningsBack(t *testing.T) {
	t.Chdir(t.TempDir())
	_, base := tenantOf(t, 1, sandbox.Options{})
	text := "id,status,attributes.badge\n" + sessionID(0) + ",closed,1.23E+15\n"
	if err := os.WriteFile("warned.csv", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "warned.csv", "--base-url", base, "--yes"}
	if got := call(t, withToken, append(args, "--quiet")...); got.err != "" || got.code != 0 {
		t.Errorf("exit code %d, standard error %q", got.code, got.err)
	}
	wantText(t, call(t, withToken, args...).err, "warning: row 2, column C (attributes.badge)")
	got := call(t, withToken, append(args, "--log-format", "json")...)
	if logged := objects(t, got.err); logged[0]["level"] != "WARN" || logged[0]["kind"] != "scientific" || logged[0]["row"] != 2.0 {
		t.Errorf("logged %v first", logged[0])
	}
}

func TestVerboseNeverTellsTheToken(t *testing.T) {
	t.Chdir(t.TempDir())
	sheetOf(t, "nightly.csv", 2)
	_, base := tenantOf(t, 2, sandbox.Options{})
	for _, format := range []string{logText, logJSON} {
		for _, args := range [][]string{{"run", "nightly.csv", "--yes"}, {"export", "-o", "out.csv"}} {
			got := call(t, withToken, append(args, "--base-url", base, "--verbose", "--log-format", format)...)
			got.wantCode(t, ExitOK)
			wantText(t, got.err, "request", "/workflow_sessions")
			if strings.Contains(got.err+got.out, withToken["NERM_TOKEN"]) {
				t.Errorf("the token is in\n%s", got.err)
			}
		}
	}
}

// TestWhoIsAskedSeesWhatAbout answers at the terminal of a run that is quiet.
func TestWhoIsAskedSeesWhatAbout(t *testing.T) {
	for _, test := range []struct {
		format, answer string
		code           ExitCode
		want           []string
	}{
		{logText, "yes\n", ExitOK, []string{"nightly.csv: 2 rows are sent to", "Send them? [y/N] "}},
		{logText, "\n", ExitUsage, []string{"2 rows are sent to", "nermbulk: not confirmed: nothing was sent"}},
		{logJSON, "y\n", ExitOK, []string{`"msg":"announcement","rows":2`, `"sheet":"nightly.csv"`, `"question":"Send them? [y/N]"`}},
	} {
		t.Chdir(t.TempDir())
		sheetOf(t, "nightly.csv", 2)
		tenant, base := tenantOf(t, 2, sandbox.Options{})
		var errs bytes.Buffer
		s := Streams{
			In: strings.NewReader(test.answer), InTerminal: true, Out: io.Discard, Err: &errs, Now: time.Now,
			Env: func(name string) string { return withToken[name] },
			Signals: func() (context.Context, func() ExitCode, func()) {
				return t.Context(), func() ExitCode { return ExitInterrupted }, func() {}
			},
		}
		code := Run([]string{"run", "nightly.csv", "--base-url", base, "--quiet", "--log-format", test.format}, s)
		if code != int(test.code) || tenant.Applied() != 2 && code == 0 {
			t.Errorf("exit code %d, want %d; %d applied", code, test.code, tenant.Applied())
		}
		wantText(t, errs.String(), test.want...)
		if test.format == logJSON {
			objects(t, errs.String())
		}
	}
}
