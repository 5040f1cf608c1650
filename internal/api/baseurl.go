package api

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"nermbulk/internal/text"
)

// ParseBaseURL reads the root of a tenant's API, such as
// https://acme.nonemployee.com/api. It has to be https, unless the host is
// this machine, and may not carry credentials, a query or a fragment; slashes
// at its end are cut off. The errors say what to type instead, and never
// repeat credentials.
func ParseBaseURL(s string) (*url.URL, error) {
	u, err := parseEndpoint(s)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if root, ok := withoutEndpoint(u); ok {
		return nil, fmt.Errorf("base URL: it is the address of a call; give the root of the API alone: %s", text.Line(root, maxTyped))
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("base URL: leave out everything from the ? on; it is the root of the API, such as https://acme.nonemployee.com/api")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// endpoints are the first words of the paths below the API's root.
var endpoints = []string{"workflow_sessions", "ne_attributes", "ne_attribute_options", "profiles", "users", "workflows", "oauth"}

// withoutEndpoint returns an address without the call that was pasted with it.
func withoutEndpoint(u *url.URL) (root string, ok bool) {
	parts := strings.Split(u.Path, "/")
	i := slices.IndexFunc(parts, func(part string) bool { return slices.Contains(endpoints, strings.ToLower(part)) })
	if i < 0 {
		return "", false
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.Join(parts[:i], "/")}).String(), true
}

// TenantURL is the root of the API of the tenant of that name, as in
// https://NAME.nonemployee.com/api.
func TenantURL(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", errors.New("tenant name: it is empty; give the first part of the tenant's address, such as acme")
	case quoted(name):
		return "", errors.New("tenant name: it " + unquote)
	case strings.ContainsAny(name, ":/."):
		return "", fmt.Errorf("tenant name: %q looks like an address; give only its first part, such as acme, or the whole API root as --base-url https://acme.nonemployee.com/api", text.Line(name, maxTyped))
	case len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name[0] == '-' || name[len(name)-1] == '-':
		return "", fmt.Errorf("tenant name: %q may hold only letters, digits and inner hyphens", text.Line(name, maxTyped))
	}
	return "https://" + name + ".nonemployee.com/api", nil
}

// parseEndpoint holds what the base URL and the token URL have in common.
func parseEndpoint(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if quoted(s) {
		return nil, errors.New("it " + unquote)
	}
	if s == "" {
		return nil, errors.New("it is empty; give an address such as https://acme.nonemployee.com/api")
	}
	u, err := url.Parse(s)
	if err != nil && !strings.Contains(s, "://") {
		// "acme.nonemployee.com:443/api" is an error to url.Parse, though
		// what is wrong with it is only the scheme.
		return nil, missingScheme(s)
	}
	if err != nil {
		// The error's text repeats the address, credentials included.
		return nil, errors.New("it is not an address; give one such as https://acme.nonemployee.com/api")
	}
	scheme := u.Scheme // which url.Parse lowers
	switch {
	case u.User != nil:
		return nil, errors.New("leave out the user and password; the token comes from NERM_TOKEN or --token-file")
	case scheme != "https" && scheme != "http" && !strings.Contains(s, "://"):
		return nil, missingScheme(s)
	case scheme != "https" && scheme != "http":
		return nil, fmt.Errorf("%s:// is not supported; it has to begin with https://", text.Line(scheme, maxTyped))
	case u.Hostname() == "":
		return nil, errors.New("it has no host; give an address such as https://acme.nonemployee.com/api")
	case strings.IndexFunc(u.Hostname(), func(r rune) bool { return r >= utf8.RuneSelf }) >= 0:
		return nil, fmt.Errorf("the host name %s has letters beyond a to z; write it in the form that begins with xn--", text.Line(u.Hostname(), maxTyped))
	case scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("http:// would send the token in the clear to %s; write https:// instead", text.Line(u.Hostname(), maxTyped))
	case u.Fragment != "" || strings.Contains(s, "#"):
		return nil, errors.New("leave out everything from the # on")
	}
	// A host is one however it is written: the runs of a sheet are found by it.
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"https": ":443", "http": ":80"}[scheme])
	return u, nil
}

func missingScheme(s string) error {
	if strings.ContainsAny(s, "@") {
		return errors.New("it has to begin with https://, and may not carry a user or password")
	}
	return fmt.Errorf("it has to begin with https://; did you mean https://%s?", text.Line(s, maxTyped))
}

// loopback reports whether a host is certain to be this machine: by address,
// or by the one name that may never be resolved to anything else.
func loopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
