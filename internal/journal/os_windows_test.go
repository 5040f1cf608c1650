package journal

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// A run's directory is its user's, the system's and the administrators' alone,
// whatever the directory above allows, and so are the files in it.
func TestRunDirIsPrivate(t *testing.T) {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		t.Skip("Wine keeps no access lists")
	}
	dir := filepath.Join(t.TempDir(), "runs", "x")
	run, err := Create(dir, Info{Sheet: "s.csv", StartedAt: testTime})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.Close() }() // the process ends anyway
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, InfoFileName)} {
		descriptor, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
		if err != nil {
			t.Fatal(err)
		}
		text := descriptor.String()
		if !strings.Contains(text, user.User.Sid.String()) {
			t.Errorf("%s: the user has no access: %s", path, text)
		}
		for _, others := range []string{";WD)", ";BU)", ";AU)", ";IU)"} { // everyone, users, signed in, at the console
			if strings.Contains(text, others) {
				t.Errorf("%s: others have access: %s", path, text)
			}
		}
	}
}
