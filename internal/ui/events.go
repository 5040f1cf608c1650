package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/text"
)

const (
	// mostOften is how often news is sent to the page at most.
	mostOften = 200 * time.Millisecond
	// keepAlive is how long a stream of events stays silent at most, so that a
	// browser that left is noticed.
	keepAlive = 15 * time.Second
)

// serveEvents is a stream of server-sent events: a revision whenever the page
// should read itself again, and the progress as it comes.
func (w *workspace) serveEvents(rw http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(rw).Flush
	rw.Header().Set("Content-Type", "text/event-stream")
	revision, tick := -1, -1
	for {
		w.mu.Lock()
		changed, news := w.changed, ""
		if w.revision != revision {
			revision = w.revision
			news += fmt.Sprintf("event: revision\ndata: %d\n\n", revision)
		}
		if w.tick != tick {
			tick = w.tick
			data, _ := json.Marshal(w.run.progress()) // of plain values
			news += fmt.Sprintf("event: progress\ndata: %s\n\n", data)
		}
		w.mu.Unlock()
		if _, err := fmt.Fprint(rw, news, ":\n\n"); err != nil || flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(mostOften):
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-time.After(keepAlive):
		}
	}
}

// progress is what the page shows of a run while it sends.
type progress struct {
	Done    int      `json:"done"`
	Total   int      `json:"total"`
	Words   string   `json:"words"` // all of it in a sentence
	Rate    string   `json:"rate"`
	Left    string   `json:"left"`    // time
	Waiting string   `json:"waiting"` // why nothing is sent, or slowly
	Ceiling float64  `json:"ceiling"`
	Paused  bool     `json:"paused"`
	Counts  []tally  `json:"counts"`
	Causes  []string `json:"causes"`
}

// tally is a number with its name.
type tally struct {
	Name string `json:"name"`
	Rows string `json:"rows"`
}

// progress returns how far the run has come. The caller has the workspace's
// lock.
func (r *running) progress() progress {
	if r == nil {
		return progress{}
	}
	s, now := r.last.State, time.Now()
	why, _ := s.Waiting(now)
	p := progress{
		Done: s.Done, Total: r.total, Words: s.Line(r.total, now), Rate: s.RateText(true), Left: strings.TrimSuffix(s.TimeLeft(), " left"), Waiting: why,
		Ceiling: r.control.Rate(r.rate), Paused: r.control.Paused(),
	}
	if p.Paused {
		p.Waiting, p.Left, p.Rate = "paused: nothing is sent until you go on", "", ""
	}
	o := r.last.Outcomes
	for _, c := range []struct {
		name string
		rows int
	}{{"updated", o.Updated}, {"unchanged", o.Unchanged}, {"failed", o.Failed}, {"unknown", o.Unknown}, {"invalid", o.Invalid}, {"pending", o.Pending}} {
		if r.dry && (c.name == "updated" || c.name == "pending") {
			continue
		}
		if c.rows > 0 || slices.Contains(mainCounts, c.name) {
			p.Counts = append(p.Counts, tally{c.name, text.Number(c.rows)})
		}
	}
	for _, f := range r.last.Failures {
		p.Causes = append(p.Causes, f.String())
	}
	return p
}
