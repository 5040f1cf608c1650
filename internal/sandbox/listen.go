package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// grace is how long a stopping server lets requests finish.
const grace = 5 * time.Second

// Listen opens addr ("127.0.0.1:8787"; port 0 takes any free one) for Serve. An
// address that other machines could reach is refused: the tenant believes any
// token and holds whatever is sent to it.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox address %q needs a host and a port, such as 127.0.0.1:8787", addr)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("sandbox address %q is not loopback: the sandbox is for this machine only, use 127.0.0.1 or localhost", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err // without the address, which is in the text already
		}
		return nil, fmt.Errorf("sandbox cannot listen on %s: %w; choose another port, or 0 for any that is free", addr, err)
	}
	return l, nil
}

// isLoopback reports whether a host name or IP is this machine only. That
// localhost is, Serve makes sure of.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Serve answers on l, which it owns and closes, until ctx is done; then it lets
// requests finish for a few seconds and returns nil. It returns only after every
// goroutine it started has ended. An error means that it could not go on
// accepting.
func (t *Tenant) Serve(ctx context.Context, l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		_ = l.Close() // nothing was accepted
		return fmt.Errorf("sandbox listener %s is not loopback", a)
	}
	var connections sync.WaitGroup
	srv := &http.Server{
		Handler:           t.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are the faults' purpose
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Done()
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(deadline) != nil {
		_ = srv.Close() // ends what did not finish in time
	}
	if err == nil {
		err = <-served
	}
	connections.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("sandbox stopped serving: %w", err)
}
