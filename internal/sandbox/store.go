package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// recentSessions is how many of the sessions touched last the page shows.
const recentSessions = 200

// entry is what the tenant knows of a session beyond its id.
type entry struct {
	base          *Session // as given to Add; nil: made from the id
	fields        []field  // what PATCHes set, over the base
	updated       int64    // Unix milliseconds of the last PATCH applied; 0 none
	patches, runs uint32   // applied
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
	u, ok := parseUUID(id)
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
	u, ok := parseUUID(s.ID)
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
	t.entries[t.place(u)] = &entry{base: &s}
	t.version++
	t.listing.order = nil // its created_at may be another now
	return nil
}

// find gives the place of an id. The caller holds mu.
func (t *Tenant) find(u uuid) (uint32, bool) { return t.index.find(t.ids, u) }

// place finds or makes room for an id. The caller holds mu.
func (t *Tenant) place(u uuid) uint32 {
	if i, ok := t.find(u); ok {
		return i
	}
	i := uint32(len(t.ids))
	t.ids = append(t.ids, u)
	t.index.add(t.ids)
	t.entries = append(t.entries, nil)
	t.version++
	return i
}

// touch gives the entry of a session, made where it is the first time, and
// notes that it was looked at. The caller holds mu.
func (t *Tenant) touch(i uint32) *entry {
	if t.entries[i] == nil {
		t.entries[i] = &entry{}
	}
	if n := len(t.recent); n == 0 || t.recent[n-1] != i {
		t.recent = append(t.recent, i)
	}
	if len(t.recent) >= 16*recentSessions {
		newest := t.newest()
		slices.Reverse(newest)
		t.recent = append(t.recent[:0], newest...)
	}
	return t.entries[i]
}

// newest lists the sessions touched last, newest first, each once. The caller
// holds mu.
func (t *Tenant) newest() []uint32 {
	seen := make(map[uint32]bool, recentSessions)
	list := make([]uint32, 0, recentSessions)
	for _, i := range slices.Backward(t.recent) {
		if len(list) == recentSessions {
			break
		}
		if !seen[i] {
			seen[i] = true
			list = append(list, i)
		}
	}
	return list
}

// session makes the session at a place; the caller holds mu and owns what it
// gets.
func (t *Tenant) session(i uint32) Session {
	e := t.entries[i]
	if e == nil {
		return seed(t.ids[i])
	}
	var s Session
	if e.base != nil {
		s = e.base.clone()
	} else {
		s = seed(t.ids[i])
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
func (t *Tenant) read(id uuid) (Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.find(id)
	if !ok {
		return Session{}, false
	}
	t.touch(i)
	return t.session(i), true
}

// apply writes what a PATCH sent and gives the session as it is then.
func (t *Tenant) apply(id uuid, changes []field, run bool) (Session, bool) {
	now := time.Now().UnixMilli()
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.find(id)
	if !ok {
		return Session{}, false
	}
	e := t.touch(i)
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
	return t.session(i), true
}

// intern keeps one copy of each field name. The caller holds mu.
func (t *Tenant) intern(name string) string {
	if !strings.HasPrefix(name, attributePrefix) {
		return name // a constant of this package
	}
	if kept, ok := t.names[name]; ok {
		return kept
	}
	t.names[name] = name
	return name
}
