package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestListenRefusesOtherThanLoopback(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.com:80", "127.0.0.1.example.com:80", "[::ffff:192.0.2.1]:80", "*:80"} {
		l, err := Listen(addr)
		if err == nil {
			l.Close()
			t.Errorf("%s: listens on %v", addr, l.Addr())
		} else if !strings.Contains(err.Error(), "is not loopback") || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{"", "8787", "127.0.0.1", "localhost"} {
		if _, err := Listen(addr); err == nil || !strings.Contains(err.Error(), "needs a host and a port") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestListenOnLoopback(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		l, err := Listen(addr)
		if err != nil {
			if addr == "127.0.0.2:0" {
				t.Logf("%s: %v (not on every system)", addr, err)
				continue
			}
			t.Fatal(err)
		}
		_, err = Listen(l.Addr().String())
		if err == nil || !strings.HasPrefix(err.Error(), "sandbox cannot listen on "+l.Addr().String()+": ") || strings.Contains(err.Error(), "OpError") {
			t.Errorf("a port in use: %v", err)
		}
		l.Close()
	}
}

func TestServeRefusesAPublicListener(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Skip("this machine has no such address:", err)
	}
	if err := New(Options{}).Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "is not loopback") {
		t.Errorf("served: %v", err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener is still open")
	}
}

func TestServeTellsWhenItCannotGoOn(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := New(Options{}).Serve(t.Context(), l); err == nil || !strings.HasPrefix(err.Error(), "sandbox stopped serving: ") {
		t.Errorf("served: %v", err)
	}
}

// pipes is a network in virtual time: connections are pipes in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// TestStopping: a request that ends in time is answered, one that would take
// too long is cut off, and Serve is not back before both.
func TestStopping(t *testing.T) {
	tests := []struct {
		name     string
		latency  time.Duration
		answered bool
		stopped  time.Duration // after the stop
	}{
		{"in time", 3 * time.Second, true, 2 * time.Second},
		{"too long", time.Minute, false, grace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(Options{Faults: Faults{Latency: tt.latency}})
				add(t, tenant, idA)
				network := newPipes()
				ctx, cancel := context.WithCancel(t.Context())
				served := make(chan error, 1)
				go func() { served <- tenant.Serve(ctx, network) }()
				transport := &http.Transport{DialContext: network.dial}
				defer transport.CloseIdleConnections()
				answered := make(chan bool, 1)
				go func() {
					resp, err := transport.RoundTrip(newRequest(t, "GET", "http://localhost/api/workflow_sessions/"+idA, ""))
					if err == nil {
						_, err = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
					answered <- err == nil
				}()
				time.Sleep(time.Second)
				start := time.Now()
				cancel()
				if err := <-served; err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took < tt.stopped || took > tt.stopped+time.Second {
					t.Errorf("stopped after %v", took)
				}
				if got := <-answered; got != tt.answered {
					t.Errorf("answered: %v", got)
				}
				if _, err := network.dial(t.Context(), "", ""); !errors.Is(err, net.ErrClosed) {
					t.Errorf("still listening: %v", err)
				}
			})
		})
	}
}
