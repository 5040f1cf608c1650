//go:build !unix

package cli

import "os"

// watchStateAsked is nil: there is no SIGUSR1 here.
var watchStateAsked func() (asked <-chan os.Signal, stop func())
