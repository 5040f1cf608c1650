package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Session is a workflow session as the tenant shows it. The API documents
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
	Attributes    map[string]string // by attribute UID; a key that is there with "" is known to be empty
	CreatedAt     string            // RFC 3339, as received
	UpdatedAt     string            // RFC 3339, as received

	// Has holds which of the fields that can be changed the answer had at all: one
	// that is not in it is unknown, not empty.
	Has Fields
	// Raw is the session's JSON object as received, for Get and List; nil
	// in the answer to Patch.
	Raw json.RawMessage
}

// Fields is a set of fields of a Session.
type Fields uint16

// The fields that can be changed, and that an answer may leave out.
const (
	FieldWorkflowID Fields = 1 << iota
	FieldRequesterID
	FieldRequesterType
	FieldProfileID
	FieldProfileIDs
	FieldStatus
	FieldAttributes
)

// All reports whether every field of g is in f.
func (f Fields) All(g Fields) bool { return f&g == g }

// wireSession is a session in JSON.
type wireSession struct {
	ID            lenient    `json:"id"`
	UID           lenient    `json:"uid"`
	WorkflowID    lenient    `json:"workflow_id"`
	RequesterID   lenient    `json:"requester_id"`
	RequesterType lenient    `json:"requester_type"`
	ProfileID     lenient    `json:"profile_id"`
	ProfileIDs    lenient    `json:"profile_ids"`
	Status        lenient    `json:"status"`
	Attributes    attributes `json:"attributes"`
	CreatedAt     lenient    `json:"created_at"`
	UpdatedAt     lenient    `json:"updated_at"`
}

func (w *wireSession) session() *Session {
	s := &Session{
		ID: w.ID.value, UID: w.UID.value, WorkflowID: w.WorkflowID.value,
		RequesterID: w.RequesterID.value, RequesterType: w.RequesterType.value,
		ProfileID: w.ProfileID.value, ProfileIDs: strings.FieldsFunc(w.ProfileIDs.value, isListSeparator),
		Status: w.Status.value, Attributes: w.Attributes.values,
		CreatedAt: w.CreatedAt.value, UpdatedAt: w.UpdatedAt.value,
	}
	for i, given := range [...]bool{ // in the order of Fields
		w.WorkflowID.given, w.RequesterID.given, w.RequesterType.given, w.ProfileID.given,
		w.ProfileIDs.given, w.Status.given, w.Attributes.given,
	} {
		if given {
			s.Has |= 1 << i
		}
	}
	return s
}

// isListSeparator divides profile_ids, which the tenant may answer as one
// string.
func isListSeparator(r rune) bool { return strings.ContainsRune(",;| \n\r\t", r) }

// ParseSession reads a session from its JSON object, such as Session.Raw.
func ParseSession(object []byte) (Session, error) {
	var w *wireSession
	if err := unmarshal(object, &w); err != nil || w == nil {
		return Session{}, errors.New("not a workflow session")
	}
	s := w.session()
	s.Raw = object
	return *s, nil
}

// List reads one page of sessions, with retries: see readList.
func (c *Client) List(ctx context.Context, q Query) (Page[Session], Answer) {
	return readList(ctx, c, "workflow_sessions", q, ParseSession)
}

func (s Session) listKey() string { return s.ID }
func (Session) plural() string    { return "sessions" }

// lenient is any JSON value as text: null is "", the elements of an array are
// joined by ", ", numbers, booleans and objects are their JSON.
type lenient struct {
	value string
	given bool // there was a value, null too
}

// UnmarshalJSON never fails: encoding/json has checked b.
func (t *lenient) UnmarshalJSON(b []byte) error {
	t.given = true
	switch b[0] {
	case 'n':
		t.value = ""
	case '"':
		if bytes.IndexByte(b, '\\') < 0 {
			t.value = string(b[1 : len(b)-1])
			return nil
		}
		return json.Unmarshal(b, &t.value)
	case '[':
		var list []lenient
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
		parts := make([]string, len(list))
		for i, element := range list {
			parts[i] = element.value
		}
		t.value = strings.Join(parts, ", ")
	default:
		t.value = string(b)
	}
	return nil
}

// attributes are the values by UID. Anything but an object shows none of them.
type attributes struct {
	values map[string]string
	given  bool
}

// UnmarshalJSON takes whatever is there.
func (a *attributes) UnmarshalJSON(b []byte) error {
	a.given = b[0] == '{'
	if !a.given || json.Unmarshal(b, &a.values) == nil {
		return nil
	}
	var values map[string]lenient // some are not strings
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	for uid, t := range values {
		a.values[uid] = t.value
	}
	return nil
}

// unmarshal is json.Unmarshal for a text that need not be valid UTF-8.
func unmarshal(body []byte, to any) error {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	return json.Unmarshal(body, to)
}

// readAnswer reads the body of a 200 into doc, whose error is failure. fits is
// false for JSON of another form than doc's, of which only a part was read.
// problem continues the sentence "the answer …".
func readAnswer(body []byte, doc any, failure *lenient) (fits bool, problem string) {
	err := unmarshal(body, doc)
	_, other := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case err != nil && !other:
		return false, "is not JSON"
	case failure.value != "":
		return false, "is an error"
	}
	return !other, ""
}
