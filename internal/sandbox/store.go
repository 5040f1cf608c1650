package sandbox

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// recentSessions is how many of the sessions touched last the page shows.
const recentSessions = 200

// entry is what the tenant knows of a session beyond its id.
type entry struct {
	base          *Session // as given to Add; nil: made from the id
	fields        []field  // what PATCHes set, over the base
	updated       int64    // Unix milliseconds of the last PATCH applied; 0 none
	patches, runs int      // applied
	asked         [2]uint32
}

// The requests for one session whose faults are drawn, an index of asked.
const (
	askGet = iota
	askPatch
)

// AddID adds a session that is made from its id: the same id gives the same
// session everywhere. An id that the tenant has is left as it is. The error is
// an id that is not a UUID.
func (t *Tenant) AddID(id string) error {
	u, ok := parseID(id)
	if !ok {
		return fmt.Errorf("session id %q is not a UUID", id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.place(u)
	return nil
}

// Add adds a session as it is given, or puts it in the place of the one with
// its id, whose counts start again. Status, CreatedAt and UpdatedAt, which every
// session has, are made from the id where they are empty. The error is an id
// that is not a UUID.
func (t *Tenant) Add(s Session) error {
	u, ok := parseID(s.ID)
	if !ok {
		return fmt.Errorf("session id %q is not a UUID", s.ID)
	}
	made := seed(u)
	s = s.clone()
	s.ID = made.ID
	if s.Status == "" {
		s.Status = made.Status
	}
	if s.CreatedAt.IsZero() {
		s.CreatedAt = made.CreatedAt
	}
	if s.UpdatedAt.IsZero() {
		s.UpdatedAt = s.CreatedAt
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.place(u)
	t.entries[u] = &entry{base: &s}
	t.version++
	t.listing.order = nil // its created_at may be another now
	return nil
}

// place adds an id, unless it is there. The caller holds mu.
func (t *Tenant) place(id uuid.UUID) {
	if _, ok := t.entries[id]; ok {
		return
	}
	t.ids = append(t.ids, id)
	t.entries[id] = nil
	t.version++
}

// touch returns the entry of a session, made the first time, and makes it the
// newest of those that the page shows. The caller holds mu.
func (t *Tenant) touch(id uuid.UUID) *entry {
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
	e := t.entries[id]
	if e == nil {
		return seed(id)
	}
	var s Session
	if e.base != nil {
		s = e.base.clone()
	} else {
		s = seed(id)
	}
	for _, f := range e.fields {
		s.set(f)
	}
	if e.updated != 0 {
		s.UpdatedAt = time.UnixMilli(e.updated).UTC()
	}
	return s
}

// read gives a session by id.
func (t *Tenant) read(id uuid.UUID) (Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.entries[id]; !ok {
		return Session{}, false
	}
	t.touch(id)
	return t.session(id), true
}

// apply writes what a PATCH sent and gives the session as it is then.
func (t *Tenant) apply(id uuid.UUID, changes []field, run bool) (Session, bool) {
	now := time.Now().UnixMilli()
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.entries[id]; !ok {
		return Session{}, false
	}
	e := t.touch(id)
	if e.fields == nil && len(changes) > 0 {
		e.fields = make([]field, 0, len(changes)) // exactly: most sessions are updated once
	}
	for _, c := range changes {
		c.name = t.intern(c.name)
		if at := slices.IndexFunc(e.fields, func(f field) bool { return f.name == c.name }); at >= 0 {
			e.fields[at] = c
		} else {
			e.fields = append(e.fields, c)
		}
	}
	e.updated = now
	e.patches++
	t.counts.applied.Add(1)
	if run {
		e.runs++
		t.counts.runs.Add(1)
	}
	t.version++
	return t.session(id), true
}

// intern keeps one copy of each field name. The caller holds mu.
func (t *Tenant) intern(name string) string {
	if kept, ok := t.names[name]; ok {
		return kept
	}
	t.names[name] = name
	return name
}
