package api

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/text"
)

// proxyFor returns the proxy that the environment names for an address, nil
// for none: HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY, in capitals or small
// letters, unless NO_PROXY names the host. This machine is never reached
// through a proxy.
//
// http.ProxyFromEnvironment knows no ALL_PROXY, and returns no proxy, or a
// wrong one, for an address that it cannot read.
func proxyFor(u *url.URL, env func(string) string) (*url.URL, error) {
	if env == nil || loopback(u.Hostname()) {
		return nil, nil
	}
	first := func(names ...string) (name, value string) {
		for _, name := range names {
			for _, name := range []string{name, strings.ToLower(name)} {
				if value := env(name); strings.TrimSpace(value) != "" {
					return name, strings.TrimSpace(value)
				}
			}
		}
		return "", ""
	}
	name, address := first(strings.ToUpper(u.Scheme)+"_PROXY", "ALL_PROXY")
	if _, direct := first("NO_PROXY"); address == "" || exempt(u, direct) {
		return nil, nil
	}
	proxy, problem := parseProxy(address)
	if problem != "" {
		return nil, fmt.Errorf("the proxy that %s names for %s cannot be used: %s; correct it, or name the host in NO_PROXY",
			name, text.Line(u.Hostname(), maxTyped), problem)
	}
	return proxy, nil
}

// parseProxy reads a proxy's address. The problem never repeats any of it:
// where it is misread, the password can be anywhere.
func parseProxy(s string) (proxy *url.URL, problem string) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@") && (err != nil || u.User == nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || strings.Contains(s, "#")):
		return nil, "in its user and password a % has to be written as %25, # as %23, / as %2F, ? as %3F and @ as %40"
	case err != nil:
		return nil, "it is not an address such as http://proxy.example:3128"
	}
	u.Scheme = strings.ToLower(u.Scheme)
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		return nil, "it has to begin with http://, https:// or socks5://"
	case u.Hostname() == "":
		return nil, "it has no host"
	case u.Port() != "" && (err != nil || port == 0):
		return nil, "its port is none from 1 to 65535"
	}
	return u, ""
}

// exempt reports whether a list as in NO_PROXY names the host of u: a host
// (with all below it), .domain or *.domain (what is below it alone), an
// address, a network such as 10.0.0.0/8, each perhaps with a port; or *.
func exempt(u *url.URL, list string) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip := net.ParseIP(host)
	for entry := range strings.FieldsFuncSeq(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' }) {
		if _, network, err := net.ParseCIDR(entry); err == nil {
			if network.Contains(ip) {
				return true
			}
			continue
		}
		name := entry
		if h, port, err := net.SplitHostPort(entry); err == nil {
			if port != portOf(u) {
				continue
			}
			name = h
		}
		if name = strings.Trim(name, "[]"); strings.HasPrefix(name, "*.") {
			name = name[1:]
		}
		below := "." + strings.TrimPrefix(name, ".")
		switch other := net.ParseIP(name); {
		case entry == "*", name == host, ip != nil && ip.Equal(other), ip == nil && name != "" && strings.HasSuffix(host, below):
			return true
		}
	}
	return false
}

// portOf returns the port of an http or https address.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
