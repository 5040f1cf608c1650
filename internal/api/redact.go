package api

import (
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
	mu     sync.RWMutex
	forms  []string // oldest first; replaced, never changed in place
	mixing []string // secrets that can be escaped in parts; as forms
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
	if !isPlainSecret(secret) && !slices.Contains(r.mixing, secret) {
		r.mixing = append(slices.Clip(r.mixing), secret)
		r.mixing = r.mixing[max(0, len(r.mixing)-maxForms):]
	}
}

// known is the forms, longest first, and the secrets to be looked for in any
// spelling.
func (r *redactor) known() (forms, mixing []string) {
	r.mu.RLock()
	forms, mixing = slices.Clone(r.forms), r.mixing
	r.mu.RUnlock()
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms, mixing
}

func (r *redactor) text(s string) string {
	forms, mixing := r.known()
	for _, f := range forms {
		s = strings.ReplaceAll(s, f, blot)
	}
	for _, secret := range mixing {
		s = blotEscaped(s, secret)
	}
	return s
}

// bytes returns a copy of b without secrets.
func (r *redactor) bytes(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return []byte(r.text(string(b)))
}
