//go:build linux || darwin

package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// keyboard is the terminal on standard input while its keys are listened to.
type keyboard struct {
	fd     int
	before unix.Termios

	mu  sync.Mutex
	set bool // the terminal is in the mode for keys
}

// watchKeys calls press with each key that is pressed at the terminal on standard
// input, which shows none of them meanwhile. Signals still come from it. The
// terminal is as it was once ctx has ended or stop returns.
func watchKeys(ctx context.Context, press func(key byte)) (stop func(), err error) {
	k := &keyboard{fd: int(os.Stdin.Fd())}
	before, err := unix.IoctlGetTermios(k.fd, getTermios)
	if err != nil {
		return nil, err
	}
	k.before = *before
	// In the background a read would stop the process; ignored, it fails.
	signal.Ignore(unix.SIGTTIN)
	signals := make(chan os.Signal, 4)
	caught := []os.Signal{unix.SIGCONT, unix.SIGQUIT}
	if !signal.Ignored(unix.SIGTSTP) {
		caught = append(caught, unix.SIGTSTP)
	}
	signal.Notify(signals, caught...)
	k.enter()
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer k.leave()
		k.obey(ctx, signals)
	})
	watching.Go(func() { k.read(ctx, press) })
	return func() {
		cancel()
		watching.Wait()
		signal.Stop(signals)
		signal.Reset(unix.SIGTTIN)
	}, nil
}

// enter has the terminal hand over each key at once and show none, unless it is
// another process's turn. Output, and the keys that make signals, stay as they
// are.
func (k *keyboard) enter() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.foreground() {
		return
	}
	mode := k.before
	mode.Lflag &^= unix.ICANON | unix.ECHO
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	k.set = unix.IoctlSetTermios(k.fd, setTermios, &mode) == nil
}

// leave puts the terminal back as it was.
func (k *keyboard) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set && k.foreground() {
		_ = unix.IoctlSetTermios(k.fd, setTermios, &k.before) // it may be gone
	}
	k.set = false
}

// foreground reports whether the terminal is this process's to change.
func (k *keyboard) foreground() bool {
	group, err := unix.IoctlGetInt(k.fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// obey does what signals ask for with the terminal as it was, and goes on
// afterwards.
func (k *keyboard) obey(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			switch s {
			case unix.SIGTSTP:
				k.leave()
				_ = unix.Kill(unix.Getpid(), unix.SIGSTOP) // until SIGCONT
			case unix.SIGCONT:
				k.enter()
			case unix.SIGQUIT:
				k.leave()
				signal.Reset(unix.SIGQUIT)
				_ = unix.Kill(unix.Getpid(), unix.SIGQUIT)
			}
		}
	}
}

// keyWait is how long a look for a key lasts.
const keyWait = 100 * time.Millisecond

// read calls press with each key, until ctx ends or the terminal goes away.
func (k *keyboard) read(ctx context.Context, press func(key byte)) {
	for ctx.Err() == nil {
		typed, err := k.typed()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			time.Sleep(keyWait) // not this process's turn, say
		case slices.ContainsFunc(typed, func(key byte) bool { return key != typed[0] }):
			continue // a key of several bytes (an arrow, say), or pasted
		}
		for _, key := range typed {
			press(key)
		}
	}
}

// typed returns what was typed, nothing after keyWait.
func (k *keyboard) typed() ([]byte, error) {
	var ready unix.FdSet
	ready.Set(k.fd)
	wait := unix.NsecToTimeval(keyWait.Nanoseconds())
	switch n, err := unix.Select(k.fd+1, &ready, nil, nil, &wait); {
	case errors.Is(err, unix.EINTR), err == nil && n == 0:
		return nil, nil
	case err != nil:
		return nil, err
	case !k.foreground():
		return nil, unix.EIO // as a read would say
	}
	typed := make([]byte, 64)
	n, err := unix.Read(k.fd, typed)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return typed[:max(n, 0)], err
}
