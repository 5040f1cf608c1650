package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// keptRequests is how many requests the page can look back on.
	keptRequests = 200
	// shownPath bounds a request's path as the page shows it, in bytes.
	shownPath = 200

	// maxStreams bounds the pages that watch at once.
	maxStreams = 16
	// streamEvery is how often a stream looks for requests: at thousands a
	// second a browser gets the newest of them, ten times a second.
	streamEvery = 100 * time.Millisecond
	// streamPatience is how long a reader may take for one write before it is
	// dropped; its browser connects again when it can.
	streamPatience = 5 * time.Second
	// streamIdle is how long a stream stays silent: the client that left is
	// noticed by a comment that cannot be written.
	streamIdle = 15 * time.Second
)

// request is one request as the page shows it.
type request struct {
	Number uint64  `json:"number"` // from 1
	Time   string  `json:"time"`
	Method string  `json:"method"`
	Path   string  `json:"path"`
	Result string  `json:"result"` // the status, or "dropped"
	Class  string  `json:"class"`  // how the page marks it
	Millis float64 `json:"ms"`
}

func shown(start time.Time, r *http.Request, a answer) request {
	path := r.URL.Path
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	q := request{
		Time: start.Format("15:04:05.000"), Method: r.Method, Path: cut(path, shownPath), Result: strconv.Itoa(a.status),
		Millis: float64(time.Since(start).Round(10*time.Microsecond)) / float64(time.Millisecond),
	}
	switch {
	case a.drop:
		q.Result, q.Class = "dropped", "bad"
	case a.status >= 500:
		q.Class = "bad"
	case a.status >= 400:
		q.Class = "warn"
	}
	return q
}

// note counts a request and keeps it among the last ones. Streams look at those
// at their own pace, so that no request ever waits for one.
func (t *Tenant) note(k kind, a answer, q request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.totals.count(k, a)
	t.last++
	q.Number = t.last
	if len(t.requests) == 2*keptRequests {
		t.requests = slices.Delete(t.requests, 0, keptRequests)
	}
	t.requests = append(t.requests, q)
}

// since returns the requests after a number, oldest first, and the newest
// number. What is no longer kept is left out; a number that was not reached yet
// (of an earlier sandbox) counts as 0.
func (t *Tenant) since(number uint64) ([]request, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number > t.last {
		number = 0
	}
	n := int(min(t.last-number, keptRequests))
	return slices.Clone(t.requests[len(t.requests)-n:]), t.last
}

// news is one message of the stream.
type news struct {
	Requests []request `json:"requests"`
	Totals   Totals    `json:"totals"`
}

// stream sends the requests as they come, as server-sent events. A request
// costs the same whether anybody watches or not, and a slow reader misses
// requests and holds up none.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	t := s.tenant
	defer t.streams.Add(-1)
	if t.streams.Add(1) > maxStreams {
		http.Error(w, "too many pages are open on this sandbox; close some", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")

	connection := http.NewResponseController(w)
	send := func(message string) bool {
		// Not every writer has deadlines; without one a reader can only end its
		// own stream late.
		_ = connection.SetWriteDeadline(time.Now().Add(streamPatience))
		_, err := io.WriteString(w, message)
		ok := err == nil && connection.Flush() == nil
		_ = connection.SetWriteDeadline(time.Time{}) // it would run out while the stream is silent
		return ok
	}
	// A browser that connects again says in Last-Event-ID what it has already,
	// the page itself in its address.
	last, _ := strconv.ParseUint(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")), 10, 64)
	ticker := time.NewTicker(streamEvery)
	defer ticker.Stop()
	message, sent := "retry: 1000\n\n", time.Now()
	for {
		if message != "" {
			if !send(message) {
				return
			}
			sent = time.Now()
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		}
		requests, newest := t.since(last)
		last, message = newest, ""
		switch {
		case len(requests) > 0:
			data, _ := json.Marshal(news{requests, t.Totals()}) // strings and finite numbers always marshal
			message = fmt.Sprintf("id: %d\ndata: %s\n\n", newest, data)
		case time.Since(sent) >= streamIdle:
			message = ":\n\n"
		}
	}
}
