package cli

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"nermbulk/internal/report"
)

// exportWatch shows how far the list has been read.
type exportWatch struct {
	e     *exporter
	pace  pace
	total int              // as the tenant told with the first page
	show  *report.Progress // nil until there is a first page
	told  time.Time        // the last line, where the tenant told no total

	mu   sync.Mutex
	done int

	quit    context.CancelFunc
	ctx     context.Context
	showing sync.WaitGroup
}

func newExportWatch(e *exporter) *exportWatch {
	w := &exportWatch{e: e, told: e.Now(), pace: pace{start: e.Now()}}
	w.ctx, w.quit = context.WithCancel(context.Background())
	return w
}

// page notes how many sessions have come.
func (w *exportWatch) page(done, total int) {
	w.mu.Lock()
	w.done = done
	w.mu.Unlock()
	switch {
	case w.show == nil && total > 0:
		w.total = total
		w.show = newProgress(w.e.Streams, w.e.says, total)
		w.showing.Go(w.run)
	case w.show == nil && w.e.Now().Sub(w.told) >= tellEvery:
		w.told = w.e.Now()
		w.e.says.say(slog.LevelInfo, count(done, "session")+" read", "progress", "done", done)
	}
}

// tellEvery is how often a line tells how far it is where there is no bar.
const tellEvery = 10 * time.Second

func (w *exportWatch) run() {
	t := time.NewTicker(showEvery)
	defer t.Stop()
	for {
		w.show.Update(w.state())
		select {
		case <-w.ctx.Done():
			w.show.Update(w.state())
			return
		case <-t.C:
		}
	}
}

func (w *exportWatch) state() report.State {
	w.mu.Lock()
	done := w.done
	w.mu.Unlock()
	limits := w.e.client.Limits()
	s := report.State{
		Done: min(done, w.total), Left: max(0, w.total-done), Rate: w.pace.rate(w.e.Now(), done),
		PausedUntil: limits.PausedUntil, Throttling: limits.Throttling,
	}
	_, s.Outage = w.e.client.Outage()
	return s
}

// stop ends it.
func (w *exportWatch) stop() {
	w.quit()
	w.showing.Wait()
	if w.show != nil {
		w.show.Stop()
	}
}
