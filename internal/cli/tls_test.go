package cli_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestPrivateRoot sends to a tenant whose certificate no public authority has
// signed: it is trusted with --ca-file, and not otherwise.
func TestPrivateRoot(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		session(w, idOf(1), "completed")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the test's purpose
	server.StartTLS()
	defer server.Close()
	root := filepath.Join(t.TempDir(), "root.pem")
	write(t, root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))

	results, s := runSheet(t, 3, server.URL+"/api", fmt.Sprintf(oneRow, "true"), []string{"NERM_TOKEN=x"}, "--outage-wait", "50ms")
	if row := results.rows[0]; row["result.status"] != "pending" || requests.Load() != 0 {
		t.Errorf("%d requests reached a server that is not trusted; the row is %v", requests.Load(), row)
	}
	if !strings.Contains(s.stderr, "certificate") || !strings.Contains(s.stderr, "--ca-file") {
		t.Errorf("neither the certificate nor the remedy is printed:\n%s", s.stderr)
	}
	results, _ = runSheet(t, 0, server.URL+"/api", fmt.Sprintf(oneRow, "true"), []string{"NERM_TOKEN=x"}, "--ca-file", root)
	if row := results.rows[0]; row["result.status"] != "updated" || requests.Load() != 1 {
		t.Errorf("%d requests; the row is %v", requests.Load(), row)
	}
}
