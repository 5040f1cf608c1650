package job

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealPathInAnotherCase spells one file in two ways.
func TestRealPathInAnotherCase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Data", "Sessions.csv")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	one, other := realPath(path), realPath(strings.ToUpper(path))
	if one != other {
		t.Errorf("%s is not %s", one, other)
	}
	if a, b := lockName("h", "path", one), lockName("h", "path", other); a != b {
		t.Errorf("the locks are %s and %s", a, b)
	}
}
