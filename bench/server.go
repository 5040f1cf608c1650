package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// serve is the least that a tenant can be: it reads each request and answers
// with the id that was asked for. GET /first tells when the first change came,
// in Unix nanoseconds.
func serve(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	var first atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/api/workflow_sessions/", func(w http.ResponseWriter, r *http.Request) {
		first.CompareAndSwap(0, time.Now().UnixNano())
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{"application/json"}
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		_, _ = io.WriteString(w, `{"workflow_session":{"id":"`+id+`"}}`)
	})
	mux.HandleFunc("/first", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, first.Load())
	})
	return http.Serve(l, mux)
}

// server is the tenant in a process of its own, on the second processor.
type server struct {
	addr string
	cmd  *exec.Cmd
}

func startServer() (*server, error) { return startServerAt("127.0.0.1:0") }

// startServerAt listens on a given address, so that a run can be resumed on
// the host that it was begun on.
func startServerAt(addr string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := pinned(1, self, "serve", addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	bound, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the server did not start: %w", err)
	}
	return &server{strings.TrimSpace(bound), cmd}, nil
}

// firstRequest is when the first change came.
func (s *server) firstRequest() (time.Time, error) {
	resp, err := http.Get("http://" + s.addr + "/first")
	if err != nil {
		return time.Time{}, err
	}
	text, err := io.ReadAll(resp.Body)
	err = errors.Join(err, resp.Body.Close())
	if err != nil {
		return time.Time{}, err
	}
	nanos, err := strconv.ParseInt(string(text), 10, 64)
	return time.Unix(0, nanos), err
}

// stop ends the server's process.
func (s *server) stop() error {
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait() // killed
	return err
}

// kill is stop for the end of a measurement, when nothing depends on it.
func (s *server) kill() { _ = s.stop() }
