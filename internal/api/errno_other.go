//go:build !windows

package api

import "syscall"

// What the system says of a connection that cannot be made or broke.
const (
	connRefused     = syscall.ECONNREFUSED
	connReset       = syscall.ECONNRESET
	connAborted     = syscall.EPIPE
	netUnreachable  = syscall.ENETUNREACH
	hostUnreachable = syscall.EHOSTUNREACH
)
