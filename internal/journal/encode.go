package journal

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// maxRow bounds row numbers, so that one absurd number cannot make the replay
// ask for all memory.
const maxRow = 1<<31 - 1

// rebaseBegin and rebaseEnd enclose the records of a rebase.
type rebaseBegin struct{ Start }

type rebaseEnd struct{ records int }

func (s Start) appendTo(b []byte, _ bool) ([]byte, error) {
	return s.appendAs(b, "start"), nil
}

func (r rebaseBegin) appendTo(b []byte, _ bool) ([]byte, error) {
	return r.appendAs(b, "rebase"), nil
}

func (s Start) appendAs(b []byte, kind string) []byte {
	b = append(append(append(b, `{"t":"`...), kind...), '"')
	b = fieldAt(b, s.At)
	b = fieldString(b, `"version":`, s.Version)
	b = fieldString(b, `"host":`, s.Host)
	b = fieldString(b, `"sheet":`, s.Sheet)
	b = fieldString(b, `"sha256":`, s.SHA256)
	b = fieldString(b, `"sheet_file":`, s.SheetFile)
	return fieldInt(b, `"rows":`, s.Rows)
}

func (r rebaseEnd) appendTo(b []byte, _ bool) ([]byte, error) {
	return fieldInt(append(b, `{"t":"rebase_end"`...), `"records":`, r.records), nil
}

// appendRow opens a line that is about a row. The replay reads no further than
// this part and what follows at once, so the order of these keys is its speed.
func appendRow(b []byte, open string, row int, carried bool) ([]byte, error) {
	if row < 0 || row > maxRow {
		return b, fmt.Errorf("row %d is out of range", row)
	}
	b = strconv.AppendInt(append(b, open...), int64(row), 10)
	return optTrue(b, `"carried":`, carried), nil
}

func (r Intent) appendTo(b []byte, carried bool) ([]byte, error) {
	b, err := appendRow(b, openIntent, r.Row, carried)
	if err != nil {
		return b, err
	}
	b = optTrue(b, `"run":`, r.Run)
	b = fieldAt(b, r.At)
	b = fieldString(b, `"id":`, r.ID)
	return appendHash(append(b, `,"hash":`...), r.Hash), nil
}

func (r Withdrawn) appendTo(b []byte, carried bool) ([]byte, error) {
	b, err := appendRow(b, openWithdrawn, r.Row, carried)
	if err != nil {
		return b, err
	}
	b = fieldAt(b, r.At)
	return fieldString(b, `"id":`, r.ID), nil
}

func (r Outcome) appendTo(b []byte, carried bool) ([]byte, error) {
	if statusCode(r.Status) == 0 {
		return b, fmt.Errorf("row %d: %q is no outcome", r.Row, r.Status)
	}
	b, err := appendRow(b, openOutcome, r.Row, carried)
	if err != nil {
		return b, err
	}
	b = fieldString(b, `"status":`, string(r.Status))
	b = optTrue(b, `"run":`, r.Run)
	b = fieldAt(b, r.At)
	b = fieldString(b, `"id":`, r.ID)
	b = appendHash(append(b, `,"hash":`...), r.Hash)
	if r.HTTPStatus != 0 {
		b = fieldInt(b, `"http":`, r.HTTPStatus)
	}
	b = fieldInt(b, `"attempts":`, r.Attempts)
	b = fieldInt(b, `"ms":`, int(r.Duration/time.Millisecond))
	b = optString(b, `"error":`, r.Error)
	b = optString(b, `"error_body":`, r.ErrorBody)
	return optString(b, `"note":`, r.Note), nil
}

func (r Before) appendTo(b []byte, carried bool) ([]byte, error) {
	b, err := appendRow(b, openBefore, r.Row, carried)
	if err != nil {
		return b, err
	}
	b = fieldString(b, `"id":`, r.ID)
	return appendJSON(append(b, `,"session":`...), r.Session), nil
}

func (r Planned) appendTo(b []byte, carried bool) ([]byte, error) {
	b, err := appendRow(b, openPlanned, r.Row, carried)
	if err != nil {
		return b, err
	}
	b = fieldString(b, `"id":`, r.ID)
	b = fieldString(b, `"action":`, r.Action)
	b = optString(b, `"method":`, r.Method)
	b = optString(b, `"path":`, r.Path)
	if len(r.Body) > 0 {
		b = appendJSON(append(b, `,"body":`...), r.Body)
	}
	return optString(b, `"changes":`, r.Changes), nil
}

func (t Tick) appendTo(b []byte, _ bool) ([]byte, error) {
	b = fieldAt(append(b, `{"t":"tick"`...), t.At)
	b = fieldInt(b, `"patch":`, t.Patch)
	b = fieldInt(b, `"get":`, t.Get)
	b = fieldInt(b, `"token":`, t.Token)
	b = fieldInt(b, `"throttled":`, t.Throttled)
	b = fieldInt(b, `"retried":`, t.Retried)
	b = appendFloat(append(b, `,"ceiling":`...), t.Ceiling)
	if len(t.Latency) == 0 {
		return b, nil
	}
	b = append(b, `,"latency_ms":{`...)
	for i, bound := range slices.Sorted(maps.Keys(t.Latency)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '"'), int64(bound), 10)
		b = strconv.AppendInt(append(b, `":`...), int64(t.Latency[bound]), 10)
	}
	return append(b, '}'), nil
}

func (e End) appendTo(b []byte, _ bool) ([]byte, error) {
	b = fieldAt(append(b, `{"t":"end"`...), e.At)
	b = fieldInt(b, `"exit":`, e.ExitCode)
	b = optString(b, `"reason":`, e.Reason)
	b = append(b, `,"finished":`...)
	return strconv.AppendBool(b, e.Finished), nil
}
