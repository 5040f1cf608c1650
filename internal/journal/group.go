package journal

import (
	"io"
	"runtime"
)

// writeLoop gives the queue to the file, all that waits in one Write: the line
// break at its end is the mark that a record counts. It is the only goroutine
// that writes.
func (w *Writer) writeLoop() {
	defer w.ended.Done()
	var buf []byte
	var recs []Record
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.awaitWork() {
		// Others who are about to append get in before the system call.
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
		buf, w.out.b = w.out.b, buf[:0]
		recs, w.recs = w.recs, recs[:0]
		if len(buf) >= maxPending {
			w.progress.Broadcast() // to those who wait for room
		}
		w.mu.Unlock()
		err := w.writeGroup(buf, recs)
		w.mu.Lock()
		if err != nil {
			// What part of the group is in the file is not known: a further
			// write would leave a broken line in the middle.
			w.fail(err)
			break
		}
		w.written += int64(len(buf))
		w.progress.Broadcast()
		w.wakeSync()
		clear(recs)
		if cap(buf) > 4*maxPending {
			buf = nil
		}
	}
	w.drained = true
	w.toSync.Signal()
}

// awaitWork waits for bytes to write. It reports false when there will be no
// more; w.mu is held.
func (w *Writer) awaitWork() bool {
	for len(w.out.b) == 0 && !w.closed && w.err == nil {
		w.toWrite.Wait()
	}
	return len(w.out.b) > 0 && w.err == nil
}

func (w *Writer) writeGroup(buf []byte, recs []Record) error {
	n, err := w.f.Write(buf)
	if err == nil && n < len(buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return err
	}
	for _, r := range recs {
		w.o.Written(r)
	}
	return nil
}

// wakeSync starts the clock of what was just written, and the sync itself if a
// commit waits for it; w.mu is held.
func (w *Writer) wakeSync() {
	if !w.ticking {
		w.ticking = true
		w.timer.Reset(w.o.SyncEvery)
	}
	if w.commitWritten() {
		w.toSync.Signal()
	}
}

// commitWritten tells whether a commit waits for bytes that can be synced now;
// w.mu is held.
func (w *Writer) commitWritten() bool {
	return w.wantLow > w.synced && w.written >= w.wantLow
}

func (w *Writer) syncIsDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = true
	w.toSync.Signal()
}

// syncLoop syncs what was written, in a goroutine of its own so that writing
// goes on during a slow sync.
func (w *Writer) syncLoop() {
	defer w.ended.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.awaitSyncTurn() {
		target := w.written
		w.due, w.ticking = false, false
		w.timer.Stop()
		w.mu.Unlock()
		err := w.f.Sync()
		w.mu.Lock()
		if err != nil {
			// The system may have dropped the pages and forgotten the error:
			// a second sync would succeed and prove nothing.
			w.fail(err)
			return
		}
		w.synced = target
		if w.wantLow <= w.synced {
			w.wantLow = w.wantHigh
		}
		w.progress.Broadcast()
	}
}

// awaitSyncTurn waits until something is to be synced. It reports false when
// there will be no more; w.mu is held.
func (w *Writer) awaitSyncTurn() bool {
	for w.err == nil {
		unsynced := w.written > w.synced
		switch {
		case unsynced && (w.due || w.drained || w.commitWritten()):
			return true
		case !unsynced && w.drained:
			return false
		}
		w.toSync.Wait()
	}
	return false
}
