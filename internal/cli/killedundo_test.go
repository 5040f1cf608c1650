package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestUndoOfAKilledRun kills a run that compares, over and over, with a tenant
// that applies and does not answer every so often: what the run has changed,
// and only that, comes back.
func TestUndoOfAKilledRun(t *testing.T) {
	t.Parallel()
	const rows = 400
	h, _ := drifted(t, rows, 0, 2)
	records := [][]string{{"id", "status", "attributes.notes", "attributes.gone"}}
	for i := range rows {
		records = append(records, []string{idOf(i), "completed", fmt.Sprint("new", i), "<clear>"})
	}
	var n atomic.Int32
	var calm atomic.Bool
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(3 * time.Millisecond)
		if calm.Load() || r.Method != http.MethodPatch || n.Add(1)%7 != 0 {
			h.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	tr := &trip{t, t.TempDir(), answering(t, front)}
	write(t, filepath.Join(tr.dir, "sheet.csv"), csvOf(t, records))
	before := h.state()
	kills := 0
	args := []string{"run", "sheet.csv", "--base-url", tr.base, "--yes", "--quiet", "--rate", "0", "--workers", "3", "--timeout", "1s",
		"--max-attempts", "1", "--max-failures", "0", "--compare", "--resume", "--run-dir", "r"}
	for kills < 8 && !doomed(t, tr.dir, time.Duration(150+20*kills)*time.Millisecond, args...) {
		kills++
	}
	failed := tr.runs("sheet.csv", "r", "--compare", "--resume", "--max-attempts", "1", "--max-failures", "0")
	statuses := map[string]int{}
	for _, row := range tr.table("r/results.csv").rows {
		statuses[row["result.status"]]++
	}
	t.Logf("%d kills, exit code %d, %v", kills, failed.code, statuses)
	if statuses["unchanged"] > 0 || statuses["updated"]+statuses["failed"] != rows {
		t.Errorf("every row was changed by the run: %v", statuses)
	}
	calm.Store(true)
	tr.run(0, "r/undo.csv", "undo")
	sameState(t, h.state(), before)
}

// runs is run for whatever exit code.
func (tr *trip) runs(sheet, run string, args ...string) output {
	tr.t.Helper()
	args = append([]string{"run", sheet, "--yes", "--rate", "0", "--base-url", tr.base, "--run-dir", run}, args...)
	return nermbulk(tr.t, tr.dir, []string{"NERM_TOKEN=x"}, args...)
}
