package journal

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestReplaceWhatIsOpen has a program that has the file open let go of it in a
// moment, or keep it.
func TestReplaceWhatIsOpen(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keeps bool
		want  string
	}{{"for a moment", false, "new"}, {"for long", true, "old"}} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "results.csv")
			put(t, filepath.Dir(path), "results.csv", "old")
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if tt.keeps {
				defer f.Close()
			} else {
				time.AfterFunc(50*time.Millisecond, func() { _ = f.Close() })
			}
			err = Replace(path, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err })
			if tt.keeps != (err != nil) || err != nil && !strings.Contains(err.Error(), "close it in the program that has it open") {
				t.Errorf("got %v", err)
			}
			if data, _ := os.ReadFile(path); string(data) != tt.want {
				t.Errorf("the file is %q", data)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				t.Errorf("left are %v", left)
			}
		})
	}
}
