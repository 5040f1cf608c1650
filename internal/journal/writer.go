package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

const (
	usualSyncEvery = 100 * time.Millisecond

	// maxPending bounds what waits to be written, in bytes: more blocks those
	// who append.
	maxPending = 4 << 20
)

// ErrClosed is returned for a record that comes after Close.
var ErrClosed = errors.New("the journal is closed")

// Options of a Writer.
type Options struct {
	// Written is called for each record once the write that held it has
	// succeeded, in the order of the file, by one goroutine. It must be quick
	// and must not call the Writer.
	Written func(Record)

	syncEvery time.Duration // how long a record may stay unsynced; 0 is the usual time
}

// file is what a Writer needs of an *os.File.
type file interface {
	io.WriteCloser
	Sync() error
}

// Writer appends records to a journal. Its methods may be called from many
// goroutines; records of one goroutine keep their order. After a failed write
// or sync nothing more is written, and every method returns that error.
//
// Three ways to hand in a record promise ever more: Append that it is queued,
// Write that it survives the death of the process, Commit that it survives a
// power cut.
type Writer struct {
	f     file
	o     Options
	ended sync.WaitGroup
	close sync.Once

	// Each holds at most one token, and is sent to with mu held.
	work     chan struct{}  // there are bytes to write
	unsynced chan time.Time // since when there are bytes to sync
	urgent   chan struct{}  // a commit waits for the sync

	mu       sync.Mutex
	progress sync.Cond // callers wait for what is written and synced

	out     encoder  // of whole lines not yet given to the file
	recs    []Record // those among them that Written gets
	commits bool     // one of them waits for its sync

	queued, written, synced int64 // bytes since the writer was opened

	err    error
	closed bool
}

func newWriter(f file, o Options) *Writer {
	o.syncEvery = cmp.Or(o.syncEvery, usualSyncEvery)
	w := &Writer{f: f, o: o, work: make(chan struct{}, 1), unsynced: make(chan time.Time, 1), urgent: make(chan struct{}, 1)}
	w.progress.L = &w.mu
	w.ended.Go(w.writeLoop)
	w.ended.Go(w.syncLoop)
	return w
}

// Append queues r and returns at once, unless several MiB are waiting to be
// written.
func (w *Writer) Append(r Record) error { return w.add(r, nil) }

// Write returns once r, and all that was appended before it, is in the file:
// the process may be killed then. No record is synced for its sake.
func (w *Writer) Write(r Record) error { return w.add(r, &w.written) }

// Commit returns once r, and all that was appended before it, is synced to the
// disk. Commits that come at the same time share one sync.
func (w *Writer) Commit(r Record) error { return w.add(r, &w.synced) }

// Flush returns once all that was appended is in the file and Written was
// called for it.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.await(&w.written)
}

// Err is the first failed write or sync, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close writes and syncs what is queued and closes the file. It returns the
// error that stopped the writer, if one did. Further calls do nothing.
func (w *Writer) Close() error {
	w.close.Do(func() {
		w.mu.Lock()
		w.closed = true
		close(w.work)
		w.progress.Broadcast()
		w.mu.Unlock()
		w.ended.Wait()
		err := w.f.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil {
			w.fail(err)
		}
	})
	return w.Err()
}

// add encodes r into the queue and waits until it is done, which is written or
// synced, or not at all. Encoding under the lock costs less than handing a
// buffer over.
func (w *Writer) add(r Record, done *int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && !w.closed && len(w.out.b) >= maxPending {
		w.progress.Wait()
	}
	if err := w.push(r); err != nil || done == nil {
		return err
	}
	return w.await(done)
}

// push appends r to the queue; w.mu is held.
func (w *Writer) push(r Record) error {
	if w.err != nil {
		return w.err
	}
	if w.closed {
		return ErrClosed
	}
	before := len(w.out.b)
	if err := w.out.line(r); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	w.queued += int64(len(w.out.b) - before)
	if w.o.Written != nil {
		w.recs = append(w.recs, r)
	}
	if before == 0 {
		w.work <- struct{}{}
	}
	return nil
}

// await waits until what is queued by now is done, which is written or synced;
// w.mu is held.
func (w *Writer) await(done *int64) error {
	w.commits = w.commits || done == &w.synced
	for end := w.queued; w.err == nil && *done < end; {
		w.progress.Wait()
	}
	return w.err
}

// writeLoop gives the queue to the file, all that waits in one Write: the line
// break at its end is the mark that a record counts. It is the only goroutine
// that writes.
func (w *Writer) writeLoop() {
	defer close(w.unsynced)
	defer close(w.urgent)
	var buf []byte
	var recs []Record
	for range w.work {
		// Others who are about to append get in before the system call.
		runtime.Gosched()
		w.mu.Lock()
		buf, w.out.b = w.out.b, buf[:0]
		recs, w.recs = w.recs, recs[:0]
		commits, err := w.commits, w.err
		w.commits = false
		if len(buf) >= maxPending {
			w.progress.Broadcast() // to those who wait for room
		}
		w.mu.Unlock()
		if err != nil || !w.writeGroup(buf, recs, commits) {
			return
		}
		clear(recs)
		if cap(buf) > 4*maxPending {
			buf = nil
		}
	}
}

// writeGroup writes buf, reports recs and has the sync done: at once if commits
// wait for it. It reports whether the writer may go on.
func (w *Writer) writeGroup(buf []byte, recs []Record, commits bool) bool {
	n, err := w.f.Write(buf)
	if err == nil && n < len(buf) {
		err = io.ErrShortWrite
	}
	if err == nil {
		for _, r := range recs {
			w.o.Written(r)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		// What part of the group is in the file is not known: a further
		// write would leave a broken line in the middle.
		w.fail(err)
		return false
	}
	w.written += int64(n)
	w.progress.Broadcast()
	if len(w.unsynced) == 0 {
		w.unsynced <- time.Now()
	}
	if commits && len(w.urgent) == 0 {
		w.urgent <- struct{}{}
	}
	return true
}

// syncLoop syncs what was written, in a goroutine of its own so that writing
// goes on during a slow sync.
func (w *Writer) syncLoop() {
	for since := range w.unsynced {
		select {
		case <-w.urgent:
		case <-time.After(time.Until(since.Add(w.o.syncEvery))):
		}
		if !w.sync() {
			return
		}
	}
}

// sync syncs what was written so far. It reports whether the writer may go on.
func (w *Writer) sync() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false
	}
	target := w.written
	for len(w.unsynced) > 0 {
		<-w.unsynced
	}
	for len(w.urgent) > 0 {
		<-w.urgent
	}
	w.mu.Unlock()
	err := w.f.Sync()
	w.mu.Lock()
	if err != nil {
		// The system may have dropped the pages and forgotten the error:
		// a second sync would succeed and prove nothing.
		w.fail(err)
		return false
	}
	w.synced = target
	w.progress.Broadcast()
	return true
}

// fail stops the writer for good; w.mu is held.
func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = fmt.Errorf("journal: %w", err)
		w.progress.Broadcast()
	}
}
