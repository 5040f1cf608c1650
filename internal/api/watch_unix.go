//go:build unix

package api

import (
	"io"
	"net"
	"syscall"
)

// canWatch reports whether this system shows, without waiting, what became of a
// connection that is not in use.
const canWatch = true

// watcher looks at a connection that is not in use.
type watcher struct {
	socket syscall.RawConn // nil: not known
	peek   func(fd uintptr) bool
	found  error
}

func newWatcher(conn net.Conn) *watcher {
	w := new(watcher)
	if c, ok := conn.(syscall.Conn); ok {
		w.socket, _ = c.SyscallConn() // fails only for one that is closed, as the next request on it will
	}
	w.peek = func(fd uintptr) bool { // one function for all looks, since making it costs more than they do
		var b [1]byte
		n, err := syscall.Read(int(fd), b[:])
		switch {
		case n > 0:
			w.found = errUnasked
		case err == nil:
			w.found = io.EOF
		case err != syscall.EAGAIN:
			w.found = err
		}
		return true // whatever came: not to be called again
	}
	return w
}

// look returns why a connection can carry no further request: the other side has
// closed it, or sent what it was not asked for. It does not wait.
func (w *watcher) look() error {
	if w.socket == nil {
		return nil
	}
	if err := w.socket.Read(w.peek); err != nil {
		return err
	}
	return w.found
}
