package batch

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// awaited is a tenant whose first requests wait for longer than the context
// lets them, as in an outage; meanwhile somebody may change the session.
type awaited struct {
	*onceTenant
	waits   int
	inDoubt bool // an attempt left before the wait
	applied bool // and was applied
	meddled bool
	left    int // that left
}

func (a *awaited) Patch(ctx context.Context, r api.Request) api.Answer {
	if a.waits > 0 {
		a.waits--
		if a.applied {
			a.apply(string(r.Body))
		}
		if a.meddled {
			a.mu.Lock()
			a.status, a.updated = "rejected", time.Now()
			a.mu.Unlock()
		}
		_, bounded := ctx.Deadline()
		if !bounded {
			time.Sleep(5 * time.Minute)
			a.left++
			return a.onceTenant.Patch(ctx, r)
		}
		<-ctx.Done()
		answer := api.Answer{Verdict: api.Canceled, InDoubt: a.inDoubt}
		if a.inDoubt {
			answer.Attempts, answer.SentAt = 1, time.Now().Add(-time.Minute)
		}
		return answer
	}
	a.left++
	return a.onceTenant.Patch(ctx, r)
}

func runWith(t *testing.T, content string, to tenant, set func(*Options)) (*memory, error) {
	t.Helper()
	return runOnce(t, content, nil, nil, 0, func(o *Options) {
		o.Tenant = to
		set(o)
	})
}

// A request that could not leave within a minute of its reading leaves only if
// the session is still as the sheet has it.
func TestIfUnchangedAfterAWait(t *testing.T) {
	const row = "id,status,attributes.a,run,updated_at\n00000000-0000-4000-8000-000000000000,closed,v,%,1999-12-31T00:00:00Z\n"
	tests := map[string]struct {
		tenant  awaited
		run     string
		want    journal.Status
		why     string
		patches int
	}{
		"nobody came":                    {awaited{waits: 1}, "no", journal.Updated, "", 1},
		"nobody came, run":               {awaited{waits: 1}, "yes", journal.Updated, "", 1},
		"somebody came":                  {awaited{waits: 1, meddled: true}, "no", journal.Failed, "changed since", 0},
		"somebody came, run":             {awaited{waits: 1, meddled: true}, "yes", journal.Failed, "changed since", 0},
		"it was applied":                 {awaited{waits: 1, inDoubt: true, applied: true}, "no", journal.Updated, "", 0},
		"it was applied, run":            {awaited{waits: 1, inDoubt: true, applied: true}, "yes", journal.Updated, "", 0},
		"it was not, and somebody came":  {awaited{waits: 1, inDoubt: true, meddled: true}, "no", journal.Failed, "changed since", 0},
		"a rate that is lower than that": {awaited{waits: 9}, "no", journal.Updated, "", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.tenant.onceTenant = &onceTenant{status: "new", attrs: map[string]string{"a": "old"}, updated: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), acts: []act{ok}}
				own, err := NewOwnWrites(nil, false)
				if err != nil {
					t.Fatal(err)
				}
				m, err := runWith(t, strings.Replace(row, "%", tt.run, 1), &tt.tenant, func(o *Options) { o.Compare, o.IfUnchanged = true, own })
				if err != nil {
					t.Fatal(err)
				}
				got := m.outcomes(t)[2]
				if got.Status != tt.want || !strings.Contains(got.Error, tt.why) || tt.tenant.left != tt.patches {
					t.Errorf("%d requests, %+v", tt.tenant.left, got)
				}
			})
		})
	}
}
