package cli

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// watchKeys implements Streams.Keys. A read of the console cannot be called off:
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
