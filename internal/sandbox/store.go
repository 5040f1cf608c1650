package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
