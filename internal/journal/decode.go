package journal

import (
	"strconv"
	"time"
)

// lineHead is what a line tells of itself, read without regard to the order of
// its keys: the slow way round parseHead.
type lineHead struct {
	head
	kind    string
	records int
}

func decodeHead(line []byte) (h lineHead, err error) {
	status, hasRow := "", false
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "t":
			h.kind = s.text()
		case "row":
			h.row, hasRow = s.int(), true
		case "carried":
			h.carried = s.bool()
		case "run":
			h.run = s.bool()
		case "status":
			status = s.text()
		case "records":
			h.records = s.int()
		}
	}
	switch {
	case s.err != nil:
	case h.kind == "":
		s.key = []byte("t")
		s.wrong("there")
	case kindOfRow(h.kind) && (!hasRow || h.row < 0 || h.row > maxRow):
		s.key = []byte("row")
		s.wrong("the number of a row")
	case h.kind == "outcome":
		if h.status = statusCode(status); h.status == 0 {
			s.key = []byte("status")
			s.wrong("an outcome")
		}
	}
	return h, s.err
}

func kindOfRow(kind string) bool {
	return kind == "intent" || kind == "withdrawn" || kind == "outcome" || kind == "before" || kind == "plan"
}

func decodeStart(line []byte) (Start, error) {
	var r Start
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "at":
			r.At = s.time()
		case "version":
			r.Version = s.text()
		case "host":
			r.Host = s.text()
		case "sheet":
			r.Sheet = s.text()
		case "sha256":
			r.SHA256 = s.text()
		case "sheet_file":
			r.SheetFile = s.text()
		case "rows":
			r.Rows = s.int()
		}
	}
	return r, s.err
}

func decodeIntent(line []byte) (Intent, error) {
	var r Intent
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "row":
			r.Row = s.int()
		case "run":
			r.Run = s.bool()
		case "at":
			r.At = s.time()
		case "id":
			r.ID = s.text()
		case "hash":
			r.Hash = s.hash()
		}
	}
	return r, s.err
}

func decodeOutcome(line []byte) (Outcome, error) {
	var r Outcome
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "row":
			r.Row = s.int()
		case "status":
			r.Status = statuses[statusCode(string(s.bytes()))]
		case "run":
			r.Run = s.bool()
		case "at":
			r.At = s.time()
		case "id":
			r.ID = s.text()
		case "hash":
			r.Hash = s.hash()
		case "http":
			r.HTTPStatus = s.int()
		case "attempts":
			r.Attempts = s.int()
		case "ms":
			r.Duration = time.Duration(s.int()) * time.Millisecond
		case "error":
			r.Error = s.text()
		case "error_body":
			r.ErrorBody = s.text()
		case "note":
			r.Note = s.text()
		}
	}
	return r, s.err
}

func decodeBefore(line []byte) (Before, error) {
	var r Before
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "row":
			r.Row = s.int()
		case "id":
			r.ID = s.text()
		case "session":
			r.Session = s.raw()
		}
	}
	return r, s.err
}

func decodePlanned(line []byte) (Planned, error) {
	var r Planned
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "row":
			r.Row = s.int()
		case "id":
			r.ID = s.text()
		case "action":
			r.Action = s.text()
		case "method":
			r.Method = s.text()
		case "path":
			r.Path = s.text()
		case "body":
			r.Body = s.raw()
		case "changes":
			r.Changes = s.text()
		}
	}
	return r, s.err
}

func decodeTick(line []byte) (Tick, error) {
	var r Tick
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "at":
			r.At = s.time()
		case "patch":
			r.Patch = s.int()
		case "get":
			r.Get = s.int()
		case "token":
			r.Token = s.int()
		case "throttled":
			r.Throttled = s.int()
		case "retried":
			r.Retried = s.int()
		case "ceiling":
			r.Ceiling = s.float()
		case "latency_ms":
			r.Latency = decodeLatency(&s)
		}
	}
	return r, s.err
}

func decodeLatency(outer *scanner) map[int]int {
	latency := make(map[int]int)
	s := newScanner(outer.val)
	for s.next() {
		bound, err := strconv.Atoi(string(s.key))
		if err != nil {
			s.wrong("a number of milliseconds")
		}
		latency[bound] = s.int()
	}
	if s.err != nil {
		outer.wrong("a list of latencies")
	}
	return latency
}

func decodeEnd(line []byte) (End, error) {
	var r End
	s := newScanner(line)
	for s.next() {
		switch string(s.key) {
		case "at":
			r.At = s.time()
		case "exit":
			r.ExitCode = s.int()
		case "reason":
			r.Reason = s.text()
		case "finished":
			r.Finished = s.bool()
		}
	}
	return r, s.err
}
