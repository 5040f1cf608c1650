package journal

import (
	"testing"
	"time"
)

// TestLoadWhileWritten reads the journal of a run that goes on, as a resume of
// another one does: what is appended meanwhile is no damage.
func TestLoadWhileWritten(t *testing.T) {
	const rows = 60_000
	dir := t.TempDir()
	w, err := CreateWriter(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() {
		var err error
		for row := 2; row < rows && err == nil; row++ {
			err = w.Write(Outcome{At: time.Unix(1, 0), Row: row, ID: "x", Status: Updated})
		}
		wrote <- err
	}()
	for going := true; going; {
		select {
		case err := <-wrote:
			if going = false; err != nil {
				t.Error(err)
			}
		default:
		}
		replay, err := Load(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := replay.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
