package sandbox

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// stateLine is one line of the state file: a session or an attribute that was
// added, or a PATCH that was applied.
type stateLine struct {
	ID        string            `json:"id,omitempty"`
	UID       string            `json:"uid,omitempty"`       // of a session that was added by it
	Attribute string            `json:"attribute,omitempty"` // that was added
	Set       map[string]string `json:"set,omitempty"`       // what a PATCH set
	Run       bool              `json:"run,omitempty"`
	At        int64             `json:"at,omitempty"` // of a PATCH, Unix milliseconds; 0 else
}

// stateFile is appended to with each change, in one write: a process that is
// killed loses at most the line that it was writing.
type stateFile struct {
	file *os.File
	err  error // the first of writing
}

// KeepState brings the tenant to the state that the file has, which need not be
// there yet, and keeps each change that follows in it. It is called once, before
// anything is added or served. CloseState ends it. The error is a file that
// cannot be read or written, or is no state.
func (t *Tenant) KeepState(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	whole, err := t.replay(file)
	if err == nil {
		err = file.Truncate(whole) // without what a kill left of a line
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = &stateFile{file: file}
	return nil
}

// Sessions returns how many sessions there are.
func (t *Tenant) Sessions() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ids)
}

// CloseState closes the state file, after the tenant was served. It returns the
// first error of writing it.
func (t *Tenant) CloseState() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return nil
	}
	err := cmp.Or(t.state.err, t.state.file.Close())
	t.state = nil
	return err
}

// keep appends a line to the state file, if there is one. The caller holds mu.
func (t *Tenant) keep(line stateLine) {
	if t.state == nil || t.state.err != nil {
		return
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = t.state.file.Write(append(text, '\n'))
	}
	t.state.err = err
}

// replay applies the lines of a state file, and returns the length of those that
// are whole.
func (t *Tenant) replay(file io.Reader) (whole int64, err error) {
	lines := bufio.NewReader(file)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && isTorn(string(text)) {
			return whole, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return whole, err
		}
		whole += int64(len(text))
		if err := t.replayLine(text); err != nil {
			return whole, fmt.Errorf("line %d is none of a sandbox's state: %w", n, err)
		}
	}
}

// isTorn reports whether a text without a line break can be what a kill left of a
// line. Another file is not to be cut.
func isTorn(text string) bool {
	return slices.ContainsFunc([]string{`{"id":"`, `{"uid":"`, `{"attribute":"`}, func(start string) bool {
		return strings.HasPrefix(text, start) || strings.HasPrefix(start, text)
	})
}

func (t *Tenant) replayLine(text []byte) error {
	var line stateLine
	known := json.NewDecoder(bytes.NewReader(text))
	known.DisallowUnknownFields() // another file, which nothing is to be appended to
	if err := known.Decode(&line); err != nil {
		return err
	}
	switch {
	case line.Attribute != "":
		t.AddAttribute(line.Attribute)
		return nil
	case line.UID != "":
		return t.AddUID(line.UID)
	case line.At == 0:
		return t.AddID(line.ID)
	}
	id, ok := parseID(line.ID)
	if !ok || !t.has(id) {
		return fmt.Errorf("there is no session %q", line.ID)
	}
	var changes []field
	for name, value := range line.Set {
		changes = append(changes, field{name, value})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(id, changes, line.Run, time.UnixMilli(line.At))
	return nil
}
