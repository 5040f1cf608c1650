package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// What a tenant sends without being asked is never taken for the answer to the
// next request, which goes out on another connection.
func TestUnaskedAnswers(t *testing.T) {
	if !canWatch {
		t.Skip("this system shows no connection that is not in use: net/http may notice too late")
	}
	const other = "1ca8c10d-3f1b-4a5e-9b5c-2f3f0d0d7a11"
	for _, tt := range []struct {
		name   string
		answer string
		later  string
	}{
		{"with the answer", rawAnswer(sessionJSON(testID)) + rawAnswer(sessionJSON(other)), ""},
		{"after it", rawAnswer(sessionJSON(testID)), rawAnswer(sessionJSON(other))},
		{"a timeout of its own", rawAnswer(sessionJSON(testID)), "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var count atomic.Int32
			read, sent := make(chan struct{}), make(chan struct{})
			base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
				if !readRequest(r, &count) {
					return
				}
				if n == 2 {
					_, _ = io.WriteString(conn, rawAnswer(sessionJSON(other)))
					return
				}
				_, _ = io.WriteString(conn, tt.answer)
				<-read
				_, _ = io.WriteString(conn, tt.later)
				close(sent)
				readRequest(r, &count)
			})
			c := newTestClient(t, Options{BaseURL: base})
			if a := patch(c, true); a.Verdict != OK {
				t.Errorf("the first: %v: %s", a.Verdict, a.Message)
			}
			close(read)
			<-sent
			if a := c.Patch(t.Context(), Request{ID: other, Run: true, Body: []byte("{}")}); a.Verdict != OK || a.Attempts != 1 {
				t.Errorf("the second: %v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
			}
			if n := count.Load(); n != 2 {
				t.Errorf("the tenant saw %d requests, want 2", n)
			}
		})
	}
}

// Answers in between are passed over, and no header is read without end.
func TestHeaders(t *testing.T) {
	whole := rawAnswer(sessionJSON(testID))
	for _, tt := range []struct {
		name    string
		answer  string
		message string // "" for the session
	}{
		{"hints first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + whole, ""},
		{"as long as allowed", strings.Replace(whole, "\r\n", "\r\nX: "+strings.Repeat("x", maxHeader-1000)+"\r\n", 1), ""},
		{"a long one", strings.Replace(whole, "\r\n", "\r\nX: "+strings.Repeat("x", maxHeader)+"\r\n", 1), "header"},
		{"many in between", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", maxHeader/30) + whole, "header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var count atomic.Int32
			base := rawTenant(t, func(n int, conn *net.TCPConn, r *bufio.Reader) {
				for readRequest(r, &count) {
					_, _ = io.WriteString(conn, tt.answer)
				}
			})
			c := newTestClient(t, Options{BaseURL: base})
			for range 2 {
				a := patch(c, true)
				if (a.Verdict == OK) != (tt.message == "") || !strings.Contains(a.Message, tt.message) {
					t.Errorf("%v: %s", a.Verdict, a.Message)
				}
			}
		})
	}
}

// A connection with TLS is used again too, unless it was closed meanwhile.
func TestKeptTLSConnections(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	s, roots := newTLSTenant(t, true, nil, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr]++
		mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, sessionJSON(testID))
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api", RootCAs: roots})
	for range 2 {
		for range 10 {
			if a := patch(c, true); a.Verdict != OK || a.Attempts != 1 {
				t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
			}
		}
		s.CloseClientConnections()
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 {
		t.Errorf("requests by connection: %v; want 10 on each of 2", seen)
	}
}
