package job

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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

func TestFailureLimit(t *testing.T) {
	for _, test := range []struct {
		limit FailureLimit
		want  int
	}{{FailureLimit{}, 0}, {FailureLimit{Rows: 7}, 7}, {FailureLimit{Share: 0.05}, 10}, {FailureLimit{Share: 0.001}, 1}} {
		if got := test.limit.of(199); got != test.want {
			t.Errorf("%+v is %d of 199 rows, not %d", test.limit, got, test.want)
		}
	}
}

// recorder is an observer that keeps what it is called with, but for the
// progress.
type recorder struct {
	seen    []string
	confirm error
}

func (r *recorder) Confirm(_ context.Context, a Announcement) error {
	r.seen = append(r.seen, fmt.Sprintf("confirm %d", a.Rows))
	return r.confirm
}

func (r *recorder) GoOn(context.Context, journal.RunDir) (bool, error) {
	r.seen = append(r.seen, "go on")
	return false, nil
}

func (r *recorder) Event(event any) {
	if _, often := event.(Progress); !often {
		r.seen = append(r.seen, fmt.Sprintf("%T", event))
	}
}

// broken is an observer that panics at the nth event of a kind.
type broken struct {
	recorder
	kind string
	n    int
}

func (b *broken) Event(event any) {
	if fmt.Sprintf("%T", event) == b.kind {
		if b.n--; b.n == 0 {
			panic("the observer is broken")
		}
	}
}

// A panic outside of any row is an error of the job: what was opened is closed,
// and what has its outcome keeps it.
func TestAPanicOfTheObserver(t *testing.T) {
	for _, test := range []struct {
		name    string
		kind    string
		n       int
		updated int
	}{
		{"while it is checked", "job.Checked", 1, 0},
		{"when the sending begins", "job.Progress", 1, 0},
		{"while rows are sent", "job.Progress", 2, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("s.csv", []byte("id,status\n00000001-0000-4000-8000-000000000001,closed\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			auth, err := api.StaticToken("token", "bearer")
			if err != nil {
				t.Fatal(err)
			}
			result, err := Run(t.Context(), Options{
				Sheet:  Sheet{Name: "s.csv", Path: "s.csv", Options: sheet.Options{Fields: change.SheetFields()}, Rules: change.Rules{ClearMarker: "<clear>"}},
				Tenant: Tenant{Host: "sandbox", Sandbox: true, Client: api.Options{Auth: auth, Workers: 1, MaxAttempts: 1, Timeout: time.Second}},
				Now:    time.Now, Caught: func() ExitCode { return ExitInterrupted }, Observer: &broken{kind: test.kind, n: test.n},
			})
			if err == nil || !strings.Contains(err.Error(), "the observer is broken") || result.Summary.Outcomes.Updated != test.updated {
				t.Errorf("%v, %+v", err, result.Summary.Outcomes)
			}
			if test.updated > 0 && result.Code != ExitInternal {
				t.Errorf("exit code %d", result.Code)
			}
		})
	}
}

// TestRun drives a job as a page would: without a terminal or flags.
func TestRun(t *testing.T) {
	const valid, invalid = "id,status\n00000001-0000-4000-8000-000000000001,closed\n", "id,status\n1,closed\n"
	refused := fmt.Errorf("no")
	for _, test := range []struct {
		name, sheet string
		confirm     error
		want        []string
		err         error
		next        Next
	}{
		{"sent", valid, nil, []string{"job.Checked", "confirm 1", "job.InDir", "job.Sending", "job.Sent"}, nil, Rehearse},
		{"not agreed to", valid, refused, []string{"job.Checked", "confirm 1"}, refused, Nothing},
		{"with problems", invalid, nil, []string{"sheet.Problem", "job.Checked"}, ErrRefused, Nothing},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("s.csv", []byte(test.sheet), 0o600); err != nil {
				t.Fatal(err)
			}
			auth, err := api.StaticToken("token", "bearer")
			if err != nil {
				t.Fatal(err)
			}
			r := &recorder{confirm: test.confirm}
			result, err := Run(t.Context(), Options{
				Sheet: Sheet{Name: "s.csv", Path: "s.csv", Options: sheet.Options{Fields: change.SheetFields()}, Rules: change.Rules{ClearMarker: "<clear>"}},
				Tenant: Tenant{Host: "sandbox", Sandbox: true, Client: api.Options{
					Auth: auth, Workers: 1, MaxAttempts: 1, Timeout: time.Second,
				}},
				Now: time.Now, Caught: func() ExitCode { return ExitInterrupted }, Observer: r,
			})
			if !errors.Is(err, test.err) || result.Next != test.next || result.Begun != (test.err == nil) {
				t.Errorf("error %v, next %v, begun %v", err, result.Next, result.Begun)
			}
			if !slices.Equal(r.seen, test.want) {
				t.Errorf("the observer saw %v, not %v", r.seen, test.want)
			}
			if test.err == nil && result.Summary.Outcomes.Updated != 1 {
				t.Errorf("the outcomes are %+v", result.Summary.Outcomes)
			}
		})
	}
}

// A panic while the tenant is asked is an error of the job, too.
func TestAPanicWhileTheTenantIsAsked(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	tenant := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done()
	}))
	defer tenant.Close()
	o := driven(t, &driver{}, 1, 0, false)
	if err := os.WriteFile("s.csv", []byte("id,attributes.badge\n00000001-0000-4000-8000-000000000000,7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Sheet.Attributes, o.Observer = AttributesAuto, &broken{kind: "job.Draining", n: 1}
	o.Tenant.Sandbox, o.Tenant.Client.BaseURL = false, tenant.URL
	if _, err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), "the observer is broken") {
		t.Errorf("the error is %v", err)
	}
}
