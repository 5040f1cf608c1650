package cli

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// ownConsole asks how many processes share the console: of one that a shell was
// in before, the shell is one more.
func ownConsole() bool {
	var ids [2]uint32
	list := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList")
	n, _, _ := list.Call(uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids)))
	return n == 1
}
