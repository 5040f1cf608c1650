package cli

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
)

// metricsMode lets the collector, which is another user, read the file.
const metricsMode fs.FileMode = 0o644

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
	m.gauge("timestamp_seconds", "When the last run of the sheet ended, in Unix time.", seconds(time.Duration(now.UnixMilli())*time.Millisecond))
	m.gauge("duration_seconds", "How long the last run took, without the sessions before a resume.", seconds(now.Sub(start)))
	m.gauge("success", "1 if every row of the last run is updated or unchanged, else 0.", boolean(code == ExitOK))
	m.gauge("exit_code", "The exit code of the last run; see nermbulk help exit-codes.", code)
	m.gauge("dry_run", "1 if the last run was a dry run, which sends nothing, else 0.", boolean(r.send.DryRun))
	if !r.result.Begun {
		return m.String()
	}
	rows, sent := r.result.Summary.Outcomes, r.result.Summary.Requests
	m.gauges("rows", "Rows of the last run by their outcome.",
		sample{`,outcome="updated"`, rows.Updated}, sample{`,outcome="unchanged"`, rows.Unchanged}, sample{`,outcome="failed"`, rows.Failed},
		sample{`,outcome="unknown"`, rows.Unknown}, sample{`,outcome="invalid"`, rows.Invalid}, sample{`,outcome="pending"`, rows.Pending},
		sample{`,outcome="to_send"`, r.result.Summary.ToSend})
	m.gauges("requests", "Requests that the last run sent, those before a resume too.",
		sample{`,kind="patch"`, sent.Patch}, sample{`,kind="get"`, sent.Get}, sample{`,kind="token"`, sent.Token})
	m.gauge("throttled_requests", "Requests of the last run that the tenant refused for the rate.", sent.Throttled)
	m.gauge("retried_requests", "Requests of the last run beyond the first of each row.", sent.Retried)
	return m.String()
}

// seconds are given to the millisecond.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Millisecond).Seconds(), 'f', -1, 64)
}

func boolean(b bool) int {
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

// sample is one value of a gauge. It has labels of its own where the gauge has
// several values.
type sample struct {
	labels string
	value  any
}

func (m *metricsText) gauge(name, help string, value any) { m.gauges(name, help, sample{"", value}) }

func (m *metricsText) gauges(name, help string, samples ...sample) {
	fmt.Fprintf(m, "# HELP nermbulk_last_run_%[1]s %[2]s\n# TYPE nermbulk_last_run_%[1]s gauge\n", name, help)
	for _, s := range samples {
		fmt.Fprintf(m, "nermbulk_last_run_%s{sheet=%s%s} %v\n", name, labelValue(m.sheet), s.labels, s.value)
	}
}

// labelValue quotes the value of a label: the format has these three escapes
// only.
func labelValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "�")) + `"`
}
