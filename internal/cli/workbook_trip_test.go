package cli_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xuri/excelize/v2"
)

// touchy is what spreadsheet programs like to change.
var touchy = []string{
	"007", "1E5", "12345678901234567890", "=1+1", "-5", "+49 30", "@x", "'x", "'=x", "TRUE", "1,5", "1.10", "01/02/2027", "2027-01-02",
	"one\ntwo\n\nfour", `say "hi"; a,b|c`, "Žürich äöüß", "😀 e\u0301", "_x0041_", "<b>&amp;</b>", "5 %", "'=\"x\"",
}

// exactTenant keeps the bodies that it gets as they are, and holds the texts of
// one attribute. It refuses the sessions that are on its list.
type exactTenant struct {
	mu      sync.Mutex
	bodies  map[string]string // the last one of each session
	held    map[string]string // what is in attributes.text
	refused map[string]bool
}

func (h *exactTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/workflow_sessions"), "/")
	body, _ := io.ReadAll(r.Body) // one that is cut off is not equal to any
	w.Header().Set("Content-Type", "application/json")
	session := func(id string) map[string]any {
		return map[string]any{"id": id, "uid": "u-" + id, "status": "new", "attributes": map[string]string{"text": h.held[id]}}
	}
	switch {
	case r.Method == http.MethodPatch && h.refused[id]:
		h.bodies[id] = string(body)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"errors":{"text":["is not to the tenant's liking"]}}`) // a client that left is the test's to see
		return
	case r.Method == http.MethodPatch:
		h.bodies[id] = string(body)
	case id == "":
		list := []any{}
		if r.URL.Query().Get("offset") == "0" || r.URL.Query().Get("offset") == "" {
			for _, id := range slices.Sorted(maps.Keys(h.held)) {
				list = append(list, session(id))
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"workflow_sessions": list, "_metadata": map[string]any{"total": len(h.held)}})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"workflow_session": session(id)})
}

// sent returns the bodies that came since it was called last.
func (h *exactTenant) sent() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	sent := h.bodies
	h.bodies = map[string]string{}
	return sent
}

// accept makes it refuse nothing from now on.
func (h *exactTenant) accept() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.refused)
}

// TestWorkbooksThroughLibreOffice has a spreadsheet program open and save the
// workbooks that the tool writes: sent again, the bodies are equal to the byte.
func TestWorkbooksThroughLibreOffice(t *testing.T) {
	t.Parallel()
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed")
	}
	h := &exactTenant{bodies: map[string]string{}, held: map[string]string{}, refused: map[string]bool{}}
	dir, base := t.TempDir(), answering(t, h)
	tool := func(code int, args ...string) {
		t.Helper()
		env := []string{"NERM_TOKEN=t0ken", "NERMBULK_YES=1", "NERMBULK_RATE=0"}
		if args[0] == "run" || args[0] == "export" {
			args = append(args, "--base-url", base)
		}
		if out := nermbulk(t, dir, env, args...); out.code != code {
			t.Fatalf("%v ended with %d, not %d:\n%s", args, out.code, code, out.stderr)
		}
	}
	records := [][]string{{"id", "status", "attributes.text"}}
	plain := [][]string{{"id", "attributes.text"}}
	for i, text := range touchy {
		records = append(records, []string{idOf(i + 1), "Closed", text})
		plain = append(plain, []string{idOf(i + 1), "plain"})
		h.refused[idOf(i+1)] = i%3 > 0
		h.held[idOf(i+1)] = text
	}
	write(t, filepath.Join(dir, "sheet.csv"), csvOf(t, records))
	write(t, filepath.Join(dir, "plain.csv"), csvOf(t, plain))

	// Each workbook, and what is sent for the CSV of the same.
	want := map[string]map[string]string{}
	tool(1, "run", "sheet.csv", "--run-dir", "r", "--results", "both")
	want["r/results.xlsx"] = h.sent()
	want["r/failed.xlsx"] = maps.Clone(want["r/results.xlsx"])
	maps.DeleteFunc(want["r/failed.xlsx"], func(id, _ string) bool { return !h.refused[id] })
	fillTemplate(t, func(path string) { tool(0, "template", "-o", path, "--attribute", "text") }, filepath.Join(dir, "template.xlsx"), records)
	want["template.xlsx"] = want["r/results.xlsx"]
	tool(0, "check", "sheet.csv", "--mark", "marked.xlsx")
	want["marked.xlsx"] = want["r/results.xlsx"]
	h.accept()
	tool(0, "export", "-o", "export.csv")
	tool(0, "export", "-o", "export.xlsx")
	tool(0, "run", "export.csv", "--run-dir", "e")
	want["export.xlsx"] = h.sent()
	tool(0, "run", "plain.csv", "--run-dir", "u", "--compare", "--results", "both")
	h.sent()
	tool(0, "run", "u/undo.csv", "--run-dir", "undone")
	want["u/undo.xlsx"] = h.sent()

	args := []string{"-env:UserInstallation=file://" + filepath.ToSlash(dir) + "/profile", "--headless", "--convert-to", "xlsx", "--outdir", filepath.Join(dir, "saved")}
	for path := range want {
		args = append(args, filepath.Join(dir, path))
	}
	if out, err := exec.CommandContext(t.Context(), office, args...).CombinedOutput(); err != nil {
		t.Fatalf("LibreOffice: %v\n%s", err, out)
	}
	for path, want := range want {
		if len(want) == 0 {
			t.Errorf("%s: nothing was sent for the CSV", path)
		}
		// In its run's directory it is also held against what was written.
		if err := os.Rename(filepath.Join(dir, "saved", filepath.Base(path)), filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
		tool(0, "check", path)
		tool(0, "run", path, "--run-dir", "again-"+filepath.Base(path))
		got := h.sent()
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if got[id] != want[id] {
				t.Errorf("%s: for %s it sent\n%s\nnot\n%s", path, id, got[id], want[id])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d sessions were written, not %d", path, len(got), len(want))
		}
	}
}

// fillTemplate fills a template in, as it is, with the records' cells in the
// columns of their headers.
func fillTemplate(t *testing.T, make func(path string), path string, records [][]string) {
	t.Helper()
	make(path)
	f := openWorkbook(t, path)
	rows, err := f.GetRows("Sessions")
	if err != nil {
		t.Fatal(err)
	}
	for r, record := range records[1:] {
		for i, text := range record {
			cell, err := excelize.CoordinatesToCellName(slices.Index(rows[0], records[0][i])+1, r+2)
			if records[0][i] == "status" {
				text = strings.ToLower(text) // as the list has it
			}
			if text == "_x0041_" {
				text = "_x005F_x0041_" // as the format has it
			}
			if err := errors.Join(err, f.SetCellStr("Sessions", cell, text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
}
