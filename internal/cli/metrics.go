package cli

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

// metricsFlag names the file. One that nobody typed is for the job's own sheet:
// the correction or the undo of a night would put its figures in the place of
// the night's, and the last success would be lost.
const metricsFlag = "metrics-file"

// metricsMode lets the collector, which is another user, read the file.
const metricsMode fs.FileMode = 0o644

// metricsEvery is the time between two writes while a run goes on.
const metricsEvery = 10 * time.Second

// metrics are the figures of a run for Prometheus's textfile collector.
type metrics struct {
	began, written time.Time
	before         []string // the lines of the file that is replaced
	report.Summary          // its Outcomes, ToSend and Requests alone
}

// beginMetrics reads what is kept of the file before.
func (r *runner) beginMetrics() error {
	if err := writable(r.metricsFile); err != nil {
		return usage("--metrics-file %s: %w", r.metricsFile, err)
	}
	before, _ := os.ReadFile(r.metricsFile) // there is none the first time
	r.metrics = metrics{began: r.Streams.Now(), written: r.Streams.Now(), before: strings.Split(string(before), "\n")}
	return nil
}

// updateMetrics writes how far the run has come, every now and then. What
// cannot be written is reported at the end.
func (r *runner) updateMetrics(p job.Progress) {
	r.metrics.Outcomes, r.metrics.Requests = p.Outcomes, p.Requests
	if now := r.Streams.Now(); r.metricsFile != "" && now.Sub(r.metrics.written) >= metricsEvery {
		r.metrics.written = now
		_ = r.writeMetrics(r.metricsText(true, 0))
	}
}

// endMetrics writes how the run ended. It returns err, the run's own error,
// unless that is nil and writing fails. The file is left to the process that
// has the run, if that is another one.
func (r *runner) endMetrics(err error) error {
	code := exitCodeOf(err)
	if code == ExitLocked {
		return err
	}
	r.metrics.Summary = r.result.Summary
	writeErr := r.writeMetrics(r.metricsText(false, code))
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

func (r *runner) writeMetrics(text string) error {
	return journal.ReplaceMode(r.metricsFile, metricsMode, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// metricsText returns the file. Rows and requests are left out where the run
// did not begin; while it is running, how the run before ended stays.
func (r *runner) metricsText(running bool, code ExitCode) string {
	name := r.sheetName()
	m := metricsText{sheet: labelValue(job.RunName(name)), host: labelValue(r.Tenant.Host), before: r.metrics.before}
	if r.shard != "" {
		m.shard = ",shard=" + labelValue(r.shard)
	}
	now := r.Streams.Now()
	var succeeded, ended, success, exitCode any
	if !running {
		ended, success, exitCode = timestamp(now), boolean(code == ExitOK), code
		if code == ExitOK && !r.Send.DryRun {
			succeeded = ended
		}
	}
	m.gauge("last_success_timestamp_seconds", "When a run of the sheet ended last with every row updated or unchanged, in Unix time.", succeeded)
	m.gauge("last_run_timestamp_seconds", "When the last run of the sheet ended, in Unix time.", ended)
	m.gauge("last_run_success", "1 if every row of the last run is updated or unchanged, else 0.", success)
	m.gauge("last_run_exit_code", "The exit code of the last run; see nermbulk help exit-codes.", exitCode)
	m.gauge("last_run_running", "1 while the run goes on: when and how the last run ended is then that of the one before it.", boolean(running))
	m.gauge("last_run_duration_seconds", "How long the last run took, without the sessions before a resume.", seconds(now.Sub(r.metrics.began)))
	m.gauge("last_run_dry_run", "1 if the last run was a dry run, which sends nothing, else 0.", boolean(r.Send.DryRun))
	if file, err := os.Stat(r.path); err == nil && r.path != "-" {
		m.gauge("last_run_sheet_modified_timestamp_seconds", "When the sheet was changed last, in Unix time.", timestamp(file.ModTime()))
	}
	if !running && !r.result.Begun {
		return m.String()
	}
	rows, sent := r.metrics.Outcomes, r.metrics.Requests
	m.gauges("last_run_rows", "Rows of the last run by their outcome.",
		sample{`,outcome="updated"`, rows.Updated}, sample{`,outcome="unchanged"`, rows.Unchanged}, sample{`,outcome="failed"`, rows.Failed},
		sample{`,outcome="unknown"`, rows.Unknown}, sample{`,outcome="invalid"`, rows.Invalid}, sample{`,outcome="pending"`, rows.Pending},
		sample{`,outcome="to_send"`, r.metrics.ToSend})
	m.gauges("last_run_requests", "Requests that the last run sent, those before a resume too.",
		sample{`,kind="patch"`, sent.Patch}, sample{`,kind="get"`, sent.Get}, sample{`,kind="token"`, sent.Token})
	m.gauge("last_run_throttled_requests", "Requests of the last run that the tenant refused for the rate.", sent.Throttled)
	m.gauge("last_run_retried_requests", "Requests of the last run beyond the first of each row.", sent.Retried)
	return m.String()
}

func timestamp(t time.Time) string { return seconds(time.Duration(t.UnixMilli()) * time.Millisecond) }

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
	sheet, host string   // the values of their labels, quoted
	shard       string   // that label; empty for the whole sheet
	before      []string // the lines of the file that is replaced
}

// sample is one value of a gauge. It has labels of its own where the gauge has
// several values.
type sample struct {
	labels string
	value  any // nil for what the file before says
}

func (m *metricsText) gauge(name, help string, value any) { m.gauges(name, help, sample{"", value}) }

func (m *metricsText) gauges(name, help string, samples ...sample) {
	var lines strings.Builder
	for _, s := range samples {
		series := fmt.Sprintf("nermbulk_%s{sheet=%s,host=%s%s%s} ", name, m.sheet, m.host, m.shard, s.labels)
		if s.value != nil {
			fmt.Fprintf(&lines, "%s%v\n", series, s.value)
			continue
		}
		if m.host == `""` { // the host did not become known: that of the run before
			series = fmt.Sprintf("nermbulk_%s{sheet=%s,host=", name, m.sheet)
		}
		for _, line := range m.before {
			if strings.HasPrefix(line, series) {
				lines.WriteString(line + "\n")
			}
		}
	}
	if lines.Len() > 0 {
		fmt.Fprintf(m, "# HELP nermbulk_%[1]s %[2]s\n# TYPE nermbulk_%[1]s gauge\n%[3]s", name, help, lines.String())
	}
}

// labelValue quotes the value of a label: the format has these three escapes
// only.
func labelValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "�")) + `"`
}
