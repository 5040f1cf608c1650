package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tokenPrefix begins every issued token; no other token with it is accepted.
const tokenPrefix = "sandbox-"

// authorize returns what is wrong with a request's Authorization header, or "".
func (t *Tenant) authorize(header string) string {
	token := bearer(header)
	if token == "" {
		return "no token was sent"
	}
	t.mu.Lock()
	expiry, issued := t.tokens[token]
	t.mu.Unlock()
	switch {
	case issued && time.Now().After(expiry):
		return "the token has expired"
	case issued, t.opts.Token != "" && equal(token, t.opts.Token):
		return ""
	case t.opts.Token != "", strings.HasPrefix(token, tokenPrefix): // revoked, or of another sandbox
		return "the token is not known"
	}
	return ""
}

// bearer reads the token of `Bearer T`, and of the older `Token token=T`, which
// may be quoted; "" where there is none.
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	older, isOlder := strings.CutPrefix(token, "token=")
	switch {
	case strings.EqualFold(scheme, "bearer"):
		return token
	case strings.EqualFold(scheme, "token") && isOlder:
		return strings.Trim(older, `"`)
	}
	return ""
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// serveToken answers POST /oauth/token: client credentials, in the form or as
// basic authentication.
func (t *Tenant) serveToken(r *http.Request) (kind, answer) {
	if r.Method != http.MethodPost {
		return kindToken, refusal(http.StatusMethodNotAllowed, "invalid_request")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return kindToken, refusal(http.StatusBadRequest, "invalid_request")
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		return kindToken, refusal(http.StatusBadRequest, "unsupported_grant_type")
	}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, secret = formDecoded(user), formDecoded(password)
	}
	if !accepted(id, t.opts.ClientID) || !accepted(secret, t.opts.ClientSecret) {
		return kindToken, refusal(http.StatusUnauthorized, "invalid_client")
	}
	token, life := tokenPrefix+rand.Text(), t.opts.TokenLife
	t.mu.Lock()
	t.tokens[token] = time.Now().Add(life)
	t.mu.Unlock()
	return kindToken, inJSON(http.StatusOK, map[string]any{
		"access_token": token,
		"token_type":   "bearer",
		"expires_in":   int(math.Ceil(life.Seconds())),
		"scope":        "sp:scopes:all",
	})
}

// formDecoded undoes the encoding that OAuth 2.0 (RFC 6749, 2.3.1) asks for in
// basic authentication; what was not encoded stays as it is.
func formDecoded(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// accepted compares a credential with the one wanted; none wanted is any.
func accepted(given, wanted string) bool {
	if wanted == "" {
		return given != ""
	}
	return equal(given, wanted)
}
