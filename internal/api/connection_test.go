package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
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
	t.Run("the machine slept", func(t *testing.T) {
		now := time.Now()
		slept := exchange{used: time.Unix(0, now.Add(-time.Hour).UnixNano())} // by the wall clock alone
		if got := slept.idle(now); got < time.Hour-time.Second {
			t.Errorf("idle for %v, want an hour", got)
		}
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

// What a tenant says of its connections, and what it does to them without
// saying so, costs a read nothing, and never holds a worker.
func TestConnectionsThatEnd(t *testing.T) {
	answer := rawAnswer(sessionJSON(testID))
	tests := []struct {
		name   string
		answer string // to the first request; the second meets a closed connection
		open   bool   // the connection stays open
		want   Verdict
		conns  int64
	}{
		{name: "told to close", answer: strings.Replace(answer, "\r\n", "\r\nConnection: close\r\n", 1), want: OK, conns: 2},
		{name: "HTTP/1.0", answer: strings.Replace(answer, "HTTP/1.1", "HTTP/1.0", 1), want: OK, conns: 2},
		{name: "closed under the next request", answer: answer, open: true, want: OK, conns: 2},
		{name: "switched to another protocol", answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", open: true, want: Refused, conns: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var conns atomic.Int64
			var count atomic.Int32
			base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
				conns.Store(int64(n))
				if !readRequest(r, &count) {
					return
				}
				if n > 1 {
					_, _ = io.WriteString(conn, answer)
					return
				}
				_, _ = io.WriteString(conn, tt.answer)
				if tt.open {
					readRequest(r, &count)
				}
			})
			c := newTestClient(t, Options{BaseURL: base, MaxAttempts: 1})
			if a := c.Get(t.Context(), testID); a.Verdict != tt.want {
				t.Errorf("the first: %v: %s", a.Verdict, a.Message)
			}
			if a := c.Get(t.Context(), testID); a.Verdict != OK || a.Attempts != 1 {
				t.Errorf("the second: %v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
			}
			if got := conns.Load(); got != tt.conns {
				t.Errorf("%d connections, want %d", got, tt.conns)
			}
		})
	}
}

// brokenConn fails every write once it is told to.
type brokenConn struct {
	net.Conn
	broken *atomic.Bool
}

func (c brokenConn) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, errReset
	}
	return c.Conn.Write(p)
}

// A request that goes out on a second connection, and is answered there before
// it was written whole, leaves an exchange that is not used again while its body
// is still being read.
func TestEarlyAnswerOnASecondConnection(t *testing.T) {
	hold := make(chan struct{})
	addr := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if req.ContentLength > 1<<20 {
				_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
				<-hold
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, rawAnswer(sessionJSON(testID)))
		}
	})
	defer close(hold)
	base, err := ParseBaseURL(addr)
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	transport := newTransport(time.Second, nil, nil)
	dial, first := transport.DialContext, true
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err == nil && first {
			first, conn = false, brokenConn{conn, &broken}
		}
		return conn, err
	}
	x := newExchange(dialTo(transport, base), base, "test")
	defer x.close()
	x.url.Path, x.req.Method = "/api", http.MethodPatch
	x.setBody([]byte("{}"))
	if r, clean := x.run(5*time.Second, maxAnswer); !clean {
		t.Fatal(r.err)
	}
	broken.Store(true)
	x.setBody(make([]byte, 32<<20))
	r, clean := x.run(5*time.Second, maxAnswer)
	if r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d: %v", r.status, r.err)
	}
	if clean { // then it may be used again: the race detector looks
		x.setBody(make([]byte, 1<<20))
	}
}
