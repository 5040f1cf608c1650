package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rawTenant serves connections by hand; its function is called for each with
// the connection's number, from 1, and the connection is closed after it.
func rawTenant(t *testing.T, serve func(n int, conn *net.TCPConn, r *bufio.Reader)) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				serve(n, conn.(*net.TCPConn), bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String() + "/api"
}

// readRequest reads one whole request; false when the client is gone.
func readRequest(r *bufio.Reader, count *atomic.Int32) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	count.Add(1)
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

func rawAnswer(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func TestBrokenExchanges(t *testing.T) {
	whole := rawAnswer(sessionJSON(testID))
	tests := []struct {
		name    string
		answer  string
		reset   bool
		hang    bool
		message string
	}{
		{name: "closed after the request", message: "the connection broke before the answer came: connection closed by the other side"},
		{name: "reset after the request", reset: true, message: "the connection broke before the answer came: connection reset"},
		{name: "no answer", hang: true, message: "no answer within 300ms"},
		{name: "half a status line", answer: "HTTP/1.1 2", message: `the connection broke before the answer came: malformed HTTP status code "2"`},
		{name: "half a body", answer: whole[:len(whole)-5], message: "the answer broke off: connection closed by the other side"},
		{name: "half a body and silence", answer: whole[:len(whole)-5], hang: true, message: "the answer broke off: it was not whole within 300ms"},
		{name: "no HTTP", answer: "SSH-2.0-OpenSSH\r\n\r\n", message: `the connection broke before the answer came: malformed HTTP response "SSH-2.0-OpenSSH"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var count atomic.Int32
			released := make(chan struct{})
			base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
				if !readRequest(r, &count) {
					return
				}
				_, _ = io.WriteString(conn, tt.answer)
				if tt.hang {
					<-released
				}
				if tt.reset {
					_ = conn.SetLinger(0)
				}
			})
			defer close(released)
			c := newTestClient(t, Options{BaseURL: base, Timeout: 300 * time.Millisecond, MaxAttempts: 2})
			for _, run := range []bool{true, false} {
				a := patch(c, run)
				want := 2
				if run {
					want = 1
				}
				if a.Verdict != Doubtful || !a.InDoubt || a.Attempts != want || a.Server || a.Message != tt.message {
					t.Errorf("run=%v: %v after %d attempts: %s", run, a.Verdict, a.Attempts, a.Message)
				}
			}
			if n := count.Load(); n != 3 {
				t.Errorf("the tenant saw %d requests, want 3", n)
			}
			if _, ok := c.Outage(); ok {
				t.Error("it was taken for an outage")
			}
		})
	}
}

// A server may close a kept connection at the moment a request goes out on
// it. net/http may repeat such a request by itself only where nothing was
// written; a PATCH that was read must never be repeated behind our back.
func TestKeptConnectionClosedUnderARequest(t *testing.T) {
	var count atomic.Int32
	base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
		if readRequest(r, &count) {
			_, _ = io.WriteString(conn, rawAnswer(sessionJSON(testID)))
		}
		readRequest(r, &count) // the second is read, and the connection closed
	})
	c := newTestClient(t, Options{BaseURL: base})
	if a := patch(c, true); a.Verdict != OK {
		t.Fatalf("%v: %s", a.Verdict, a.Message)
	}
	if a := patch(c, true); a.Verdict != Doubtful || a.Attempts != 1 {
		t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
	}
	if n := count.Load(); n != 2 {
		t.Errorf("the tenant saw %d requests, want 2", n)
	}
}

// A connection that was closed while idle, long before, costs nothing: the
// request goes over a new one.
func TestKeptConnectionClosedBefore(t *testing.T) {
	var count atomic.Int32
	closed := make(chan struct{}, 10)
	base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
		if readRequest(r, &count) {
			_, _ = io.WriteString(conn, rawAnswer(sessionJSON(testID)))
		}
		conn.Close()
		closed <- struct{}{}
	})
	c := newTestClient(t, Options{BaseURL: base})
	for range 5 {
		a := patch(c, false)
		if a.Verdict != OK {
			t.Fatalf("%v: %s", a.Verdict, a.Message)
		}
		<-closed
	}
	if n := count.Load(); n < 5 || n > 10 {
		t.Errorf("the tenant saw %d requests", n)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	var count atomic.Int32
	var conns atomic.Int32
	base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
		conns.Add(1)
		for readRequest(r, &count) {
			_, _ = io.WriteString(conn, rawAnswer(sessionJSON(testID)))
		}
	})
	c := newTestClient(t, Options{BaseURL: base, Workers: 4})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if a := patch(c, false); a.Verdict != OK {
					t.Errorf("%v: %s", a.Verdict, a.Message)
				}
			}
		})
	}
	all.Wait()
	if n := conns.Load(); n > 8 || count.Load() != 200 {
		t.Errorf("%d connections for %d requests", n, count.Load())
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String() + "/api"
	l.Close()
	a := patch(newTestClient(t, Options{BaseURL: base}), true)
	if a.Verdict != Unreachable || a.Attempts != 0 || !strings.HasSuffix(a.Message, ": connection refused") {
		t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
	}
}

// An early answer to a large body leaves net/http sending; the caller's
// buffer must be free for the next row all the same (the race detector looks).
func TestBodyIsNotKept(t *testing.T) {
	base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
		}
	})
	c := newTestClient(t, Options{BaseURL: base})
	body := make([]byte, 8<<20)
	for i := range 3 {
		for j := range body {
			body[j] = 'a' + byte(i)
		}
		a := c.Patch(t.Context(), Request{ID: testID, Body: body})
		if a.Verdict != Refused || a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%v: %s", a.Verdict, a.Message)
		}
	}
}
