package journal

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestFailures(t *testing.T) {
	errLost := errors.New("the disk is gone")
	line := len(lines(t, outcome(1, Updated)))
	tests := []struct {
		name string
		file *fakeFile
		want error
		data int // bytes in the file afterwards
	}{
		{"full disk at once", &fakeFile{room: 0}, syscall.ENOSPC, 0},
		{"full disk within a line", &fakeFile{room: line + 10}, syscall.ENOSPC, line + 10},
		{"full disk at a line's end", &fakeFile{room: 2 * line}, syscall.ENOSPC, 2 * line},
		{"short write without an error", &fakeFile{room: line + 10, short: true}, errors.New("short write"), line + 10},
		{"failed sync", &fakeFile{room: -1, syncErr: errLost}, errLost, line},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.file
			reported := 0
			w := newWriter(f, Options{Written: func(Record) { reported++ }})
			var err error
			for range 10 {
				if err = w.Commit(outcome(1, Updated)); err != nil {
					break
				}
			}
			if !errors.Is(err, tt.want) && (err == nil || err.Error() != "journal: "+tt.want.Error()) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			writes := f.writes
			calls := map[string]error{
				"Append": w.Append(outcome(2, Updated)), "Write": w.Write(outcome(2, Updated)),
				"Commit": w.Commit(outcome(2, Updated)), "Flush": w.Flush(), "Err": w.Err(), "Close": w.Close(),
			}
			for call, got := range calls {
				if !errors.Is(got, err) {
					t.Errorf("%s gives %v, want %v", call, got, err)
				}
			}
			if f.writes != writes || len(f.data) != tt.data {
				t.Errorf("%d writes after the failure, %d bytes in the file, want %d", f.writes-writes, len(f.data), tt.data)
			}
			if whole := len(f.data) / line; reported > whole {
				t.Errorf("Written got %d records, %d are in the file", reported, whole)
			}
			if !f.closed {
				t.Error("the file is open")
			}
		})
	}
}

// A failure must free those who wait, whatever they wait for.
func TestFailureWakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFile()
		f.gate, f.room = make(chan struct{}), 0
		w := newWriter(f, Options{})
		errs := make(chan error, 12)
		big := Before{Row: 1, Session: bytes.Repeat([]byte("x"), maxPending)}
		for range 3 {
			go func() { errs <- w.Commit(intent(1, true)) }()
			go func() { errs <- w.Write(intent(1, true)) }()
			go func() { errs <- w.Write(big) }()
			go func() { errs <- w.Flush() }()
		}
		synctest.Wait()
		close(f.gate)
		for range cap(errs) {
			if err := <-errs; err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("got %v", err)
			}
		}
		if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("close gives %v", err)
		}
	})
}
