package api

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// readable returns a body unpacked and in UTF-8, as its header declares it. It
// is cut where it would become longer than limit. What is damaged is returned
// as far as it can be read, and nothing of a packing that is not known.
func readable(h http.Header, body []byte, limit int) (text []byte, tooLong bool) {
	for _, coding := range slices.Backward(codings(h)) {
		body = uncompress(coding, body, limit+1)
	}
	if tooLong = len(body) > limit; tooLong {
		body = body[:limit]
	}
	if utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 {
		return bytes.TrimPrefix(body, []byte("\ufeff")), tooLong
	}
	named, err := htmlindex.Get(charset(h, body))
	if err != nil {
		return body, tooLong
	}
	if decoded, _, err := transform.Bytes(unicode.BOMOverride(named.NewDecoder()), body); err == nil {
		return decoded, tooLong
	}
	return body, tooLong
}

// codings returns how a body is packed, in the order of packing.
func codings(h http.Header) []string {
	values := h["Content-Encoding"]
	if len(values) == 0 {
		return nil
	}
	return strings.FieldsFunc(strings.ToLower(strings.Join(values, ",")), func(r rune) bool { return r == ',' || r == ' ' })
}

// uncompress undoes one coding, at most limit bytes of it.
func uncompress(coding string, packed []byte, limit int) []byte {
	var r io.Reader
	var err error
	switch coding {
	case "identity":
		return packed
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(packed))
	case "deflate":
		if r, err = zlib.NewReader(bytes.NewReader(packed)); err != nil { // some leave out zlib's frame
			r, err = flate.NewReader(bytes.NewReader(packed)), nil
		}
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(r, int64(limit))) // as much as is whole
	return text
}

var charsetInPage = regexp.MustCompile(`(?i)(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)`)

// charset returns the charset that a header declares, or else a page in its
// first kilobyte; "" for none.
func charset(h http.Header, body []byte) string {
	kind := h.Get("Content-Type")
	if _, params, err := mime.ParseMediaType(kind); err == nil && params["charset"] != "" {
		return params["charset"]
	}
	if named := charsetInPage.FindSubmatch(body[:min(len(body), 1<<10)]); named != nil && isHTML(kind, body) {
		return string(named[1])
	}
	return ""
}
