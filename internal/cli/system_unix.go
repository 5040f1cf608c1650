//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// ownConsole is false: no console is made for a program that is double-clicked.
func ownConsole() bool { return false }

// showColors is true: terminals take escape sequences without being asked.
func showColors() bool { return true }

// watchStateAsked passes on each SIGUSR1, which asks how far a run has come,
// until stop. One that nobody was there for yet waits.
func watchStateAsked() (asked <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	return signals, func() { signal.Stop(signals) }
}
