//go:build !unix

package cli

import "os"

// watchStateAsked never passes anything on: there is no SIGUSR1 here.
func watchStateAsked() (asked <-chan os.Signal, stop func()) { return nil, func() {} }
