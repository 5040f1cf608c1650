package sandbox

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ringSize is how many requests the page can look back on.
const ringSize = 200

// shownPath bounds a request's path as the page shows it, in bytes.
const shownPath = 200

// event is one request as the page shows it.
type event struct {
	Number uint64  `json:"number"` // from 1
	Time   string  `json:"time"`
	Method string  `json:"method"`
	Path   string  `json:"path"`
	Result string  `json:"result"` // the status, or "dropped"
	Class  string  `json:"class"`  // how the page marks it
	Millis float64 `json:"ms"`
}

// request is an event before anybody looks at it: nothing is formatted until
// then.
type request struct {
	at          time.Time
	took        time.Duration
	method      string
	path, query string
	status      int
	dropped     bool
}

// ring holds the last requests. Streams read from it at their own pace, so
// that no request ever waits for one.
type ring struct {
	mu   sync.Mutex
	last uint64 // the number of the newest request; 0 none
	kept [ringSize]request
}

func (g *ring) add(start time.Time, r *http.Request, a answer) {
	q := request{
		at: start, took: time.Since(start), method: r.Method,
		path: r.URL.Path, query: r.URL.RawQuery, status: a.status, dropped: a.drop,
	}
	g.mu.Lock()
	g.last++
	g.kept[g.last%ringSize] = q
	g.mu.Unlock()
}

// since gives the requests after a number, oldest first, and the newest number.
// What the ring no longer holds is left out; a number that it has not reached
// (of an earlier sandbox) is taken for none.
func (g *ring) since(after uint64) ([]event, uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if after > g.last {
		after = 0
	}
	if g.last > ringSize {
		after = max(after, g.last-ringSize)
	}
	list := make([]event, 0, g.last-after)
	for n := after + 1; n <= g.last; n++ {
		list = append(list, g.kept[n%ringSize].event(n))
	}
	return list, g.last
}

func (q request) event(number uint64) event {
	path := q.path
	if q.query != "" {
		path += "?" + q.query
	}
	result, class := strconv.Itoa(q.status), ""
	switch {
	case q.dropped:
		result, class = "dropped", "bad"
	case q.status >= 500:
		class = "bad"
	case q.status >= 400:
		class = "warn"
	}
	return event{
		Number: number,
		Time:   q.at.Format("15:04:05.000"),
		Method: q.method,
		Path:   cut(path, shownPath),
		Result: result,
		Class:  class,
		Millis: float64(q.took.Round(10*time.Microsecond)) / float64(time.Millisecond),
	}
}
