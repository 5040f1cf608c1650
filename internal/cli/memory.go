package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// sendingGC is how far the heap may grow over what is in use before it is
// collected, in percent, while rows are sent and reported: little is in use
// then, and collecting at the usual 100 % costs a twentieth of the speed.
const sendingGC = 300

// What the process aims for in memory: a part that every sheet needs, and a
// part that grows with the sheet, for the ids and the results of its rows (16
// bytes for a row of 240).
const (
	memoryAtLeast = 40 << 20
	memoryAtMost  = 224 << 20
	bytesOfSheet  = 15 // that ask for one more of memory

	// Sheets of very many short rows, or of very wide ones, have more in use
	// than that. Aiming below what is in use would be collecting garbage all the
	// time, so the aim then follows it, with some room.
	roomAtLeast = 24 << 20
	roomShare   = 6 // one part in so many

	aimEvery = 100 * time.Millisecond
)

// limitMemory has garbage collected more often when the process comes near
// what a sheet of that size should need, so that its peak stays low although
// the heap may otherwise grow freely. It goes on until stop. Whoever sets
// GOMEMLIMIT knows better.
func limitMemory(s Streams, sheet string) (stop func()) {
	info, err := os.Stat(sheet)
	if _, chosen := s.Env("GOMEMLIMIT"); chosen || err != nil {
		return func() {}
	}
	aim := min(memoryAtLeast+info.Size()/bytesOfSheet, memoryAtMost)
	debug.SetMemoryLimit(aim)
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		limit := aim
		inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		ticker := time.NewTicker(aimEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
			}
			metrics.Read(inUse)
			live := int64(inUse[0].Value.Uint64())
			if want := max(aim, live+live/roomShare+roomAtLeast); want != limit {
				debug.SetMemoryLimit(want)
				limit = want
			}
		}
	})
	return func() {
		close(ended)
		watching.Wait()
	}
}
