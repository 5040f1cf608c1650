package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
)

// metricsMode lets the collector, which is another user, read the file.
const metricsMode fs.FileMode = 0o644

// writable checks that a file can be written at path, before there is anything
// to write.
func writable(path string) error {
	switch info, err := os.Lstat(path); {
	case err == nil && info.IsDir():
		return fmt.Errorf("it is a directory; name a file in it")
	case err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("it is no regular file; name one")
	}
	f, err := journal.Scratch(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("no file can be written there: %w", cause(err))
	}
	return f.Close()
}

// cause returns an error without its file's name, which the user did not type.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// writeMetrics writes how the run ended for Prometheus's textfile collector. It
// returns err, the run's own error, unless that is nil and writing fails.
func (r *runner) writeMetrics(start time.Time, err error) error {
	metrics := r.metrics(start, exitCodeOf(err))
	writeErr := journal.ReplaceMode(r.metricsFile, metricsMode, func(w io.Writer) error {
		_, err := io.WriteString(w, metrics)
		return err
	})
	if writeErr == nil {
		return err
	}
	writeErr = fmt.Errorf("the metrics could not be written: %w", writeErr)
	if err == nil {
		return &failure{ExitInternal, writeErr}
	}
	r.out.say(slog.LevelError, "nermbulk: "+writeErr.Error(), "error", "error", writeErr.Error())
	return err
}

// metrics returns the run as a Prometheus textfile. Rows and requests are left
// out where the run did not begin.
func (r *runner) metrics(start time.Time, code ExitCode) string {
	m := metricsText{sheet: stdinName}
	if r.path != "-" {
		m.sheet = job.RunName(r.path)
	}
	now := r.Now()
	m.gauge("timestamp_seconds", "When the last run of the sheet ended, in Unix time.", float64(now.UnixMilli())/1000)
	m.gauge("duration_seconds", "How long the last run took, without the sessions before a resume.", now.Sub(start).Seconds())
	m.gauge("success", "1 if every row of the last run is updated or unchanged, else 0.", boolean(code == ExitOK))
	m.gauge("exit_code", "The exit code of the last run; see nermbulk help exit-codes.", float64(code))
	m.gauge("dry_run", "1 if the last run was a dry run, which sends nothing, else 0.", boolean(r.send.DryRun))
	if !r.result.Begun {
		return m.String()
	}
	rows, sent := r.result.Summary.Outcomes, r.result.Summary.Requests
	m.gauges("rows", "Rows of the last run by their outcome.", "outcome", []sample{
		{"updated", rows.Updated}, {"unchanged", rows.Unchanged}, {"failed", rows.Failed},
		{"unknown", rows.Unknown}, {"invalid", rows.Invalid}, {"pending", rows.Pending}, {"to_send", r.result.Summary.ToSend},
	})
	m.gauges("requests", "Requests that the last run sent, those before a resume too.", "kind",
		[]sample{{"patch", sent.Patch}, {"get", sent.Get}, {"token", sent.Token}})
	m.gauge("throttled_requests", "Requests of the last run that the tenant refused for the rate.", float64(sent.Throttled))
	m.gauge("retried_requests", "Requests of the last run beyond the first of each row.", float64(sent.Retried))
	return m.String()
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metricsText is gauges of the last run of a sheet in Prometheus's text format.
type metricsText struct {
	strings.Builder
	sheet string // the value of their label
}

// sample is one value of a gauge that has several.
type sample struct {
	label string
	value int
}

func (m *metricsText) head(name, help string) {
	fmt.Fprintf(m, "# HELP nermbulk_last_run_%[1]s %[2]s\n# TYPE nermbulk_last_run_%[1]s gauge\n", name, help)
}

// gauge appends a value, rounded to three decimals.
func (m *metricsText) gauge(name, help string, value float64) {
	m.head(name, help)
	fmt.Fprintf(m, "nermbulk_last_run_%s{sheet=%s} %s\n", name, labelValue(m.sheet), strconv.FormatFloat(math.Round(value*1000)/1000, 'f', -1, 64))
}

func (m *metricsText) gauges(name, help, label string, samples []sample) {
	m.head(name, help)
	for _, s := range samples {
		fmt.Fprintf(m, "nermbulk_last_run_%s{sheet=%s,%s=%q} %d\n", name, labelValue(m.sheet), label, s.label, s.value)
	}
}

// labelValue quotes the value of a label: the format has these three escapes
// only.
func labelValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "�")) + `"`
}
