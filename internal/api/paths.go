package api

import (
	"net/url"
	"strings"
)

// paths builds the addresses of sessions under a base URL.
type paths struct {
	plain   string // decoded, as url.URL.Path has it
	escaped string // as sent
}

func newPaths(base *url.URL) paths {
	const sessions = "/workflow_sessions"
	return paths{plain: base.Path + sessions, escaped: base.EscapedPath() + sessions}
}

// session points u to one session; isSegment holds for the id.
func (p paths) session(u *url.URL, id string) {
	u.Path, u.RawPath = p.plain+"/"+id, ""
	if p.plain != p.escaped || !isPlainID(id) {
		u.RawPath = p.escaped + "/" + url.PathEscape(id)
	}
}

// list points u to the list of sessions.
func (p paths) list(u *url.URL) {
	u.Path, u.RawPath = p.plain, ""
	if p.plain != p.escaped {
		u.RawPath = p.escaped
	}
}

// isPlainID reports whether the id needs no escaping, as UUIDs do not.
func isPlainID(id string) bool {
	return strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// isSegment reports whether the id can be a segment of a path: it is not
// empty, and not one of those that climb out of it.
func isSegment(id string) bool { return id != "" && id != "." && id != ".." }
