package cli

import (
	"context"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// watchStateAsked is nil: there is no SIGUSR1 here.
var watchStateAsked func() (asked <-chan os.Signal, stop func())

// ownConsole reports whether the console was made for this process alone, as it is
// for a program that is double-clicked: of one that a shell was in before, the
// shell shares it.
func ownConsole() bool {
	var ids [2]uint32
	list := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList")
	n, _, _ := list.Call(uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids)))
	return n == 1
}

// showColors has the console on standard error take escape sequences for what
// they are, which one before Windows 10 cannot.
func showColors() bool {
	console := windows.Handle(os.Stderr.Fd())
	var mode uint32
	err := windows.GetConsoleMode(console, &mode)
	return err == nil && windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// watchKeys is that of keys_unix.go. A read of the console cannot be called off:
// the goroutine that waits for a key ends with the process, which follows soon.
func watchKeys(ctx context.Context, press func(key byte)) (stop func(), err error) {
	console := windows.Handle(os.Stdin.Fd())
	var before uint32
	if err := windows.GetConsoleMode(console, &before); err != nil {
		return nil, err
	}
	mode := before &^ (windows.ENABLE_LINE_INPUT | windows.ENABLE_ECHO_INPUT)
	if err := windows.SetConsoleMode(console, mode); err != nil {
		return nil, err
	}
	restore := sync.OnceFunc(func() { _ = windows.SetConsoleMode(console, before) }) // it may be gone
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(ctx, restore)
	go func() {
		var typed [64]byte
		for {
			n, err := os.Stdin.Read(typed[:])
			if err != nil || ctx.Err() != nil {
				return
			}
			if n == 1 { // what is pasted is no key
				press(typed[0])
			}
		}
	}()
	return func() {
		cancel()
		restore()
	}, nil
}
