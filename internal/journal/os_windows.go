package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// There is no such flag; openFile looks before it opens.
const noFollow = 0

// syncDir does nothing: a directory cannot be synced here.
func syncDir(string) error { return nil }

// busyFor is how long a file that another program has open is waited for, at
// least: one that scans or indexes what was written lets go of it in a moment.
const busyFor = time.Second

// rename has from take the place of to, which no program may have open here.
func rename(from, to string) error {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		info, missing := os.Lstat(to)
		busy := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if !busy || missing != nil || !info.Mode().IsRegular() {
			return err
		}
		if wait >= busyFor {
			return fmt.Errorf("%s cannot be replaced; close it in the program that has it open, such as Excel: %w", to, errors.Unwrap(err))
		}
		time.Sleep(wait)
	}
}

// openScratch opens a file that the system removes with its last handle.
func openScratch(dir string) (*os.File, error) {
	path := filepath.Join(dir, fmt.Sprintf(".nermbulk-%d", rand.Uint64()))
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|windows.FILE_FLAG_DELETE_ON_CLOSE, 0o600)
}

// restrict closes a directory, and what will be made in it, to all but this
// user, the system and its administrators. It inherits nothing any more.
func restrict(dir string) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	// Full access for each, inherited by files and directories.
	descriptor, err := windows.SecurityDescriptorFromString(
		fmt.Sprintf("D:PAI(A;OICI;FA;;;%s)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", user.User.Sid))
	if err != nil {
		return err
	}
	list, _, err := descriptor.DACL()
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil)
}
