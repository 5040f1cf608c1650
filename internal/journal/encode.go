package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"nermbulk/internal/text"
)

const (
	sealKey = `,"crc":"`
	sealLen = len(sealKey) + 8 + len(`"}`)

	// maxLine bounds one line, and so what a reader holds in memory: a
	// thousand cells of the largest kind fit.
	maxLine = 256 << 20

	// maxRow bounds row numbers, so that one absurd number cannot make the
	// replay ask for all memory.
	maxRow = 1<<31 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encoder appends lines to b.
type encoder struct {
	b   []byte
	err error // the first of the line
}

// line appends r as a whole line with its checksum and line break. On an error b
// stays as it was.
func (e *encoder) line(r Record) error {
	from := len(e.b)
	e.err = nil
	r.encode(e)
	if n := len(e.b) - from; e.err == nil && n > maxLine-sealLen {
		e.err = fmt.Errorf("a record of %d MiB is too large for the journal", n>>20)
	}
	if e.err != nil {
		e.b = e.b[:from]
		return e.err
	}
	e.b = append(appendSeal(e.b, e.b[from:]), '\n')
	return nil
}

// appendSeal appends what ends a line: the checksum of its body.
func appendSeal(b, body []byte) []byte {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.Checksum(body, castagnoli))
	b = hex.AppendEncode(append(b, sealKey...), sum[:])
	return append(b, `"}`...)
}

// intact reports whether line, without its line break, has its own checksum.
func intact(line []byte) bool {
	body := len(line) - sealLen
	if body < 2 || line[0] != '{' {
		return false
	}
	var want [sealLen]byte
	return bytes.Equal(appendSeal(want[:0], line[:body]), line[body:])
}

func (s Start) encode(e *encoder) {
	e.open("start")
	e.at(s.At)
	e.text("version", s.Version)
	e.text("host", s.Host)
	e.text("sheet", s.Sheet)
	e.text("sha256", s.SHA256)
	e.text("sheet_file", s.SheetFile)
	e.textIfAny("sheet_file_sha256", s.FileSHA256)
	e.int("rows", s.Rows)
	e.textIfAny("rules", s.Rules)
	e.intIfAny("clears", s.Clears)
	e.intIfAny("runs", s.Runs)
	if s.Operator != (Operator{}) {
		e.key("operator")
		e.object("user", s.Operator.User, "machine", s.Operator.Machine)
	}
	e.intIfAny("edition", s.Edition)
	e.intIfAny("matched", s.Matched)
	if s.Removed != (Removed{}) {
		e.key("removed")
		e.b = fmt.Appendf(e.b, `{"sent":%d,"not_sent":%d}`, s.Removed.Sent, s.Removed.NotSent)
	}
}

func (r Moved) encode(e *encoder) {
	e.row("moved", int(r.Row))
	e.int("was", int(r.Was))
	e.int("edition", int(r.Edition))
}

// The order of the first keys of a line about a row is what parseHead reads.

func (r Intent) encode(e *encoder) {
	e.row("intent", r.Row)
	e.flag("run", r.Run)
	e.at(r.At)
	e.text("id", r.ID)
	e.hash(r.Hash)
}

func (r Attempt) encode(e *encoder) {
	e.row("attempt", r.Row)
	e.at(r.At)
	e.text("id", r.ID)
	e.int("attempt", r.Attempt)
	e.intIfAny("http", r.HTTPStatus)
	e.int("ms", int(r.Duration/time.Millisecond))
	e.textIfAny("request_id", r.RequestID)
	e.textIfAny("error", r.Error)
}

func (r Withdrawn) encode(e *encoder) {
	e.row("withdrawn", r.Row)
	e.at(r.At)
	e.text("id", r.ID)
}

func (r Outcome) encode(e *encoder) {
	if statusCode(r.Status) == 0 {
		e.err = fmt.Errorf("row %d: %q is no outcome", r.Row, r.Status)
	}
	e.row("outcome", r.Row)
	e.text("status", string(r.Status))
	e.flag("run", r.Run)
	e.at(r.At)
	e.text("id", r.ID)
	e.hash(r.Hash)
	e.intIfAny("http", r.HTTPStatus)
	e.int("attempts", r.Attempts)
	e.int("ms", int(r.Duration/time.Millisecond))
	e.textIfAny("request_id", r.RequestID)
	e.textIfAny("error", r.Error)
	e.textIfAny("error_body", r.ErrorBody)
	e.textIfAny("note", r.Note)
	e.textIfAny("updated_at", r.UpdatedAt)
}

