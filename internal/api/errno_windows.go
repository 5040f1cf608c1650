package api

import "golang.org/x/sys/windows"

// What the system says of a connection that cannot be made or broke: errors of
// WinSock, which package syscall's of the same meaning are not.
const (
	connRefused     = windows.WSAECONNREFUSED
	connReset       = windows.WSAECONNRESET
	connAborted     = windows.WSAECONNABORTED
	netUnreachable  = windows.WSAENETUNREACH
	hostUnreachable = windows.WSAEHOSTUNREACH
)
