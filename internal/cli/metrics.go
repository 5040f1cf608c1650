package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
)

// metricsMode lets the collector, which is another user, read the file.
const metricsMode fs.FileMode = 0o644

// writable makes sure that a file can be put at path, before anything is done
// that is to be told there.
func writable(path string) error {
	switch info, err := os.Lstat(path); {
	case err == nil && info.IsDir():
		return fmt.Errorf("it is a directory; name a file in it")
	case err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("it is no regular file; name one")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".nermbulk-*")
	if err != nil {
		return fmt.Errorf("no file can be written there: %w", cause(err))
	}
	return cmp.Or(f.Close(), os.Remove(f.Name()))
}

// cause takes the name of a file that the user did not name out of an error.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// writeMetrics tells Prometheus how the run ended: with err, or well. It
// returns err, unless the figures are all that could not be written.
func (r *runner) writeMetrics(began time.Time, err error) error {
	text := r.metrics(began, exitCodeOf(err))
	failed := journal.ReplaceMode(r.metricsFile, metricsMode, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if failed == nil {
		return err
	}
	failed = fmt.Errorf("the metrics could not be written: %w", failed)
	if err == nil {
		return &failure{ExitInternal, failed}
	}
	r.out.say(slog.LevelError, "nermbulk: "+failed.Error(), "error", "error", failed.Error())
	return err
}

// metrics is the run as a Prometheus textfile. Rows and requests are left out
// where the run did not begin.
func (r *runner) metrics(began time.Time, code ExitCode) string {
	name := stdinName
	if r.path != "-" {
		name = job.RunName(r.path)
	}
	now := r.Now()
	m := metricsText{sheet: name}
	m.gauge("nermbulk_last_run_timestamp_seconds", "When the last run of the sheet ended, in Unix time.", float64(now.UnixMilli())/1000)
	m.gauge("nermbulk_last_run_duration_seconds", "How long the last run took, without the sessions before a resume.", now.Sub(began).Seconds())
	m.gauge("nermbulk_last_run_success", "1 if every row of the last run is updated or unchanged, else 0.", boolean(code == ExitOK))
	m.gauge("nermbulk_last_run_exit_code", "The exit code of the last run; see nermbulk help exit-codes.", float64(code))
	m.gauge("nermbulk_last_run_dry_run", "1 if the last run was a dry run, which sends nothing, else 0.", boolean(r.dryRun))
	if !r.result.Begun {
		return m.String()
	}
	o := r.result.Outcomes
	m.gauges("nermbulk_last_run_rows", "Rows of the last run by their outcome.", "outcome", []sample{
		{"updated", o.Updated}, {"unchanged", o.Unchanged}, {"failed", o.Failed},
		{"unknown", o.Unknown}, {"invalid", o.Invalid}, {"pending", o.Pending},
	})
	sent := r.result.Requests
	m.gauges("nermbulk_last_run_requests", "Requests that the last run sent, those before a resume too.", "kind",
		[]sample{{"patch", sent.Patch}, {"get", sent.Get}, {"token", sent.Token}})
	m.gauge("nermbulk_last_run_throttled_requests", "Requests of the last run that the tenant refused for the rate.", float64(sent.Throttled))
	m.gauge("nermbulk_last_run_retried_requests", "Requests of the last run beyond the first of each row.", float64(sent.Retried))
	return m.String()
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metricsText is text in Prometheus's exposition format. Every metric bears
// the sheet's name.
type metricsText struct {
	strings.Builder
	sheet string
}

// sample is one value of a metric that has several.
type sample struct {
	label string
	value int
}

func (m *metricsText) head(name, help string) {
	fmt.Fprintf(m, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

func (m *metricsText) gauge(name, help string, value float64) {
	m.head(name, help)
	fmt.Fprintf(m, "%s{sheet=%s} %s\n", name, labelValue(m.sheet), number(value))
}

func (m *metricsText) gauges(name, help, label string, samples []sample) {
	m.head(name, help)
	for _, s := range samples {
		fmt.Fprintf(m, "%s{sheet=%s,%s=%s} %d\n", name, labelValue(m.sheet), label, labelValue(s.label), s.value)
	}
}

// number writes whole seconds of Unix time without an exponent.
func number(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

// labelValue quotes a label's value: the format knows these three escapes, and
// no other.
func labelValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "�")) + `"`
}
