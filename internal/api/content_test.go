package api

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// pack packs a text with one of the codings of HTTP; "raw" is deflate without
// zlib's frame.
func pack(t *testing.T, coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw":
		w, _ = flate.NewWriter(&b, flate.BestSpeed)
	}
	_, err := io.WriteString(w, text)
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadable(t *testing.T) {
	const limit = 1000
	long := strings.Repeat("x", limit+1)
	tests := []struct {
		name, coding, kind, body, want string
		tooLong                        bool
	}{
		{name: "plain", body: "Zoë", want: "Zoë"},
		{name: "gzip", coding: "gzip", body: pack(t, "gzip", "Zoë"), want: "Zoë"},
		{name: "in capitals", coding: "X-GZIP", body: pack(t, "gzip", "Zoë"), want: "Zoë"},
		{name: "deflate", coding: "deflate", body: pack(t, "deflate", "Zoë"), want: "Zoë"},
		{name: "deflate without a frame", coding: "deflate", body: pack(t, "raw", "Zoë"), want: "Zoë"},
		{name: "twice", coding: "deflate, gzip", body: pack(t, "gzip", pack(t, "deflate", "Zoë")), want: "Zoë"},
		{name: "not packed", coding: "identity", body: "Zoë", want: "Zoë"},
		{name: "unknown", coding: "br", body: "\x01\x02", want: ""},
		{name: "no gzip", coding: "gzip", body: "Zoë", want: ""},
		{name: "cut off", coding: "gzip", body: pack(t, "gzip", "Zoë")[:20], want: "Zoë"},
		{name: "at the limit", coding: "gzip", body: pack(t, "gzip", long[1:]), want: long[1:]},
		{name: "above the limit", coding: "gzip", body: pack(t, "gzip", long), want: long[1:], tooLong: true},
		{name: "a bomb", coding: "gzip, gzip", body: pack(t, "gzip", pack(t, "gzip", strings.Repeat(long, 10000))), want: long[1:], tooLong: true},
		{name: "Latin-1", kind: "text/plain; charset=ISO-8859-1", body: "Zo\xeb", want: "Zoë"},
		{name: "Latin-1 in gzip", coding: "gzip", kind: `text/html; charset="latin1"`, body: pack(t, "gzip", "Zo\xeb"), want: "Zoë"},
		{name: "Latin-1 that is none", kind: "text/plain; charset=ISO-8859-1", body: "Zoë", want: "Zoë"},
		{name: "declared in the page", kind: "text/html", body: `<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">Zo` + "\xeb", want: `<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">Zoë`},
		{name: "declared nowhere", kind: "text/plain", body: "Zo\xeb", want: "Zo\xeb"},
		{name: "unknown charset", kind: "text/plain; charset=klingon", body: "Zo\xeb", want: "Zo\xeb"},
		{name: "UTF-16", kind: "application/json; charset=utf-16", body: "\xff\xfeZ\x00o\x00\xeb\x00", want: "Zoë"},
		{name: "UTF-8 with a BOM", body: "\ufeff{}", want: "{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			for key, value := range map[string]string{"Content-Encoding": tt.coding, "Content-Type": tt.kind} {
				if value != "" {
					h.Set(key, value)
				}
			}
			got, tooLong := readable(h, []byte(tt.body), limit)
			if string(got) != tt.want || tooLong != tt.tooLong {
				t.Errorf("%.100q, too long %v", got, tooLong)
			}
		})
	}
}

// A session that comes packed, though nobody asked for that, is the session,
// and the connection is used again.
func TestPackedAnswers(t *testing.T) {
	tests := []struct {
		coding, body string
		status       int
		want         Verdict
		message      string
	}{
		{"gzip", pack(t, "gzip", sessionJSON(testID)), 200, OK, ""},
		{"deflate", pack(t, "deflate", sessionJSON(testID)), 200, OK, ""},
		{"gzip", pack(t, "gzip", `{"error":"no way"}`), 400, Refused, "no way"},
		{"gzip", pack(t, "gzip", sessionJSON(testID+strings.Repeat("0", maxAnswer))), 200, Refused, "HTTP 200, but the answer is longer than 16 MiB"},
		{"br", "\x01\x02", 200, Refused, "HTTP 200, but the answer is packed as br, which was not asked for and is not read"},
		{"zstd", "\x01\x02", 400, Refused, "HTTP 400 Bad Request, with an answer that is packed as zstd, which was not asked for and is not read"},
	}
	var n atomic.Int32
	var conns sync.Map
	s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		conns.Store(r.RemoteAddr, nil)
		tt := tests[n.Load()]
		w.Header().Set("Content-Encoding", tt.coding)
		w.Header().Set("Content-Length", fmt.Sprint(len(tt.body)))
		w.WriteHeader(tt.status)
		_, _ = io.WriteString(w, tt.body)
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api"})
	for i, tt := range tests {
		n.Store(int32(i))
		if a := patch(c, false); a.Verdict != tt.want || a.Message != tt.message {
			t.Errorf("%s, %d: %v: %s", tt.coding, tt.status, a.Verdict, a.Message)
		}
	}
	count := 0
	conns.Range(func(any, any) bool { count++; return true })
	if count != 1 {
		t.Errorf("%d connections", count)
	}
}
