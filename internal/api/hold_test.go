package api

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPause pauses for longer than an outage may last: before anything is sent,
// while the tenant refuses everything, and while it cannot be reached. The time
// counts for nothing, and nothing is sent in it.
func TestPause(t *testing.T) {
	refused := step{status: 429, takes: 10 * time.Millisecond}
	for _, test := range []struct {
		name  string
		until []step // what the tenant answers at first
	}{
		{"of a tenant that answers", []step{ok()}},
		{"of one that refuses everything", []step{refused}},
		{"of one that asks to wait", []step{{status: 429, header: http.Header{"Retry-After": {"20"}}}}},
		{"of one that cannot be reached", []step{{err: errRefused, takes: 10 * time.Millisecond}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newScriptedClient(t, Options{OutageWait: time.Minute, MaxAttempts: 1, Rate: 10}, test.until...)
				var rows sync.WaitGroup
				stop := make(chan struct{})
				for range 4 {
					rows.Go(func() {
						for {
							if a := patch(c, false); a.Verdict != OK {
								t.Errorf("%v: %s", a.Verdict, a.Message)
								return
							}
							select {
							case <-stop:
								return
							default:
							}
						}
					})
				}
				time.Sleep(30*time.Second + time.Millisecond)
				c.Pause()
				c.Pause()                   // once more is the same pause
				time.Sleep(5 * time.Second) // what is in flight ends
				before := len(s.times())
				time.Sleep(10 * time.Minute)
				if sent := len(s.times()) - before; sent != 0 {
					t.Errorf("%d requests left during the pause", sent)
				}
				s.mu.Lock()
				s.steps = []step{ok()}
				s.mu.Unlock()
				c.Continue()
				c.Continue()
				time.Sleep(20 * time.Second)
				close(stop)
				rows.Wait()
				after := s.times()[before:]
				if len(after) < 20 {
					t.Fatalf("%d requests in the 20 s after the pause", len(after))
				}
				for i := range after {
					if j := i + 10; j < len(after) && after[j].Sub(after[i]) < time.Second {
						t.Fatalf("more than 10 requests in a second after the pause")
					}
				}
			})
		})
	}
}

// TestOutageAfterAPause has a tenant that stays out of reach: the rest of the
// time that is waited for it follows the pause.
func TestOutageAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScriptedClient(t, Options{OutageWait: time.Minute}, step{err: errRefused, takes: 10 * time.Millisecond})
		begun := time.Now()
		time.AfterFunc(30*time.Second, c.Pause)
		time.AfterFunc(10*time.Minute, c.Continue)
		if a := patch(c, false); a.Verdict != Unreachable {
			t.Errorf("%v: %s", a.Verdict, a.Message)
		}
		if took := time.Since(begun); took < 10*time.Minute+29*time.Second || took > 10*time.Minute+40*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}
