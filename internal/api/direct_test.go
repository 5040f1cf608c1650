package api

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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

// TLS reads ahead: what came with the answer is neither in the connection any more
// nor in what is read of it yet.
func TestUnaskedAnswersWithTLS(t *testing.T) {
	if !canWatch {
		t.Skip("net/http looks for them itself")
	}
	s, roots := newTLSTenant(t, false, nil, nil)
	config := s.TLS.Clone()
	config.DynamicRecordSizingDisabled = true
	long := strings.Replace(sessionJSON(testID), `"a":"1"`, `"a":"`+strings.Repeat("1", 9000)+`"`, 1)
	const unasked = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
	for _, tt := range []struct {
		name   string
		writes []string // each is a record of its own; all leave at once
		closes bool     // TLS, and not the connection
	}{
		{name: "in the record of a short answer", writes: []string{rawAnswer(sessionJSON(testID)) + unasked}},
		{name: "in the record of a long answer", writes: []string{rawAnswer(long) + unasked}},
		{name: "in a record of its own", writes: []string{rawAnswer(long), unasked}},
		{name: "the end of TLS", writes: []string{rawAnswer(long)}, closes: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var count atomic.Int32
			base := rawTenant(t, func(_ int, conn *net.TCPConn, _ *bufio.Reader) {
				held := &heldBack{Conn: conn}
				secure := tls.Server(held, config)
				if secure.Handshake() != nil {
					return
				}
				r := bufio.NewReader(secure)
				for readRequest(r, &count) {
					held.holds = true
					for _, answer := range tt.writes {
						_, _ = io.WriteString(secure, answer)
					}
					if tt.closes {
						_ = secure.CloseWrite()
					}
					held.release()
				}
			})
			c := newTestClient(t, Options{BaseURL: strings.Replace(base, "http:", "https:", 1), RootCAs: roots, Timeout: 5 * time.Second})
			for range 3 {
				if a := patch(c, true); a.Verdict != OK || a.Attempts != 1 {
					t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
				}
			}
			if n := count.Load(); n != 3 {
				t.Errorf("the tenant saw %d requests, want 3", n)
			}
		})
	}
}

// heldBack writes at once what was written to it one by one.
type heldBack struct {
	net.Conn
	holds bool
	held  []byte
}

func (h *heldBack) Write(p []byte) (int, error) {
	if !h.holds {
		return h.Conn.Write(p)
	}
	h.held = append(h.held, p...)
	return len(p), nil
}

func (h *heldBack) release() {
	_ = h.SetWriteDeadline(time.Time{}) // at the end of TLS there is one
	_, _ = h.Conn.Write(h.held)
	h.holds, h.held = false, nil
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
