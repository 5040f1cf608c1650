package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

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
	Requests []event `json:"requests"`
	Totals   Totals  `json:"totals"`
}

// stream sends the requests as they come, as server-sent events. It looks at
// the ring by itself, so a request costs the same whether anybody watches or
// not, and a slow reader misses requests and holds up none.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	t := s.tenant
	if t.watch.Add(1) > maxStreams {
		t.watch.Add(-1)
		http.Error(w, "too many pages are open on this sandbox; close some", http.StatusServiceUnavailable)
		return
	}
	defer t.watch.Add(-1)
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
		requests, newest := t.events.since(last)
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
