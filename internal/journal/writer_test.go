package journal

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWrittenInOrderAfterTheWrite(t *testing.T) {
	f := newFakeFile()
	var reported []Record
	w := newWriter(f, Options{Written: func(r Record) {
		f.mu.Lock()
		defer f.mu.Unlock()
		line := lines(t, r)
		if !bytes.Contains(f.data, line) {
			t.Errorf("Written got row %d before it was written", r.(Outcome).Row)
		}
		reported = append(reported, r)
	}})
	for row := range 1000 {
		if err := w.Append(outcome(row, Updated)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	if len(reported) != 1000 {
		t.Fatalf("Written got %d records", len(reported))
	}
	for row, r := range reported {
		if r.(Outcome).Row != row {
			t.Fatalf("record %d is of row %d", row, r.(Outcome).Row)
		}
	}
	f.mu.Unlock()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !f.closed || f.synced != len(f.data) || !bytes.Equal(f.data[:len(lines(t, reported[0]))], lines(t, reported[0])) {
		t.Errorf("closed %v, %d of %d bytes synced", f.closed, f.synced, len(f.data))
	}
}

func TestSyncWhileGrowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFile()
		w := newWriter(f, Options{})
		begin := time.Now()
		for row := range 100 { // for a second
			if err := w.Append(outcome(row, Updated)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if written, synced := f.state(); synced != written {
			t.Errorf("%d of %d bytes synced", synced, written)
		}
		last := begin
		for _, at := range f.syncs {
			if gap := at.Sub(last); gap > 110*time.Millisecond {
				t.Errorf("%v without a sync", gap)
			}
			last = at
		}
		if n := len(f.syncs); n > 11 {
			t.Errorf("%d syncs in a second of records and an idle minute", n)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCommitDoesNotWaitForTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFile()
		f.slowSync = 5 * time.Millisecond
		w := newWriter(f, Options{syncEvery: time.Hour})
		defer w.Close()
		begin := time.Now()
		if err := w.Commit(intent(1, true)); err != nil {
			t.Fatal(err)
		}
		if elapsed := time.Since(begin); elapsed != 5*time.Millisecond {
			t.Errorf("a commit took %v, a sync 5ms", elapsed)
		}
		if err := w.Write(outcome(1, Updated)); err != nil {
			t.Fatal(err)
		}
		if written, synced := f.state(); written <= synced {
			t.Errorf("%d of %d bytes synced: a write must not sync", synced, written)
		}
		if err := w.Commit(outcome(1, Failed)); err != nil {
			t.Fatal(err)
		}
		if written, synced := f.state(); written != synced {
			t.Errorf("%d of %d bytes synced", synced, written)
		}
	})
}

func TestCommitsShareSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFile()
		f.slowSync = 10 * time.Millisecond
		w := newWriter(f, Options{syncEvery: time.Hour})
		begin := time.Now()
		var workers sync.WaitGroup
		for worker := range 64 {
			workers.Go(func() {
				for i := range 20 {
					r := intent(worker*100+i, true)
					if err := w.Commit(r); err != nil {
						t.Error(err)
						return
					}
					f.mu.Lock()
					if !bytes.Contains(f.data[:f.synced], lines(t, r)) {
						t.Errorf("row %d was committed and not synced", r.Row)
					}
					f.mu.Unlock()
				}
			})
		}
		workers.Wait()
		// 20 rounds, each of which may just miss a sync that is under way.
		if n := len(f.syncs); n > 42 {
			t.Errorf("%d syncs for 1280 commits", n)
		}
		if elapsed := time.Since(begin); elapsed > 420*time.Millisecond {
			t.Errorf("took %v", elapsed)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFullQueueBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFile()
		f.gate = make(chan struct{})
		w := newWriter(f, Options{})
		big := Before{Row: 1, Session: bytes.Repeat([]byte("x"), maxPending/4)}
		appended := 0
		go func() {
			for range 20 {
				if err := w.Append(big); err != nil {
					t.Error(err)
				}
				appended++
			}
		}()
		synctest.Wait()
		if appended > 10 { // one queue in the hanging write, one waiting
			t.Errorf("%d records of 1 MiB queued while the file hangs", appended)
		}
		close(f.gate)
		synctest.Wait()
		if appended != 20 {
			t.Errorf("%d of 20 records appended", appended)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestClose(t *testing.T) {
	f := newFakeFile()
	w := newWriter(f, Options{syncEvery: time.Hour})
	var workers sync.WaitGroup
	accepted := make([]int, 8)
	for i := range accepted {
		workers.Go(func() {
			for w.Append(outcome(i, Updated)) == nil {
				accepted[i]++
			}
		})
	}
	for {
		if written, _ := f.state(); written > 10_000 {
			break
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	workers.Wait()
	total := 0
	for _, n := range accepted {
		total += n
	}
	if got := bytes.Count(f.data, []byte{'\n'}); got != total || f.synced != len(f.data) {
		t.Errorf("%d records accepted, %d written; %d of %d bytes synced", total, got, f.synced, len(f.data))
	}
	if err := w.Append(outcome(1, Updated)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close gives %v", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("second close gives %v", err)
	}
}

func TestManyGoroutines(t *testing.T) {
	dir := t.TempDir()
	w, err := CreateWriter(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const workers, rows = 16, 200
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range rows {
				row := i*workers + worker
				hand := []func(Record) error{w.Append, w.Write, w.Commit}[row%3]
				if err := errors.Join(hand(intent(row, row%3 == 2)), w.Append(outcome(row, Updated))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := load(t, dir)
	if got := r.Counts()[Updated]; got != workers*rows {
		t.Errorf("%d outcomes", got)
	}
	for row := range workers * rows {
		if _, flying := r.Entry(row).InFlight(); flying {
			t.Errorf("row %d: its intent stands after its outcome", row)
		}
	}
}