func (r Before) encode(e *encoder) {
	e.row("before", r.Row)
	e.text("id", r.ID)
	var sent []string
	for _, field := range slices.Sorted(maps.Keys(r.Sent)) {
		sent = append(sent, field, r.Sent[field])
	}
	e.key("sent")
	e.object(sent...)
	e.json("session", r.Session)
}

func (r Planned) encode(e *encoder) {
	e.row("plan", r.Row)
	e.text("id", r.ID)
	e.text("action", r.Action)
	e.textIfAny("method", r.Method)
	e.textIfAny("path", r.Path)
	if len(r.Body) > 0 {
		e.json("body", r.Body)
	}
	e.textIfAny("changes", r.Changes)
	open := byte('[')
	for _, f := range r.Fields {
		if open == '[' {
			e.key("fields")
		}
		e.b = append(e.b, open)
		e.object("field", f.Field, "old", f.Old, "new", f.New, "remark", f.Remark)
		open = ','
	}
	if open == ',' {
		e.b = append(e.b, ']')
	}
}

func (t Tick) encode(e *encoder) {
	e.open("tick")
	e.at(t.At)
	e.int("patch", t.Patch)
	e.int("get", t.Get)
	e.int("token", t.Token)
	e.int("throttled", t.Throttled)
	e.int("retried", t.Retried)
	e.key("ceiling")
	if math.IsNaN(t.Ceiling) || math.IsInf(t.Ceiling, 0) {
		t.Ceiling = 0 // JSON has no such numbers
	}
	e.b = strconv.AppendFloat(e.b, t.Ceiling, 'f', -1, 64)
	if t.Learned > 0 {
		e.key("learned")
		e.b = strconv.AppendFloat(e.b, t.Learned, 'f', -1, 64)
	}
	if len(t.Latency) == 0 {
		return
	}
	open := byte('{')
	e.key("latency_ms")
	for _, bound := range slices.Sorted(maps.Keys(t.Latency)) {
		e.b = fmt.Appendf(e.b, `%c"%d":%d`, open, bound, t.Latency[bound])
		open = ','
	}
	e.b = append(e.b, '}')
}

func (r End) encode(e *encoder) {
	e.open("end")
	e.at(r.At)
	e.int("exit", r.ExitCode)
	e.textIfAny("reason", r.Reason)
	e.key("finished")
	e.b = strconv.AppendBool(e.b, r.Finished)
}

func (e *encoder) open(kind string) {
	e.b = append(append(append(e.b, `{"t":"`...), kind...), '"')
}

// row opens a line that is about a row.
func (e *encoder) row(kind string, row int) {
	if e.err == nil && (row < 0 || row > maxRow) {
		e.err = fmt.Errorf("row %d is out of range", row)
	}
	e.open(kind)
	e.int("row", row)
}

func (e *encoder) key(key string) {
	e.b = append(append(append(e.b, `,"`...), key...), `":`...)
}

func (e *encoder) text(key, s string) {
	e.key(key)
	e.b = text.AppendJSON(e.b, s)
}

func (e *encoder) textIfAny(key, s string) {
	if s != "" {
		e.text(key, s)
	}
}

func (e *encoder) int(key string, n int) {
	e.key(key)
	e.b = strconv.AppendInt(e.b, int64(n), 10)
}

func (e *encoder) intIfAny(key string, n int) {
	if n != 0 {
		e.int(key, n)
	}
}

// object appends an object of keys and texts in turn.
func (e *encoder) object(pairs ...string) {
	e.b = append(e.b, '{')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.b = append(text.AppendJSON(e.b, pairs[i]), ':')
		e.b = text.AppendJSON(e.b, pairs[i+1])
	}
	e.b = append(e.b, '}')
}

// flag leaves the key out where v is false.
func (e *encoder) flag(key string, v bool) {
	if v {
		e.key(key)
		e.b = append(e.b, "true"...)
	}
}

func (e *encoder) at(t time.Time) {
	e.key("at")
	e.b = append(text.AppendTime(append(e.b, '"'), t), '"')
}

func (e *encoder) hash(h uint64) {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], h)
	e.key("hash")
	e.b = append(hex.AppendEncode(append(e.b, '"'), raw[:]), '"')
}

// json appends raw as it is when it is a JSON object or array, without line
// breaks, and as a JSON string otherwise: see unwrap.
func (e *encoder) json(key string, raw []byte) {
	e.key(key)
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' || !json.Valid(raw) || !utf8.Valid(raw) {
		e.b = text.AppendJSON(e.b, string(raw))
		return
	}
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0 {
		// Outside strings: inside they would not be valid.
		raw = bytes.Join(bytes.FieldsFunc(raw, func(r rune) bool { return r == '\n' || r == '\r' }), nil)
	}
	e.b = append(e.b, raw...)
}
