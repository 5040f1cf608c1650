package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A tenant that closes connections at every moment, without a word, gets no
// request twice: where it is certain that nothing was sent another connection
// is taken, and else the caller is told of the doubt.
func TestNothingIsSentTwiceOnClosingConnections(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
		for i := range 1 + n%4 {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
			id := path.Base(req.URL.Path)
			mu.Lock()
			seen[id]++
			mu.Unlock()
			if n%5 == 0 && i == n%4 {
				_ = conn.SetLinger(0) // a reset, with the answer perhaps still on its way
			}
			if _, err := io.WriteString(conn, rawAnswer(sessionJSON(id))); err != nil {
				return
			}
		}
	})
	const workers, each = 8, 250
	c := newTestClient(t, Options{BaseURL: base, Workers: workers, OutageWait: 5 * time.Second})
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("row-%d-%d", w, i)
				a := c.Patch(t.Context(), Request{ID: id, Run: true, Body: []byte(`{}`)})
				mu.Lock()
				times := seen[id]
				mu.Unlock()
				switch {
				case times > 1:
					t.Errorf("%s was sent %d times", id, times)
				case a.Attempts != 1, a.Verdict == OK && times != 1, a.Verdict != OK && a.Verdict != Doubtful:
					t.Errorf("%s: %v after %d attempts, seen %d times: %s", id, a.Verdict, a.Attempts, times, a.Message)
				}
			}
		})
	}
	all.Wait()
}

// A connection that was idle for too long is not used again: the tenant may be
// about to close it. Nor are more kept than there are workers.
func TestKeptConnections(t *testing.T) {
	kept := ok()
	kept.kept = true
	t.Run("idle for too long", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, s := newScriptedClient(t, Options{}, kept)
			defer c.Close()
			for range 2 {
				if a := patch(c, false); a.Verdict != OK {
					t.Fatalf("%v: %s", a.Verdict, a.Message)
				}
				time.Sleep(idleTimeout + time.Second)
			}
			if n := len(s.times()); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	})
	t.Run("more than workers", func(t *testing.T) {
		e := exchanges{most: 2}
		now, closed := time.Now(), 0
		var made []*exchange
		for range 3 {
			x := &exchange{used: now, cancel: func() { closed++ }}
			made = append(made, x)
			e.keep(x, now)
		}
		if closed != 1 || e.take() != made[2] || e.take() != made[1] || e.take() != nil {
			t.Errorf("%d of 3 were closed, or the wrong one, where 2 are kept", closed)
		}
		e.close()
		if e.keep(made[0], now); closed != 2 {
			t.Error("one that came back after the end was not closed")
		}
	})
}
