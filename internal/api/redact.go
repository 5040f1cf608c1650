package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// redactor blots out secrets in whatever came from outside before it can
// reach a message, a log line or a file. It is safe for concurrent use.
type redactor struct {
	mu    sync.RWMutex
	forms []string // oldest first; replaced, never changed in place
}

const (
	blot = "[redacted]"
	// minSecret keeps a one-letter "secret" of a test tenant from blotting
	// out every message.
	minSecret = 4
	// maxForms bounds what a run of days remembers: access tokens that were
	// renewed long ago are worth nothing to anyone.
	maxForms = 256
)

// add makes a secret known, in each spelling in which a server may echo it.
func (r *redactor) add(secret string) {
	if len(secret) < minSecret {
		return
	}
	quoted, _ := json.Marshal(secret) // a string always marshals
	forms := []string{
		secret,
		url.QueryEscape(secret),
		url.PathEscape(secret),
		strings.Trim(string(quoted), `"`),
		strings.ReplaceAll(secret, "/", `\/`),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.URLEncoding.EncodeToString([]byte(secret)),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.forms
	for _, f := range forms {
		if !slices.Contains(kept, f) {
			kept = append(slices.Clip(kept), f)
		}
	}
	if len(kept) > maxForms {
		kept = kept[len(kept)-maxForms:]
	}
	r.forms = kept
}

// known is the forms, longest first.
func (r *redactor) known() []string {
	r.mu.RLock()
	forms := slices.Clone(r.forms)
	r.mu.RUnlock()
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}

func (r *redactor) text(s string) string {
	for _, f := range r.known() {
		s = strings.ReplaceAll(s, f, blot)
	}
	return s
}

// bytes returns a copy of b without secrets.
func (r *redactor) bytes(b []byte) []byte {
	b = bytes.Clone(b)
	for _, f := range r.known() {
		if bytes.Contains(b, []byte(f)) {
			b = bytes.ReplaceAll(b, []byte(f), []byte(blot))
		}
	}
	return b
}
