package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
)

// smallBody is the largest body, in bytes, that surely fits into the system's
// buffers: the tenant need not read it to be heard.
const smallBody = 16 << 10

var (
	errUnasked  = errors.New("the tenant sent something that it was not asked for")
	errLongHead = fmt.Errorf("its header is longer than %d KiB", maxHeader>>10)
)

// directConnection is a connection without a proxy. net/http writes each request
// and reads its answer in the goroutine of the caller: http.Transport has two
// of its own for each connection, and handing requests and answers over to them
// costs a fifth of all that a run does.
type directConnection struct {
	*socket
	conn    net.Conn // with TLS, if there is any
	watch   *watcher
	limited io.LimitedReader // of conn, so that no header is endless
	r       *bufio.Reader    // of limited
	w       *bufio.Writer
	forget  func() bool // leaves the context that ends the connection
}

// dialDirect makes a connection that ends with ctx.
func dialDirect(ctx context.Context, t *http.Transport, base *url.URL, addr string) (connection, error) {
	conn, err := t.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &directConnection{socket: &socket{Conn: conn}, watch: newWatcher(conn)}
	d.conn = d.socket
	if base.Scheme == "https" {
		config := t.TLSClientConfig.Clone()
		config.ServerName, config.NextProtos = base.Hostname(), []string{"http/1.1"}
		secure := tls.Client(d.socket, config)
		shaking, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
		if err := secure.HandshakeContext(shaking); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		d.conn = secure
	}
	d.limited = io.LimitedReader{R: d.conn, N: math.MaxInt64}
	d.r, d.w = bufio.NewReader(&d.limited), bufio.NewWriter(d.conn)
	d.forget = context.AfterFunc(ctx, func() { _ = d.conn.Close() })
	return d, nil
}

// RoundTrip leaves the answer's body to be read to its end before the next request.
func (d *directConnection) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.ContentLength > smallBody {
		return d.roundTripLarge(req)
	}
	if err := req.Write(d.w); err != nil {
		return nil, err
	}
	if err := d.w.Flush(); err != nil {
		return nil, err
	}
	// Others send their requests before this one looks for its answer, which is
	// there then: looking twice, and waiting in between, costs more.
	runtime.Gosched()
	return d.answer(req)
}

// roundTripLarge reads while it writes: the tenant may answer and read no further.
func (d *directConnection) roundTripLarge(req *http.Request) (*http.Response, error) {
	sent := make(chan error, 1)
	go func() {
		err := req.Write(struct{ io.Writer }{d.conn})
		if err != nil {
			_ = d.conn.Close() // which ends the reading
		}
		sent <- err
	}()
	resp, err := d.answer(req)
	if err == nil {
		return resp, nil
	}
	_ = d.conn.Close() // which ends the writing
	if broken := <-sent; broken != nil && errors.Is(err, net.ErrClosed) {
		err = broken
	}
	return nil, err
}

// answer reads the next answer that is not only in between.
func (d *directConnection) answer(req *http.Request) (*http.Response, error) {
	d.limited.N = maxHeader
	defer func() { d.limited.N = math.MaxInt64 }()
	for {
		resp, err := http.ReadResponse(d.r, req)
		if err != nil && d.limited.N <= 0 {
			err = errLongHead
		}
		if err != nil || resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

func (d *directConnection) Err() error {
	// TLS reads ahead: what it holds already is not in the connection any more.
	d.dry = true
	_, err := d.r.Peek(1)
	d.dry = false
	switch {
	case err == nil:
		return errUnasked
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	return d.watch.look()
}

func (d *directConnection) Close() error {
	d.forget()
	return d.conn.Close()
}
