//go:build unix

package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFewOpenFiles runs with many workers where few files may be open: there
// are fewer workers then, or nothing is sent.
func TestFewOpenFiles(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * time.Millisecond) // so that every worker has a request in flight
		session(w, path.Base(r.URL.Path), "completed")
	}))
	t.Cleanup(server.Close)
	for _, test := range []struct {
		name, limit, to string
		code            int
		want            string
	}{
		{"40", "-n 40", "--base-url " + server.URL + "/api", 0, "16 workers instead of 64: this process may have only 40 files open at a time (ulimit -n)"},
		{"40, with the tenant inside", "-n 40", "--sandbox", 0, "8 workers instead of 64"},
		{"a soft limit that can be raised", "-S -n 40", "--base-url " + server.URL + "/api", 0, ""},
		{"none left", "-n 20", "--base-url " + server.URL + "/api", 2, "only 20 files open at a time, too few to send anything: raise the limit, as with ulimit -n 256"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "sheet.csv"), manyRows(400))
			command := fmt.Sprintf("ulimit %s && exec nermbulk run sheet.csv --yes --rate 0 --workers 64 --run-dir r %s", test.limit, test.to)
			cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
			cmd.Dir, cmd.Env = dir, []string{"NERM_TOKEN=x", "GORACE=" + noPause, "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
			said, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || codeOf(cmd.ProcessState) != test.code {
				t.Fatalf("%v\n%s", err, said)
			}
			if !strings.Contains(string(said), test.want) || strings.Contains(string(said), "cannot be reached") || test.want == "" && strings.Contains(string(said), "workers instead") {
				t.Errorf("%s", said)
			}
		})
	}
}
