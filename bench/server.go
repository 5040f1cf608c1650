package main

import (
	"bufio"
	"bytes"
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

// serve is a tenant that costs as little as possible, so that the clients are
// what is measured: it reads each request and answers with the id in its path.
// GET /first returns when the first change came, in Unix nanoseconds.
func serve(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	var first atomic.Int64
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go answer(conn, &first)
	}
}

// answer serves one connection until it ends.
func answer(conn net.Conn, first *atomic.Int64) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 64<<10)
	var out []byte
	for {
		path, length, err := readHead(r)
		if err != nil {
			return
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		if path == "/first" {
			out = appendAnswer(out[:0], strconv.FormatInt(first.Load(), 10))
		} else {
			if first.Load() == 0 {
				first.CompareAndSwap(0, time.Now().UnixNano())
			}
			id := path[strings.LastIndexByte(path, '/')+1:]
			out = appendAnswer(out[:0], `{"workflow_session":{"id":"`+id+`"}}`)
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// readHead reads a request up to its body.
func readHead(r *bufio.Reader) (path string, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", 0, err
	}
	words := bytes.Fields(line)
	if len(words) != 3 {
		return "", 0, errors.New("no request line")
	}
	path = string(words[1])
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", 0, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return path, length, nil
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", 0, err
			}
		}
	}
}

func appendAnswer(out []byte, body string) []byte {
	out = append(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(body)), 10)
	return append(append(out, "\r\n\r\n"...), body...)
}

// server is the tenant, in its own process on the second processor.
type server struct {
	addr string
	cmd  *exec.Cmd
}

func startServer() (*server, error) { return startServerAt("127.0.0.1:0") }

// startServerAt listens on a given address, so that a run can be resumed on
// the same host.
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

// firstRequest returns when the first change came.
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

// kill is stop without an error: nothing depends on it at the end of a
// measurement.
func (s *server) kill() { _ = s.stop() }
