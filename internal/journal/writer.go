package journal

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	defaultSyncEvery = 100 * time.Millisecond

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
	// and must not call the Writer. A rebase's records are left out.
	Written func(Record)
	// SyncEvery is how long a record may stay unsynced; 100 ms by default.
	SyncEvery time.Duration
}

// file is what a Writer needs of an *os.File.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// Writer appends records to a journal. Its methods may be called from many
// goroutines; records of one goroutine keep their order. After a failed write
// or sync nothing more is written, and every method returns that error.
//
// Three ways to hand in a record promise ever more: Append that it is queued,
// Write that it survives the death of the process, Commit that it survives a
// power cut.
type Writer struct {
	f file
	o Options

	failed chan struct{}
	ended  sync.WaitGroup
	close  sync.Once

	mu       sync.Mutex
	toWrite  sync.Cond // the writing goroutine waits for bytes
	toSync   sync.Cond // the syncing goroutine waits for its turn
	progress sync.Cond // callers wait for what those two do
	timer    *time.Timer

	out  encoder  // of whole lines not yet given to the file
	recs []Record // those among them that Written is told

	// Positions in bytes since the writer was opened. Commits wait for the
	// bytes up to wantLow … wantHigh.
	queued, written, synced int64
	wantLow, wantHigh       int64

	err      error
	due      bool // the oldest unsynced byte is SyncEvery old
	ticking  bool // timer runs
	closed   bool
	drained  bool // nothing more will be written
	rebasing bool
}

func newWriter(f file, o Options) *Writer {
	if o.SyncEvery <= 0 {
		o.SyncEvery = defaultSyncEvery
	}
	w := &Writer{f: f, o: o, failed: make(chan struct{})}
	w.toWrite.L, w.toSync.L, w.progress.L = &w.mu, &w.mu, &w.mu
	w.timer = time.AfterFunc(time.Hour, w.syncIsDue)
	w.timer.Stop()
	w.ended.Add(2)
	go w.writeLoop()
	go w.syncLoop()
	return w
}

// Append queues r and returns at once, unless several MiB are waiting to be
// written.
func (w *Writer) Append(r Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.enqueue(r)
}

// Write returns once r, and all that was appended before it, is in the file:
// the process may be killed then. No record is synced for its sake.
func (w *Writer) Write(r Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.enqueue(r); err != nil {
		return err
	}
	return w.awaitWritten(w.queued)
}

// Commit returns once r, and all that was appended before it, is synced to the
// disk. Commits that come at the same time share one sync.
func (w *Writer) Commit(r Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.enqueue(r); err != nil {
		return err
	}
	return w.awaitSynced(w.queued)
}

// Flush returns once all that was appended is in the file and Written was
// called for it.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.awaitWritten(w.queued)
}

// Sync returns once all that was appended is synced to the disk.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.awaitSynced(w.queued)
}

// Err is the first failed write or sync, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Failed is closed at the first failed write or sync.
func (w *Writer) Failed() <-chan struct{} { return w.failed }

// Close writes and syncs what is queued and closes the file. It returns the
// error that stopped the writer, if one did. Further calls do nothing.
func (w *Writer) Close() error {
	w.mu.Lock()
	w.closed = true
	w.toWrite.Signal()
	w.progress.Broadcast()
	w.mu.Unlock()
	w.ended.Wait()
	w.close.Do(func() {
		w.timer.Stop()
		if err := w.f.Close(); err != nil {
			w.mu.Lock()
			w.fail(err)
			w.mu.Unlock()
		}
	})
	return w.Err()
}

// enqueue encodes r into the queue. Encoding under the lock costs less than
// handing a buffer over; w.mu is held.
func (w *Writer) enqueue(r Record) error {
	for w.err == nil && !w.closed && (w.rebasing || len(w.out.b) >= maxPending) {
		w.progress.Wait()
	}
	return w.push(r, false, w.o.Written != nil)
}

// push appends r to the queue, to tell Written of it or not; w.mu is held.
func (w *Writer) push(r Record, carried, tell bool) error {
	if w.err != nil {
		return w.err
	}
	if w.closed {
		return ErrClosed
	}
	before := len(w.out.b)
	if err := w.out.line(r, carried); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	w.queued += int64(len(w.out.b) - before)
	if tell {
		w.recs = append(w.recs, r)
	}
	if before == 0 {
		w.toWrite.Signal()
	}
	return nil
}

// awaitWritten waits until the bytes up to pos are in the file; w.mu is held.
func (w *Writer) awaitWritten(pos int64) error {
	for w.err == nil && w.written < pos {
		w.progress.Wait()
	}
	return w.err
}

// awaitSynced waits until the bytes up to pos are on the disk; w.mu is held.
func (w *Writer) awaitSynced(pos int64) error {
	w.wantHigh = max(w.wantHigh, pos)
	if w.wantLow <= w.synced {
		w.wantLow = pos
	}
	w.toSync.Signal()
	for w.err == nil && w.synced < pos {
		w.progress.Wait()
	}
	return w.err
}

// fail stops the writer for good; w.mu is held.
func (w *Writer) fail(err error) {
	if w.err != nil {
		return
	}
	w.err = fmt.Errorf("journal: %w", err)
	close(w.failed)
	w.toWrite.Signal()
	w.toSync.Signal()
	w.progress.Broadcast()
}
