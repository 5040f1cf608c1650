package api

import (
	"encoding/json"
	"errors"
	"strings"
)

// Session is a workflow session as the tenant tells it. The API documents
// strings, yet answers with nulls, numbers and arrays in their place have been
// seen, so every value is read leniently: null is the empty string, numbers
// and booleans are their JSON text, the elements of an array are joined by
// ", ". An unknown status is data, not an error.
type Session struct {
	ID            string
	UID           string
	WorkflowID    string
	RequesterID   string
	RequesterType string
	ProfileID     string
	ProfileIDs    []string
	Status        string            // as spelled by the tenant: "pending_approval" or "pending approval"
	Attributes    map[string]string // by attribute UID; a key that is there with "" was told to be empty
	CreatedAt     string            // RFC 3339, as received
	UpdatedAt     string            // RFC 3339, as received

	// Has tells which of the fields above the answer bore at all, so that
	// "empty" and "not told" can be told apart.
	Has Fields
	// Raw is the session's JSON object as received, for Get and List; nil
	// in the answer to Patch.
	Raw json.RawMessage
}

// Fields is a set of fields of a Session.
type Fields uint16

// The fields that an answer may leave out.
const (
	FieldUID Fields = 1 << iota
	FieldWorkflowID
	FieldRequesterID
	FieldRequesterType
	FieldProfileID
	FieldProfileIDs
	FieldStatus
	FieldAttributes
	FieldCreatedAt
	FieldUpdatedAt
)

// All reports whether every field of g is in f.
func (f Fields) All(g Fields) bool { return f&g == g }

// session reads one session object. It reports whether the value was an
// object; anything else is skipped.
func (p *parser) session() (s Session, ok bool) {
	if p.peek() != '{' {
		p.skip()
		return s, false
	}
	for key, more := p.firstKey(); more; key, more = p.nextKey() {
		switch key {
		case "id":
			s.ID = p.text()
		case "uid":
			s.set(FieldUID, &s.UID, p.text())
		case "workflow_id":
			s.set(FieldWorkflowID, &s.WorkflowID, p.text())
		case "requester_id":
			s.set(FieldRequesterID, &s.RequesterID, p.text())
		case "requester_type":
			s.set(FieldRequesterType, &s.RequesterType, p.text())
		case "profile_id":
			s.set(FieldProfileID, &s.ProfileID, p.text())
		case "status":
			s.set(FieldStatus, &s.Status, p.text())
		case "created_at":
			s.set(FieldCreatedAt, &s.CreatedAt, p.text())
		case "updated_at":
			s.set(FieldUpdatedAt, &s.UpdatedAt, p.text())
		case "profile_ids":
			s.ProfileIDs = splitIDs(p.text())
			s.Has |= FieldProfileIDs
		case "attributes":
			s.Attributes = p.attributes()
			s.Has |= FieldAttributes
		default:
			p.skip()
		}
	}
	return s, !p.bad
}

func (s *Session) set(f Fields, to *string, value string) {
	*to = value
	s.Has |= f
}

// attributes reads the object of attributes; nil for anything else and for an
// empty one.
func (p *parser) attributes() map[string]string {
	if p.peek() != '{' {
		p.skip()
		return nil
	}
	var m map[string]string
	for key, more := p.firstKey(); more; key, more = p.nextKey() {
		if m == nil {
			m = make(map[string]string, 8)
		}
		m[key] = p.text()
	}
	return m
}

// splitIDs takes apart what an array was joined to, and the single string
// that the tenant may answer instead of one.
func splitIDs(s string) []string {
	if s == "" {
		return nil
	}
	var ids []string
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool {
		return r == ',' || r == ';' || r == '|' || r == ' ' || r == '\n' || r == '\r' || r == '\t'
	}) {
		ids = append(ids, part)
	}
	return ids
}

// ParseSession reads a session from its JSON object, such as Session.Raw.
func ParseSession(object []byte) (Session, error) {
	p := newParser(object)
	p.space()
	s, ok := p.session()
	if !ok || !p.end() {
		return Session{}, errors.New("not a workflow session")
	}
	s.Raw = object
	return s, nil
}
