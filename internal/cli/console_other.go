//go:build !windows

package cli

// ownConsole is nil: no console is made for a program that is double-clicked.
var ownConsole func() bool
