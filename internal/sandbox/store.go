package sandbox

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/google/uuid"
)

// entry is what the tenant keeps of a session that was asked for.
type entry struct {
	fields        []field               // what PATCHes set
	updated       int64                 // Unix milliseconds of the last PATCH applied; 0 none
	patches, runs uint32                // applied
	asked         [kindToken + 1]uint32 // requests whose faults were drawn
}

// Record is what the tenant itself knows of one session, to check a client's
// claims against.
type Record struct {
	Session Session // as stored: statuses with underscores, UUIDs and not names
	Patches int     // PATCHes applied, dropped answers included
	Runs    int     // those of them with run=true
}

// AddID adds a session that is made from its id: the same id gives the same
// session everywhere. An id that the tenant has is left as it is. The error is
// an id that is not a UUID.
func (t *Tenant) AddID(id string) error {
	u, ok := parseID(id)
	if !ok {
		return fmt.Errorf("session id %q is not a UUID", id)
	}
	t.add(u, nil, stateLine{ID: u.String()})
	return nil
}

// AddUID adds a session that is made from its uid: the same uid gives the same
// session everywhere. One that the tenant has is left as it is. The error is an
// empty uid.
func (t *Tenant) AddUID(uid string) error {
	if uid == "" {
		return errors.New("a session's uid may not be empty")
	}
	sum := sha256.Sum256([]byte(uid))
	id := derived(binary.BigEndian.Uint64(sum[:8]), 5)
	t.add(id, &entry{fields: []field{{fieldUID, uid}}}, stateLine{UID: uid})
	return nil
}

// add adds a session that the tenant does not have, and keeps it by its line.
func (t *Tenant) add(id uuid.UUID, e *entry, line stateLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.entries[id]; !ok {
		t.ids = append(t.ids, id)
		t.entries[id] = e
		t.version++
		t.keep(line)
	}
}

// Record returns the tenant's own record of a session; false for an unknown id.
func (t *Tenant) Record(id string) (Record, bool) {
	u, ok := parseID(id)
	if !ok {
		return Record{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.entries[u]
	if !ok {
		return Record{}, false
	}
	r := Record{Session: t.session(u)}
	if e != nil {
		r.Patches, r.Runs = int(e.patches), int(e.runs)
	}
	return r, true
}

// entry returns the entry of a session, made the first time, and makes it the
// newest of those that the page shows. The caller holds mu.
func (t *Tenant) entry(id uuid.UUID) *entry {
	e := t.entries[id]
	if e == nil {
		e = &entry{}
		t.entries[id] = e
	}
	if at := slices.Index(t.recent, id); at >= 0 {
		t.recent = slices.Delete(t.recent, at, at+1)
	} else if len(t.recent) == recentSessions {
		t.recent = slices.Delete(t.recent, 0, 1)
	}
	t.recent = append(t.recent, id)
	return e
}

// session makes a session that the caller owns. The caller holds mu.
func (t *Tenant) session(id uuid.UUID) Session {
	s := seed(id)
	if e := t.entries[id]; e != nil {
		for _, f := range e.fields {
			s.set(f)
		}
		if e.updated != 0 {
			s.UpdatedAt = time.UnixMilli(e.updated).UTC()
		}
	}
	return s
}

// has reports whether there is a session of that id. None is ever removed.
func (t *Tenant) has(id uuid.UUID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.entries[id]
	return ok
}

func (t *Tenant) read(id uuid.UUID) Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entry(id) // the page shows it now
	return t.session(id)
}

// apply writes what a PATCH sent to a session that the tenant has, and returns
// the session as it is then.
func (t *Tenant) apply(id uuid.UUID, changes []field, run bool) Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.set(id, changes, run, now)
	t.totals.Applied++
	if run {
		t.totals.Runs++
	}
	line := stateLine{ID: id.String(), Set: map[string]string{}, Run: run, At: now.UnixMilli()}
	for _, c := range changes {
		line.Set[c.name] = c.value
	}
	t.keep(line)
	return t.session(id)
}

// set writes a PATCH to a session. The caller holds mu.
func (t *Tenant) set(id uuid.UUID, changes []field, run bool, at time.Time) {
	e := t.entry(id)
	if e.fields == nil && len(changes) > 0 {
		e.fields = make([]field, 0, len(changes)) // exactly: most sessions are updated once
	}
	for _, c := range changes {
		c.name = unique.Make(c.name).Value() // one copy for all sessions
		if at := slices.IndexFunc(e.fields, func(f field) bool { return f.name == c.name }); at >= 0 {
			e.fields[at] = c
		} else {
			e.fields = append(e.fields, c)
		}
	}
	e.updated = at.UnixMilli()
	e.patches++
	if run {
		e.runs++
	}
	t.version++
}

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
	t.state = file
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
	err := cmp.Or(t.stateErr, t.state.Close())
	t.state = nil
	return err
}

// keep appends a line to the state file, if there is one, in one write: a process
// that is killed loses at most the line that it was writing. The caller holds mu.
func (t *Tenant) keep(line stateLine) {
	if t.state == nil || t.stateErr != nil {
		return
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = t.state.Write(append(text, '\n'))
	}
	t.stateErr = err
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
