package sandbox

import (
	"encoding/json"
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

// requests are the last ones. Streams look at them at their own pace, so that
// no request ever waits for one.
type requests struct {
	last uint64 // the number of the newest; 0 none
	kept []request
}

func (l *requests) add(q request) {
	l.last++
	q.Number = l.last
	if len(l.kept) == 2*keptRequests {
		l.kept = append(l.kept[:0], l.kept[keptRequests:]...)
	}
	l.kept = append(l.kept, q)
}

// since returns the requests after a number, oldest first, and the newest
// number. What is no longer kept is left out; a number that was not reached yet
// (of an earlier sandbox) counts as 0.
func (t *Tenant) since(number uint64) ([]request, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &t.requests
	if number > l.last {
		number = 0
	}
	n := min(l.last-number, keptRequests, uint64(len(l.kept)))
	return slices.Clone(l.kept[uint64(len(l.kept))-n:]), l.last
}

const (
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

// news is one message of the stream.
type news struct {
	Requests []request `json:"requests"`
	Totals   Totals    `json:"totals"`
}

// stream sends the requests as they come, as server-sent events. It looks at
// the ring by itself, so a request costs the same whether anybody watches or
// not, and a slow reader misses requests and holds up none.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	t := s.tenant
	if t.streams.Add(1) > maxStreams {
		t.streams.Add(-1)
		http.Error(w, "too many pages are open on this sandbox; close some", http.StatusServiceUnavailable)
		return
	}
	defer t.streams.Add(-1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")

	last := lastSeen(r)
	connection := http.NewResponseController(w)
	send := func(message []byte) bool {
		// Not every writer has deadlines; without one a reader can only end its
		// own stream late.
		_ = connection.SetWriteDeadline(time.Now().Add(streamPatience))
		_, err := w.Write(message)
		ok := err == nil && connection.Flush() == nil
		_ = connection.SetWriteDeadline(time.Time{}) // it would run out while the stream is silent
		return ok
	}
	if !send([]byte("retry: 1000\n\n")) {
		return
	}
	ticker := time.NewTicker(streamEvery)
	defer ticker.Stop()
	sent := time.Now()
	for {
		requests, newest := t.since(last)
		switch {
		case len(requests) > 0:
			if !send(message(newest, news{requests, t.Totals()})) {
				return
			}
			sent = time.Now()
		case time.Since(sent) >= streamIdle:
			if !send([]byte(":\n\n")) {
				return
			}
			sent = time.Now()
		}
		last = newest
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		}
	}
}

// lastSeen is the request that the client has already: a browser that connects
// again says so in Last-Event-ID, the page itself in its address.
func lastSeen(r *http.Request) uint64 {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// message frames news whose id is the newest request's number.
func message(id uint64, n news) []byte {
	data, _ := json.Marshal(n) // strings and finite numbers always marshal
	b := make([]byte, 0, len(data)+32)
	b = append(b, "id: "...)
	b = strconv.AppendUint(b, id, 10)
	b = append(b, "\ndata: "...)
	b = append(b, data...)
	return append(b, "\n\n"...)
}
