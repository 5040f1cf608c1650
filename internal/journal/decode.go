package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

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
	l, err := decode(line, struct {
		Intent
		Hash string `json:"hash"`
	}{})
	if err == nil {
		l.Intent.Hash, err = parseHash(l.Hash)
	}
	return l.Intent, err
}

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
	l, err := decode(line, struct {
		Before
		Session json.RawMessage `json:"session"`
	}{})
	l.Before.Session = unwrap(l.Session)
	return l.Before, err
}

func decodePlanned(line []byte) (Planned, error) {
	l, err := decode(line, struct {
		Planned
		Body json.RawMessage `json:"body"`
	}{})
	l.Planned.Body = unwrap(l.Body)
	return l.Planned, err
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

// unwrap undoes appendJSON.
func unwrap(raw json.RawMessage) []byte {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	return raw
}
