package api

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnanswered has a tenant that answers, then hangs, then answers again.
func TestUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := step{err: errRefused, sent: true, takes: 30 * time.Second}
		late := ok()
		late.takes = 10 * time.Second
		c, _ := newScriptedClient(t, Options{MaxAttempts: 3, Timeout: time.Minute}, ok(), hangs, late, ok())
		expect := func(what string, least, most time.Duration) {
			t.Helper()
			if d := c.Unanswered(); d < least || d > most {
				t.Errorf("%s: unanswered for %v, not %v to %v", what, d, least, most)
			}
		}
		expect("before the first request", 0, 0)
		patch(c, false)
		time.Sleep(time.Hour)
		expect("nothing is owed", 0, 0)
		var row sync.WaitGroup
		row.Go(func() { patch(c, false) })
		time.Sleep(20 * time.Second)
		expect("it hangs", 20*time.Second, 20*time.Second)
		time.Sleep(18 * time.Second)
		expect("the next attempt hangs too", 38*time.Second, 38*time.Second)
		row.Wait()
		expect("it answered", 0, 0)
		if n := c.Sent(); n != 3 {
			t.Errorf("%d requests were sent, not 3", n)
		}
	})
}

// TestUnansweredBesideOthers has one request that hangs while others are
// answered: the tenant is not silent then.
func TestUnansweredBesideOthers(t *testing.T) {
	var a awaited
	a.begin()
	a.begin()
	at := time.Now().Add(-time.Second)
	a.end(true, at)
	if a.since.Load() != at.UnixNano() {
		t.Error("an answer did not begin the wait for the other one")
	}
	a.end(false, time.Now())
	if a.since.Load() != at.UnixNano() {
		t.Error("a request without an answer ended the wait")
	}
}
