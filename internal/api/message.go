package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"nermbulk/internal/text"
)

const (
	maxMessage = 500     // characters of a reason in an answer that is JSON
	maxPlain   = 200     // characters of an answer that is plain text
	maxTitle   = 120     // characters of a page's title
	maxTyped   = 100     // characters of what the user typed that a message repeats
	maxBody    = 4 << 10 // bytes of a body that an Answer keeps
)

// kept returns the part of a body that an Answer keeps.
func (c *Client) kept(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return []byte(text.Head(c.secrets.text(string(b)), maxBody))
}

// refusal explains an answer other than 2xx, with the hint that helps most.
func (c *Client) refusal(status int, h http.Header, body []byte) string {
	if status >= 300 && status < 400 {
		return c.redirect(status, h)
	}
	reason := c.reason(status, h, body)
	switch {
	case status == http.StatusUnauthorized:
		return reason + "; the token was not accepted: check that it is whole, has not expired and is for this tenant, and --auth-scheme"
	case status == http.StatusForbidden:
		return reason + "; only NERM admins may use this API, and the tenant's IP allow-list may not hold this machine's address"
	case status == http.StatusNotFound && !strings.Contains(strings.ToLower(c.base.Path)+"/", "/api/"):
		return reason + "; the base URL lacks /api at its end, which most tenants need"
	}
	return reason
}

// reason is what the body says, with the status where the body alone is not
// enough.
func (c *Client) reason(status int, h http.Header, body []byte) string {
	if reason := c.secrets.line(jsonReason(body), maxMessage); reason != "" {
		switch status {
		case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
			return reason
		}
		return fmt.Sprintf("%s (HTTP %d)", reason, status)
	}
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))) + ", " + c.other(h, body)
}

// other describes a body that holds no reason as JSON.
func (c *Client) other(h http.Header, body []byte) string {
	if isHTML(h.Get("Content-Type"), body) {
		return c.page(body)
	}
	if packing := unreadPacking(h, body); packing != "" {
		return "with an answer that is " + packing
	}
	if line := c.secrets.line(string(body), maxPlain); line != "" {
		return "with the text: " + line
	}
	return "with an empty answer"
}

// unreadPacking explains a body of which nothing is left since it is packed in a
// way that is not known; "" for any other.
func unreadPacking(h http.Header, body []byte) string {
	if packing := codings(h); len(packing) > 0 && len(body) == 0 {
		return "packed as " + text.Line(strings.Join(packing, ", "), maxTyped) + ", which was not asked for and is not read"
	}
	return ""
}

// redirect names where an answer pointed to, without what may hold secrets.
func (c *Client) redirect(status int, h http.Header) string {
	where := "elsewhere"
	if u, err := c.base.Parse(h.Get("Location")); err == nil && h.Get("Location") != "" {
		where = "to " + c.secrets.line((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), maxPlain)
	}
	return fmt.Sprintf("the tenant pointed %s (HTTP %d); redirects are never followed: check the base URL", where, status)
}

// unclear explains a 2xx that is not the answer which the API documents.
func (c *Client) unclear(status int, h http.Header, body []byte, problem string) string {
	switch packing := unreadPacking(h, body); {
	case packing != "":
		return fmt.Sprintf("HTTP %d, but the answer is %s", status, packing)
	case len(bytes.TrimSpace(body)) == 0:
		return fmt.Sprintf("HTTP %d, but the answer is empty", status)
	case isHTML(h.Get("Content-Type"), body):
		return fmt.Sprintf("HTTP %d, but the answer is %s", status, c.page(body))
	}
	if reason := c.secrets.line(jsonReason(body), maxMessage); reason != "" {
		return fmt.Sprintf("HTTP %d, but with an error: %s", status, reason)
	}
	return fmt.Sprintf("HTTP %d, but the answer %s", status, c.secrets.line(problem, maxMessage))
}

// isHTML reports whether an answer is a page for people, as a proxy, a
// firewall or a login gives one.
func isHTML(contentType string, body []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 256)]))
	return strings.Contains(strings.ToLower(contentType), "html") ||
		bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)

