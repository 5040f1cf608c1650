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
	"sync/atomic"
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
	conn    net.Conn // with TLS, if there is any
	watch   *watcher
	r       *bufio.Reader
	w       *bufio.Writer
	left    int64        // bytes that may still be read, so that no header is endless
	written atomic.Int64 // see connection
	dry     bool         // nothing more is read from the network
	forget  func() bool  // leaves the context that ends the connection
}

// dialDirect makes a connection that ends with ctx.
func dialDirect(ctx context.Context, t *http.Transport, base *url.URL, addr string) (connection, error) {
	conn, err := t.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &directConnection{left: math.MaxInt64, watch: newWatcher(conn)}
	d.conn = network{writeCounter{conn, &d.written}, &d.dry}
	if base.Scheme == "https" {
		config := t.TLSClientConfig.Clone()
		config.ServerName, config.NextProtos = base.Hostname(), []string{"http/1.1"}
		secure := tls.Client(d.conn, config)
		shaking, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
		if err := secure.HandshakeContext(shaking); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		d.conn = secure
	}
	d.r, d.w = bufio.NewReader(readLimiter{d}), bufio.NewWriter(d.conn)
	d.forget = context.AfterFunc(ctx, func() { _ = d.conn.Close() })
	return d, nil
}

// network is what TLS, if there is any, reads from and writes to.
type network struct {
	writeCounter
	dry *bool
}

// Read fails as after a deadline while it is dry: that is the one error after which
// TLS can be read on.
func (n network) Read(p []byte) (int, error) {
	if *n.dry {
		return 0, os.ErrDeadlineExceeded
	}
	return n.Conn.Read(p)
}

// readLimiter reads no more of a connection than is left.
type readLimiter struct{ *directConnection }

func (d readLimiter) Read(p []byte) (int, error) {
	if d.left <= 0 {
		return 0, errLongHead
	}
	n, err := d.conn.Read(p[:min(int64(len(p)), d.left)])
	d.left -= int64(n)
	return n, err
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
	d.left = maxHeader
	defer func() { d.left = math.MaxInt64 }()
	for {
		resp, err := http.ReadResponse(d.r, req)
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

func (d *directConnection) Written() int64 { return d.written.Load() }
