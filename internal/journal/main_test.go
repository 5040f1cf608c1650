package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// killDir, when set, makes the test binary the child of TestKill.
const killDir = "JOURNAL_TEST_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := appendUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var testTime = time.Date(2026, 3, 2, 21, 0, 1, 250e6, time.UTC)

func intent(row int, run bool) Intent {
	return Intent{At: testTime, Row: row, ID: fmt.Sprintf("id-%d", row), Hash: uint64(row) * 7, Run: run}
}

func outcome(row int, status Status) Outcome {
	return Outcome{At: testTime, Row: row, ID: fmt.Sprintf("id-%d", row), Hash: uint64(row) * 7,
		Status: status, HTTPStatus: 200, Attempts: 1, Duration: 187 * time.Millisecond}
}

func withdrawn(row int) Withdrawn {
	return Withdrawn{At: testTime, Row: row, ID: fmt.Sprintf("id-%d", row)}
}

func start(sheet string) Start {
	return Start{At: testTime, Version: "1.0.0", Host: "acme.example", Sheet: sheet, SHA256: "00ff", SheetFile: "sheet.csv", Rows: 20}
}

// lines encodes records as a journal would hold them.
func lines(t testing.TB, records ...Record) []byte {
	t.Helper()
	var e encoder
	for _, r := range records {
		if err := e.line(r); err != nil {
			t.Fatal(err)
		}
	}
	return e.b
}

// edition is the start of an edited sheet, to which so many rows have moved.
func edition(n, matched int) Start {
	s := start(fmt.Sprint("edition ", n))
	s.Edition, s.Matched = n, matched
	return s
}

// writeJournal makes a directory that holds a journal of these bytes.
func writeJournal(t testing.TB, data []byte) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, FileName)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func load(t testing.TB, dir string) *Replay {
	t.Helper()
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func openWriter(t testing.TB, dir string) *Writer {
	t.Helper()
	w, err := OpenWriter(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}