// page names a page by its title, if it has one; its markup is never shown.
func (c *Client) page(body []byte) string {
	const page = "an HTML page, probably from a proxy"
	if title := pageTitle.FindStringSubmatch(c.secrets.text(string(body))); title != nil {
		if line := c.secrets.text(text.Line(html.UnescapeString(title[1]), maxTitle)); line != "" {
			return page + `, titled "` + line + `"`
		}
	}
	return page
}

// jsonReason returns the reason that a JSON body gives, in any of the forms
// that this API, its gateway and proxies before it use; "" when it gives none:
//
//	{"error":"text","message":"text","base":["text",…]}
//	{"error":"text","errors":{"attribute":"text" or ["text",…]}}
//	{"errors":["text",…]}
//	{"error":{"message":"text"}}, {"title":"text","detail":"text"}
//	{"messages":[{"text":"text"}]}
func jsonReason(body []byte) string {
	if !json.Valid(body) {
		return ""
	}
	var whole map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&whole) != nil {
		return ""
	}
	reason, colon := "", ": "
	for _, key := range []string{"error", "title", "message", "detail", "error_description", "base", "errors", "messages"} {
		part := flatten(whole[key])
		if fields, ok := whole[key].(map[string]any); ok && key == "errors" {
			part = entries(fields)
		}
		part = strings.TrimRight(part, " :")
		switch {
		case part == "" || strings.Contains(reason, part): // it was said
		case reason == "" || strings.HasPrefix(part, reason):
			reason = part
		default:
			reason += colon + part
			colon = "; "
		}
	}
	return reason
}

// flatten returns any value as text. An object that is a message of its own is
// that message, any other its entries.
func flatten(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []any:
		var parts []string
		for _, element := range v {
			if s := flatten(element); s != "" {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		for _, key := range []string{"message", "text", "detail"} {
			if s := flatten(v[key]); s != "" {
				return s
			}
		}
		return entries(v)
	}
	return fmt.Sprint(value) // a number or a boolean
}

// entries returns "name text" for each entry, ordered by name so that equal
// refusals read equally.
func entries(object map[string]any) string {
	var parts []string
	for name, value := range object {
		switch s := flatten(value); {
		case s == "":
		case name == "base":
			parts = append(parts, s) // about the whole object, not an attribute
		default:
			parts = append(parts, name+" "+s)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// netReason returns in plain words why a connection could not be made or broke.
// It holds no secret.
func netReason(err error, secrets *redactor) string {
	if reason := certReason(err); reason != "" {
		return reason
	}
	through := ""
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		through = "the proxy: "
	}
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return through + fmt.Sprintf("the host name %s is not known", text.Line(dns.Name, maxTyped))
	case errors.As(err, &dns):
		return through + fmt.Sprintf("the host name %s could not be looked up", text.Line(dns.Name, maxTyped))
	case errors.Is(err, connRefused):
		return through + "connection refused"
	case errors.Is(err, netUnreachable), errors.Is(err, hostUnreachable):
		return through + "there is no route to the host"
	case errors.Is(err, connReset), errors.Is(err, connAborted):
		return through + "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return through + "connection closed by the other side"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return through + "no answer in time"
	}
	reason := err.Error()
	for _, prefix := range []string{"net/http: ", "http: ", "HTTP/1.x transport connection broken: "} {
		reason = strings.TrimPrefix(reason, prefix)
	}
	return secrets.line(reason, maxMessage)
}

// certReason names what is wrong with a certificate and what to do; "" for
// any other error. Nothing was sent, so a wrong certificate is treated like a
// fault that passes.
func certReason(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		roots   x509.SystemRootsError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown), errors.As(err, &roots):
		return "its certificate is signed by an unknown authority; if that is your organisation's own, name its root certificate with --ca-file"
	case errors.As(err, &host):
		return "its certificate is for another host; check the address"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet; check this machine's clock too"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "its certificate cannot be verified; if a private authority signed it, name its root certificate with --ca-file"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS at this address; check the address and port"
	}
	return ""
}
