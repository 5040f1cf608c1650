package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// There is no such flag; openFile looks before it opens.
const noFollow = 0

// syncDir does nothing: a directory cannot be synced here.
func syncDir(string) error { return nil }

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
