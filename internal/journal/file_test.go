package journal

import (
	"sync"
	"syscall"
	"time"
)

// fakeFile keeps what is written in memory and fails where a test wants it to.
type fakeFile struct {
	mu       sync.Mutex
	data     []byte
	writes   int
	syncs    []time.Time
	synced   int           // bytes that the last sync covered
	room     int           // bytes that fit; -1 is no bound
	short    bool          // a full disk takes part of a write without an error
	syncErr  error         // of every sync
	slowSync time.Duration // how long a sync takes
	gate     chan struct{} // when set, each write waits for it
	closed   bool
}

func newFakeFile() *fakeFile { return &fakeFile{room: -1} }

func (f *fakeFile) Write(b []byte) (int, error) {
	if f.gate != nil {
		<-f.gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.room >= 0 && len(b) > f.room {
		n := f.room
		f.data = append(f.data, b[:n]...)
		f.room = 0
		if f.short {
			return n, nil
		}
		return n, syscall.ENOSPC
	}
	if f.room >= 0 {
		f.room -= len(b)
	}
	f.data = append(f.data, b...)
	return len(b), nil
}

func (f *fakeFile) Sync() error {
	f.mu.Lock()
	n := len(f.data)
	f.mu.Unlock()
	time.Sleep(f.slowSync)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.syncErr != nil {
		return f.syncErr
	}
	f.syncs = append(f.syncs, time.Now())
	f.synced = n
	return nil
}

func (f *fakeFile) Close() error {
	f.closed = true
	return nil
}

// state is the number of bytes in the file and of those synced.
func (f *fakeFile) state() (written, synced int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.data), f.synced
}
