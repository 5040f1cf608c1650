package sheet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"
)

// IDs are the ids of sessions by their uids, in 33 bytes for each: first the
// uids are added, then the ids are found. It is not safe for concurrent use.
type IDs struct {
	all   []knownID           // sorted by key after Seal
	texts map[[16]byte]string // of uids that have no id, or more than one
}

type knownID struct {
	key   [16]byte // of the uid
	id    uuid.UUID
	state idState
}

type idState byte

const (
	idWanted idState = iota
	idTaken          // somebody looks it up
	idFound          // from here on there is an id
	idText           // see texts
	idKept           // found by an earlier session of the run
)

func uidHash(uid string) [16]byte {
	sum := sha256.Sum256([]byte(uid))
	return [16]byte(sum[:16])
}

// Add adds a uid whose id is to be found. Seal follows the last one.
func (d *IDs) Add(uid string) { d.all = append(d.all, knownID{key: uidHash(uid)}) }

// Keep adds a uid with the id that was found for it before, which stays what it
// is. What is no UUID is to be found again.
func (d *IDs) Keep(uid, id string) {
	if parsed, ok := ParseUUID(id); ok {
		d.all = append(d.all, knownID{uidHash(uid), parsed, idKept})
	}
}

// Seal makes ready for finding, and returns how many uids have no id yet.
func (d *IDs) Seal() (missing int) {
	slices.SortFunc(d.all, func(a, b knownID) int {
		if order := bytes.Compare(a.key[:], b.key[:]); order != 0 {
			return order
		}
		return int(b.state) - int(a.state)
	})
	d.all = slices.CompactFunc(d.all, func(a, b knownID) bool { return a.key == b.key })
	d.texts = map[[16]byte]string{}
	for i := range d.all {
		if d.all[i].state == idWanted {
			missing++
		}
	}
	return missing
}

func (d *IDs) find(uid string) *knownID {
	key := uidHash(uid)
	at, ok := slices.BinarySearchFunc(d.all, key, func(k knownID, key [16]byte) int { return bytes.Compare(k.key[:], key[:]) })
	if !ok {
		return nil
	}
	return &d.all[at]
}

// Take reports whether a uid has no id yet and was not taken before.
func (d *IDs) Take(uid string) bool {
	k := d.find(uid)
	if k == nil || k.state != idWanted {
		return false
	}
	k.state = idTaken
	return true
}

// Found takes in a session. Another one of the same uid leaves the uid without
// an id: the rows have the list of both in its place.
func (d *IDs) Found(uid, id string) {
	k := d.find(uid)
	if k == nil || k.state == idKept {
		return
	}
	parsed, ok := ParseUUID(id)
	switch {
	case k.state == idText:
	case k.state == idFound && (!ok || parsed != k.id):
		k.state, d.texts[k.key] = idText, k.id.String()+", "+id
	case !ok:
		k.state, d.texts[k.key] = idText, id
	default:
		k.state, k.id = idFound, parsed
	}
}

// ParseUUID reads a UUID in the one form that the API has: with its hyphens and no
// braces, in capitals or not. uuid.Parse takes others as well.
func ParseUUID(s string) (id uuid.UUID, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}

// Forget undoes Take and Found, for another way of finding.
func (d *IDs) Forget() {
	for i := range d.all {
		if d.all[i].state != idKept {
			d.all[i].state = idWanted
		}
	}
}

// of returns the id of a uid, "" where none was found, and what is no id where
// there is no telling which.
func (d *IDs) of(uid string) string {
	k := d.find(uid)
	switch {
	case k == nil || k.state < idFound:
		return ""
	case k.state == idText:
		return d.texts[k.key]
	}
	return k.id.String()
}

// ByUID reports whether the sheet names its sessions by their uids.
func (s *Sheet) ByUID() bool { return s.header.index(UID) >= 0 }

// SetIDs gives a sheet of uids the ids of its sessions: it has a column id then,
// after its own, and its rows have ids. Of any other sheet nothing changes.
func (s *Sheet) SetIDs(ids *IDs) { s.ids = ids }

// identified has fn get the rows with their ids.
func (s *Sheet) identified(fn func(*Row) error) func(*Row) error {
	key := s.header.index(UID)
	if s.ids == nil || key < 0 {
		return fn
	}
	return func(r *Row) error {
		r.ID = s.ids.of(Trim(r.Cells[key]))
		r.Cells = append(r.Cells, r.ID)
		return fn(r)
	}
}

// EachUID calls fn with the uid of each row that has one, whatever its part: that
// depends on the id.
func (s *Sheet) EachUID(ctx context.Context, fn func(uid string) error) error {
	key := s.header.index(UID)
	return s.EachOfAllParts(ctx, func(r *Row) error {
		if uid := Trim(r.Cells[key]); uid != "" {
			return fn(uid)
		}
		return nil
	})
}

// idsHeader is that of a file of ids. The last column says that the formula
// escape is on.
var idsHeader = []string{string(UID), string(ID), "result.source"}

// WriteIDs writes the ids that the sheet's rows have, those of other parts too,
// for ReadIDs.
func (s *Sheet) WriteIDs(ctx context.Context, to io.Writer) error {
	w := NewWriter(to, ',')
	if err := w.Write(idsHeader); err != nil {
		return err
	}
	key := s.header.index(UID)
	err := s.EachOfAllParts(ctx, func(r *Row) error {
		if r.ID == "" {
			return nil
		}
		return w.Write([]string{Trim(r.Cells[key]), r.ID, ""})
	})
	w.Flush()
	if err != nil {
		return err
	}
	return w.Error()
}

// ReadIDs adds what WriteIDs has written to a file.
func ReadIDs(ctx context.Context, path string, to *IDs) (err error) {
	s, err := Open(ctx, path, Options{Fields: Fields{Sent: []string{string(ID)}, ReadOnly: []string{string(UID)}}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.SkipHash()
	key := s.header.index(ReadOnly)
	if key < 0 || len(s.Problems()) > 0 {
		return fmt.Errorf("%s is not a file of ids", path)
	}
	return s.Each(ctx, func(r *Row) error {
		to.Keep(r.Cells[key], r.ID)
		return nil
	})
}
