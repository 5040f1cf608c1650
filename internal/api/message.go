package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	maxMessage = 500     // runes of a reason in an answer that is JSON
	maxPlain   = 200     // runes of an answer that is plain text
	maxBody    = 4 << 10 // bytes of a body that an Answer keeps
)

// explainer puts answers that are not the session into one line for people.
type explainer struct {
	base    *url.URL
	secrets *redactor
}

// clean is plain without secrets: once before the cut, so that no half of one
// is left, and once after control characters are gone.
func (e explainer) clean(s string, limit int) string {
	return e.secrets.text(plain(e.secrets.text(s), limit))
}

// refusal explains an answer other than 2xx, with the hint that helps most.
func (e explainer) refusal(status int, h http.Header, body []byte) string {
	if status >= 300 && status < 400 {
		return e.redirect(status, h)
	}
	text := e.reason(status, h, body)
	switch {
	case status == http.StatusUnauthorized:
		return text + "; the token was not accepted: check that it is whole, has not expired and is for this tenant, and --auth-scheme"
	case status == http.StatusForbidden:
		return text + "; only NERM admins may use this API, and the tenant's IP allow-list may not hold this machine's address"
	case status == http.StatusNotFound && !e.hasAPI():
		return text + "; the base URL lacks /api at its end, which most tenants need"
	}
	return text
}

// hasAPI reports whether the base URL goes through /api.
func (e explainer) hasAPI() bool {
	return strings.Contains(strings.ToLower(e.base.Path)+"/", "/api/")
}

// reason is what the body says, and the status where the body alone would
// leave a person wondering.
func (e explainer) reason(status int, h http.Header, body []byte) string {
	head := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)))
	if text := e.clean(jsonReason(body), maxMessage); text != "" {
		switch status {
		case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
			return text // their text says it all
		}
		return fmt.Sprintf("%s (HTTP %d)", text, status)
	}
	return head + ", " + e.other(h, body)
}

// other describes a body that holds no reason as JSON.
func (e explainer) other(h http.Header, body []byte) string {
	if isHTML(h.Get("Content-Type"), body) {
		return e.secrets.text(pageText([]byte(e.secrets.text(string(body)))))
	}
	if text := e.clean(string(body), maxPlain); text != "" {
		return "with the text: " + text
	}
	return "with an empty answer"
}

// redirect names where an answer pointed to, without what may hold secrets.
func (e explainer) redirect(status int, h http.Header) string {
	where := "elsewhere"
	if u, err := e.base.Parse(h.Get("Location")); err == nil && h.Get("Location") != "" {
		where = "to " + e.clean((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), maxPlain)
	}
	return fmt.Sprintf("the tenant pointed %s (HTTP %d); redirects are never followed: check the base URL", where, status)
}

// unclear explains a 2xx that is not the answer which the API documents.
func (e explainer) unclear(status int, h http.Header, body []byte, problem string) string {
	if problem == "" {
		problem = "is not the session"
	}
	switch {
	case len(strings.TrimSpace(string(body))) == 0:
		return fmt.Sprintf("HTTP %d, but the answer is empty", status)
	case isHTML(h.Get("Content-Type"), body):
		return fmt.Sprintf("HTTP %d, but the answer is %s", status, e.other(h, body))
	}
	if text := e.clean(jsonReason(body), maxMessage); text != "" {
		return fmt.Sprintf("HTTP %d, but with an error: %s", status, text)
	}
	return fmt.Sprintf("HTTP %d, but the answer %s", status, e.clean(problem, maxMessage))
}
