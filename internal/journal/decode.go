package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// head is what the replay needs of a line.
type head struct {
	Kind    string `json:"t"`
	Row     int    `json:"row"`
	Run     bool   `json:"run"`
	Status  Status `json:"status"` // of an outcome
	Was     int    `json:"was"`    // of what has moved, as Edition
	Edition int    `json:"edition"`
}

// rowKinds are the kinds of lines that are about a row.
var rowKinds = []string{"outcome", "intent", "before", "plan", "withdrawn", "attempt", "moved"}

func (h head) isAboutRow() bool { return slices.Contains(rowKinds, h.Kind) }

func (h head) moved() Moved { return Moved{uint32(h.Row), uint32(h.Was), uint32(h.Edition)} }

// parseHead reads the beginning of a line that is as this version writes it. It
// reports false for any other line, and for what is rare.
//
// Nearly all lines of a replay pass here: decodeHead would take 15 times as long.
func parseHead(line []byte) (h head, ok bool) {
	c := cursor{rest: line, ok: true}
	kind := c.text(`{"t":`)
	if c.ok && string(kind) == "tick" {
		return head{Kind: "tick"}, true
	}
	i := slices.IndexFunc(rowKinds, func(k string) bool { return k == string(kind) })
	if i < 0 {
		return h, false
	}
	h.Kind = rowKinds[i]
	h.Row = c.number(`,"row":`)
	switch h.Kind {
	case "outcome":
		h.Status = c.status()
	case "moved":
		h.Was, h.Edition = c.number(`,"was":`), c.number(`,"edition":`)
	}
	h.Run = c.skip(`,"run":true`)
	return h, c.ok && h.Row <= maxRow && c.begins(",")
}

// parseOutcome reads an outcome's line that is as this version writes it. It
// reports false for any other line, and for one with an error or a note.
//
// The results are made of such lines: by encoding/json, a row of them would take
// twice as long.
func parseOutcome(line []byte) (r Outcome, ok bool) {
	c := cursor{rest: line, ok: true}
	c.ok = c.skip(`{"t":"outcome"`)
	r.Row = c.number(`,"row":`)
	r.Status = c.status()
	r.Run = c.skip(`,"run":true`)
	at, id, hash := c.text(`,"at":`), c.text(`,"id":`), c.text(`,"hash":`)
	if c.begins(`,"http":`) {
		r.HTTPStatus = c.number(`,"http":`)
	}
	r.Attempts = c.number(`,"attempts":`)
	r.Duration = time.Duration(c.number(`,"ms":`)) * time.Millisecond
	if c.begins(`,"request_id":`) {
		r.RequestID = string(c.text(`,"request_id":`))
	}
	if !c.ok || !c.begins(sealKey) || r.At.UnmarshalText(at) != nil {
		return r, false
	}
	var err error
	r.ID = string(id)
	r.Hash, err = strconv.ParseUint(string(hash), 16, 64)
	return r, err == nil
}

// cursor reads keys where they are expected; ok is false once one was not there.
type cursor struct {
	rest []byte
	ok   bool
}

func (c *cursor) begins(s string) bool {
	return len(c.rest) >= len(s) && string(c.rest[:len(s)]) == s
}

func (c *cursor) skip(s string) bool {
	if !c.begins(s) {
		return false
	}
	c.rest = c.rest[len(s):]
	return true
}

// number returns the whole number behind key, which is at least 0.
func (c *cursor) number(key string) (n int) {
	c.ok = c.skip(key) && c.ok
	i := 0
	for i < len(c.rest) && i < 11 && c.rest[i] >= '0' && c.rest[i] <= '9' {
		n = n*10 + int(c.rest[i]-'0')
		i++
	}
	c.ok = c.ok && i > 0
	c.rest = c.rest[i:]
	return n
}

// text returns the string behind key, if nothing in it is escaped.
func (c *cursor) text(key string) []byte {
	c.ok = c.skip(key) && c.skip(`"`) && c.ok
	text, rest, found := bytes.Cut(c.rest, []byte{'"'})
	c.ok = c.ok && found && bytes.IndexByte(text, '\\') < 0
	c.rest = rest
	return text
}

