package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// driver is an observer that steers its job.
type driver struct {
	recorder
	control  Control
	notes    []string
	progress func(*driver, Progress)
}

func (d *driver) Event(event any) {
	switch e := event.(type) {
	case Note:
		d.notes = append(d.notes, e.Text)
	case Progress:
		d.progress(d, e)
	}
}

// drive runs a job of so many rows at a rate in the present directory.
func drive(t *testing.T, d *driver, rows int, rate float64, resume bool) (Result, error) {
	t.Helper()
	return Run(t.Context(), driven(t, d, rows, rate, resume))
}

func driven(t *testing.T, d *driver, rows int, rate float64, resume bool) Options {
	t.Helper()
	text := "id,status\n"
	for i := range rows {
		text += fmt.Sprintf("00000001-0000-4000-8000-%012d,closed\n", i)
	}
	if err := os.WriteFile("s.csv", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	auth, err := api.StaticToken("token", "bearer")
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Sheet:  Sheet{Attributes: AttributesOff, Name: "s.csv", Path: "s.csv", Options: sheet.Options{Fields: change.SheetFields()}, Rules: change.Rules{ClearMarker: "<clear>"}},
		Tenant: Tenant{Host: "sandbox", Sandbox: true, Client: api.Options{Auth: auth, Workers: 2, MaxAttempts: 1, Timeout: time.Second, Rate: rate}},
		Resume: resume, Now: time.Now, Caught: func() ExitCode { return ExitInterrupted }, Observer: d, Control: &d.control,
	}
}

// TestPausedJob has a job paused before it sends, and goes on at another rate.
func TestPausedJob(t *testing.T) {
	t.Chdir(t.TempDir())
	paused := 0
	d := &driver{progress: func(d *driver, p Progress) {
		switch {
		case p.Paused && p.Done > 0:
			t.Errorf("%d rows are done in the pause", p.Done)
		case p.Paused:
			if paused++; paused == 3 {
				d.control.SetRate(200)
				d.control.Continue()
			}
		case paused == 0 || d.control.Rate(0) != 200:
			t.Errorf("after %d looks the job is not paused, and %g requests per second are permitted", paused, d.control.Rate(0))
		}
	}}
	d.control.Pause()
	result, err := drive(t, d, 20, 0.01, false)
	if err != nil || result.Code != ExitOK || result.Summary.Outcomes.Updated != 20 {
		t.Errorf("%v, exit code %d, %+v", err, result.Code, result.Summary.Outcomes)
	}
	want := []string{"paused: what is in flight finishes, and nothing more is sent", "going on after the pause", "the rate is at most 200 requests per second now"}
	if !slices.Equal(d.notes, want) {
		t.Errorf("it said %q", d.notes)
	}
	replay, err := journal.Load(result.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer replay.Close()
	if ceiling := replay.Totals().Ceiling; ceiling > 0.01 {
		t.Errorf("a resume would learn that the tenant grants %g requests per second", ceiling)
	}
	d.control.SetRate(1) // of a job that has ended
	d.control.Stop()
}

// TestStoppedJob stops a job in the middle, in a pause too, and resumes it.
func TestStoppedJob(t *testing.T) {
	for _, pause := range []bool{false, true} {
		t.Run(fmt.Sprintf("paused: %v", pause), func(t *testing.T) {
			t.Chdir(t.TempDir())
			d := &driver{progress: func(d *driver, p Progress) {
				if p.Done > 0 {
					if pause {
						d.control.Pause()
					}
					d.control.Stop()
				}
			}}
			result, err := drive(t, d, 40, 20, false)
			o := result.Summary.Outcomes
			if err != nil || result.Code != ExitStopped || o.Updated == 0 || o.Pending == 0 || o.Updated+o.Pending != 40 {
				t.Fatalf("%v, exit code %d, %+v", err, result.Code, o)
			}
			if !strings.Contains(result.Summary.Reason, "stopped by the user") || result.Next != Resume {
				t.Errorf("stopped: %q, next %v", result.Summary.Reason, result.Next)
			}
			rest := &driver{progress: func(*driver, Progress) {}}
			result, err = drive(t, rest, 40, 0, true)
			if err != nil || result.Code != ExitOK || result.Summary.Outcomes.Updated != 40 || result.Summary.Requests.Patch != 40 {
				t.Errorf("resumed: %v, exit code %d, %+v, %+v", err, result.Code, result.Summary.Outcomes, result.Summary.Requests)
			}
		})
	}
}

// TestStoppedBeforeItSends stops a job while somebody is asked.
func TestStoppedBeforeItSends(t *testing.T) {
	t.Chdir(t.TempDir())
	d := &driver{progress: func(*driver, Progress) { t.Error("rows are sent") }}
	d.control.Stop()
	result, err := drive(t, d, 3, 0, false)
	if !errors.Is(err, context.Canceled) || result.Begun {
		t.Errorf("%v, begun %v", err, result.Begun)
	}
	if entries, _ := os.ReadDir(RunsRoot); slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.IsDir() }) {
		t.Errorf("a run directory is left: %v", entries)
	}
}

// TestRateIsOfTheRows wants the requests that were made before the rows, for the
// attributes, in no rate: the first moment would hold them all.
func TestRateIsOfTheRows(t *testing.T) {
	t.Chdir(t.TempDir())
	seen := 0
	d := &driver{progress: func(_ *driver, p Progress) {
		if seen++; p.Done == 0 && p.State.Requests > 1000 {
			t.Errorf("%g requests a second before any row is done", p.State.Requests)
		}
	}}
	o := driven(t, d, 3, 50, false)
	o.Sheet.Attributes = AttributesAuto
	if err := os.WriteFile("s.csv", []byte("id,attributes.badge\n00000001-0000-4000-8000-000000000000,7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if result, err := Run(t.Context(), o); err != nil || result.Summary.Outcomes.Updated != 1 || result.Summary.Requests.Get == 0 || seen == 0 {
		t.Errorf("%+v, %v, after %d reports", result.Summary, err, seen)
	}
}
