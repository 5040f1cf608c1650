// Package ui is the page to work from: the job of `nermbulk run`, driven from a
// browser on the same machine. It knows HTTP, its template and the job; what a
// row means, how a file is read and what is sent is decided below. It never
// listens beyond loopback, and gives no secret back.
package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
)

// Options is what the page needs of the command that serves it.
type Options struct {
	Offers []Offer
	// Job returns what `run` would do with these flags, by name, and this sheet.
	// The token is used in place of the environment's unless it is empty; without
	// a path there is no sheet yet. An error is in words for people.
	Job  func(path string, flags map[string]string, token string) (job.Options, error)
	AsOf job.AsOf
	// Explain adds the remedy to an error of a job with this run directory.
	Explain func(err error, dir string) error
	// Interrupted is the exit code of the signal that ended the context.
	Interrupted func() job.ExitCode
}

// Offer is a tenant that can be chosen without typing anything.
type Offer struct {
	Name  string // that is chosen by
	Label string
	Note  string
	Flags map[string]string
	// NeedsToken says that its token has to be typed.
	NeedsToken bool
}

// Page serves one workspace. Its methods may be called from any goroutine.
type Page struct {
	guard *guard
	work  *workspace
	l     net.Listener
}

// Listen opens addr ("127.0.0.1:8788"; port 0 takes any free one) for a page.
// An address that other machines could reach is refused.
func Listen(addr string, o Options) (*Page, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q needs a host and a port, such as 127.0.0.1:8788", addr)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return nil, fmt.Errorf("the address %q is not loopback: the page is for this machine only, use 127.0.0.1 or localhost", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the page cannot be served: %w; choose another port with --addr, or 0 for any that is free", err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() { // localhost may be anything
		return nil, errors.Join(fmt.Errorf("the address %q is not loopback: use 127.0.0.1", addr), l.Close())
	}
	return &Page{guard: newGuard(l.Addr().String()), work: &workspace{o: o, changed: make(chan struct{}), step: stepTenant}, l: l}, nil
}

// Address returns the page's address with a key that is good once.
func (p *Page) Address() string { return "http://" + p.l.Addr().String() + "/?key=" + p.guard.newKey() }

// grace is how long a server that stops lets requests finish.
const grace = 2 * time.Second

// Serve serves the page until ctx is done, and returns when all that the page
// started has ended. A run is then stopped in order, as `run` is by a signal;
// interrupted says whether there was one.
func (p *Page) Serve(ctx context.Context) (interrupted bool, err error) {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	p.work.ctx = ctx
	server := &http.Server{
		Handler:           p.guard.wrap(p.routes()),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // a browser that left is no fault of ours
		BaseContext:       func(net.Listener) context.Context { return working },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p.l) }()
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	interrupted = p.work.wait()
	stopWork() // ends the streams of events
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if server.Shutdown(deadline) != nil {
		_ = server.Close()
	}
	if err == nil {
		err = <-served
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return interrupted, err
}

func (p *Page) routes() http.Handler {
	w, mux := p.work, http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.servePage)
	mux.HandleFunc("GET /app.css", serveText("text/css", report.Colors+style))
	mux.HandleFunc("GET /app.js", serveText("text/javascript", script))
	mux.HandleFunc("GET /favicon.ico", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /events", w.serveEvents)
	mux.HandleFunc("GET /rows", w.serveRows)
	mux.HandleFunc("GET /template.xlsx", w.serveTemplate)
	mux.HandleFunc("GET /marked", w.serveMarked)
	mux.HandleFunc("GET /files/{run}/{name}", w.serveFile)
	for path, do := range map[string]func(*http.Request) error{
		"step": w.doStep, "tenant": w.doTenant, "upload": w.doUpload, "open": w.doOpen, "read": w.doRead, "map": w.doMap,
		"correct": w.doCorrect, "fix": w.doFix, "preview": w.doPreview, "send": w.doSend, "confirm": w.doConfirm,
		"pause": w.doPause, "rate": w.doRate, "stop": w.doStop, "show": w.doShow, "undo": w.doUndo, "failed": w.doFailed, "resume": w.doResume,
	} {
		mux.HandleFunc("POST /"+path, w.action(do))
	}
	return mux
}

// mostPosted bounds what is posted, a sheet apart.
const mostPosted = 1 << 20

// action answers a write, which is done with the workspace's lock: with nothing,
// since the page reads itself again, or with why it was not done.
func (w *workspace) action(do func(*http.Request) error) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/upload" {
			r.Body = http.MaxBytesReader(rw, r.Body, mostPosted)
			_ = r.ParseForm() // here, since a browser may be slow; what cannot be read is not there
		}
		var err error
		w.update(func() { err = do(r) })
		if err != nil {
			http.Error(rw, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	}
}

func serveText(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind+"; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}
