package batch

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"nermbulk/internal/api"
)

// lister is what a snapshot is taken with.
type lister interface {
	List(ctx context.Context, q api.Query) (api.Page, api.Answer)
}

// A snapshot holds the tenant's sessions as its list showed them, in a file
// that is gone when it is closed. A session takes 16 bytes of memory. It saves
// one GET for each row that turns out to be as the sheet asks; what differs is
// read again right before it is sent.
type snapshot struct {
	file  *os.File
	named bool // the file must be removed in the end
	seed  maphash.Seed
	index []listed
	end   int // of the file
	read  sync.Mutex
	buf   []byte
}

// listed is where one session is in the file.
type listed struct {
	print uint64 // of its id
	place uint64 // offset << sizeBits | size
}

const (
	sizeBits = 24
	maxSize  = 1<<sizeBits - 1
)

// listIsCheaper decides between the list and one GET for each row. The list
// costs a request for each page of the whole tenant, however few of its
// sessions the sheet has.
func listIsCheaper(rows, total int) bool {
	return total > 0 && (total+api.PageSize-1)/api.PageSize < rows
}

// takeSnapshot lists the tenant's sessions, if that costs fewer requests than
// reading each of the sheet's rows. It returns nil when it does not, or when
// the list cannot be had; said is the choice. A list that ends too early is
// of use for what it has shown.
func takeSnapshot(ctx context.Context, from lister, rows int, dir string) (s *snapshot, said string, err error) {
	var w *bufio.Writer
	pages, most, broken := 0, 0, ""
	for page, failed := range api.Pages(ctx, from.List, api.Query{}) {
		switch {
		case s != nil && failed != nil:
			broken = reason(failed)
			continue // there is no other page
		case s != nil:
		case ctx.Err() != nil:
			return nil, "", nil
		case failed != nil:
			return nil, "each session is read by itself: the list could not be had: " + reason(failed), nil
		case page.Total > 0 && !listIsCheaper(rows, page.Total):
			return nil, fmt.Sprintf("each session is read by itself: %d GETs for the rows cost no more than listing the tenant's %d sessions", rows, page.Total), nil
		default:
			if s, err = newSnapshot(dir); err != nil {
				return nil, "", err
			}
			w = bufio.NewWriterSize(s.file, 256<<10)
			most = maxPages(rows, page.Total)
		}
		if err = s.add(w, page.Sessions); err != nil {
			return nil, "", errors.Join(err, s.close())
		}
		if pages++; pages == most && !page.Last {
			broken = "it did not come to an end"
			break
		}
	}
	if err := w.Flush(); err != nil {
		return nil, "", errors.Join(fmt.Errorf("keep the list of sessions: %w", err), s.close())
	}
	slices.SortFunc(s.index, func(a, b listed) int { return cmp.Or(cmp.Compare(a.print, b.print), cmp.Compare(a.place, b.place)) })
	if broken != "" && ctx.Err() == nil {
		return s, fmt.Sprintf("the list ended after %d pages (%s): what it did not show (%d sessions were shown) is read by itself", pages, broken, len(s.index)), nil
	}
	return s, fmt.Sprintf("sessions are compared by the tenant's list (%d sessions, requests: %d), instead of one GET for each of %d rows", len(s.index), pages, rows), nil
}

// reason is why the list could not be read on, in the tenant's words where it
// answered.
func reason(err error) string {
	if list, ok := errors.AsType[*api.ListError](err); ok {
		return list.Answer.Message
	}
	return err.Error()
}

// maxPages is how many pages are read at most. A tenant that does not say how
// many sessions it has may have a great many: what is spent on finding out is
// little against the GETs that follow if the list is given up.
func maxPages(rows, total int) int {
	if total == 0 {
		return max(1, rows/20)
	}
	// Sessions that are added meanwhile, and pages that are smaller than what
	// was asked for, make more pages than were counted.
	return min(rows, 4*((total+api.PageSize-1)/api.PageSize)+10)
}

func newSnapshot(dir string) (*snapshot, error) {
	f, err := os.CreateTemp(dir, ".sessions-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("keep the list of sessions: %w", err)
	}
	// Where the system allows it, the file has no name from here on: it holds
	// personal data, and a kill must not leave it behind.
	named := os.Remove(f.Name()) != nil
	return &snapshot{file: f, named: named, seed: maphash.MakeSeed()}, nil
}

// add keeps a page's sessions.
func (s *snapshot) add(w io.Writer, sessions []api.Session) error {
	for _, session := range sessions {
		if len(session.Raw) > maxSize {
			continue // read by itself, if a row asks for it
		}
		n, err := w.Write(session.Raw)
		if err != nil {
			return fmt.Errorf("keep the list of sessions: %w", err)
		}
		s.index = append(s.index, listed{s.fingerprint(strings.ToLower(session.ID)), uint64(s.end)<<sizeBits | uint64(n)})
		s.end += n
	}
	return nil
}

// find returns the session of an id in lower case as it was listed; ok is false when the
// list did not have it, or had it twice: it changed while it was listed, and
// which of the two came last is not known.
func (s *snapshot) find(id string) (session api.Session, ok bool) {
	if s == nil {
		return session, false
	}
	s.read.Lock()
	defer s.read.Unlock()
	print := s.fingerprint(id)
	at, found := slices.BinarySearchFunc(s.index, print, func(l listed, print uint64) int { return cmp.Compare(l.print, print) })
	if !found || at+1 < len(s.index) && s.index[at+1].print == print {
		return session, false
	}
	place := s.index[at].place
	s.buf = slices.Grow(s.buf[:0], int(place&maxSize))[:place&maxSize]
	if _, err := s.file.ReadAt(s.buf, int64(place>>sizeBits)); err != nil {
		return session, false // it is read from the tenant instead
	}
	session, err := api.ParseSession(slices.Clone(s.buf))
	// Two ids can share a fingerprint.
	return session, err == nil && strings.ToLower(session.ID) == id
}

func (s *snapshot) fingerprint(id string) uint64 { return maphash.String(s.seed, id) }

func (s *snapshot) close() error {
	if s == nil {
		return nil
	}
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