// status returns an outcome's status.
func (c *cursor) status() Status {
	code := statusCode(c.text(`,"status":`))
	c.ok = c.ok && code != 0
	return statuses[code]
}

// headOf reads what the replay needs of any line.
func headOf(line []byte) (head, error) {
	if h, ok := parseHead(line); ok {
		return h, nil
	}
	return decodeHead(line)
}

// decodeHead reads what parseHead does not: a line whose keys are in any order.
func decodeHead(line []byte) (head, error) {
	h, err := decode(line, head{Row: -1})
	switch {
	case err != nil:
	case h.Kind == "":
		err = errors.New(`"t" is not there`)
	case h.isAboutRow() && (h.Row < 0 || h.Row > maxRow || h.Was < 0 || h.Was > maxRow || h.Edition < 0 || h.Edition > maxRow):
		err = errors.New(`"row" is not the number of a row`)
	case h.Kind == "outcome" && statusCode(h.Status) == 0:
		err = errors.New(`"status" is not an outcome`)
	}
	return h, err
}

// statuses gives each outcome its code; 0 is none.
var statuses = [...]Status{Pending, Updated, Unchanged, Failed, Unknown, Invalid}

func statusCode[T []byte | Status](s T) byte {
	for i := 1; i < len(statuses); i++ {
		if string(statuses[i]) == string(s) {
			return byte(i)
		}
	}
	return 0
}

var errNotObject = errors.New("the line is not one JSON object")

// decode returns r with what a line says of it, by its tags.
func decode[R any](line []byte, r R) (R, error) {
	err := json.Unmarshal(line, &r)
	if _, broken := errors.AsType[*json.SyntaxError](err); broken {
		return r, errNotObject
	}
	if _, bad := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !bad {
		return r, errors.New(`"at" is not a time`) // no other type reads itself
	}
	return r, explain(err)
}

// explain takes Go's own names out of an error of encoding/json.
func explain(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	key, want := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:], "a whole number"
	switch kind := wrong.Type.Kind(); {
	case key == "latency_ms":
		want = "a list of latencies"
	case kind == reflect.String:
		want = "a text"
	case kind == reflect.Bool:
		want = "true or false"
	case kind == reflect.Float64:
		want = "a number"
	case kind == reflect.Map || kind == reflect.Struct || kind == reflect.Slice:
		want = "a list"
	}
	return fmt.Errorf("%q is not %s", key, want)
}

func decodeIntent(line []byte) (Intent, error) {
	o, err := decodeOutcome(line)
	return Intent{At: o.At, Row: o.Row, ID: o.ID, Hash: o.Hash, Run: o.Run}, err
}

// decodeOutcome reads an intent as well, whose keys an outcome has too.
func decodeOutcome(line []byte) (Outcome, error) {
	if r, ok := parseOutcome(line); ok {
		return r, nil
	}
	l, err := decode(line, struct {
		Outcome
		Hash string `json:"hash"`
		MS   int64  `json:"ms"`
	}{})
	if err == nil {
		l.Outcome.Hash, err = parseHash(l.Hash)
	}
	l.Duration = time.Duration(l.MS) * time.Millisecond
	return l.Outcome, err
}

func decodeBefore(line []byte) (Before, error) {
	r, err := decode(line, Before{})
	r.Session = unwrap(r.Session)
	return r, err
}

func decodePlanned(line []byte) (Planned, error) {
	r, err := decode(line, Planned{})
	r.Body = unwrap(r.Body)
	return r, err
}

func decodeTick(line []byte) (Tick, error) { return decode(line, Tick{}) }

func parseHash(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	h, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, errors.New(`"hash" is not 16 hexadecimal digits`)
	}
	return h, nil
}

// unwrap undoes encoder.json.
func unwrap(raw json.RawMessage) json.RawMessage {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return json.RawMessage(s)
	}
	return raw
}
