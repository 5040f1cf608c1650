package api

import (
	"bytes"
	"html"
	"strings"
)

// isHTML reports whether an answer is a page for people, as a proxy, a
// firewall or a login gives one.
func isHTML(contentType string, body []byte) bool {
	if strings.Contains(strings.ToLower(contentType), "html") {
		return true
	}
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 256)]))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// pageText says what the page is, by its title if it has one; its markup is
// never shown.
func pageText(body []byte) string {
	title := plain(html.UnescapeString(pageTitle(string(body))), 120)
	if title == "" {
		return "an HTML page, probably from a proxy"
	}
	return "an HTML page, probably from a proxy, titled \"" + title + "\""
}

func pageTitle(page string) string {
	lower := strings.ToLower(page)
	if len(lower) != len(page) {
		return "" // offsets would not match: not worth more
	}
	start := strings.Index(lower, "<title")
	if start < 0 {
		return ""
	}
	open := strings.IndexByte(lower[start:], '>')
	if open < 0 {
		return ""
	}
	start += open + 1
	end := strings.Index(lower[start:], "</title")
	if end < 0 {
		return ""
	}
	return page[start : start+end]
}
