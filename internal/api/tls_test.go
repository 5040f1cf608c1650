package api

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func newTLSTenant(t *testing.T, http2 bool, configure func(*tls.Config), answer http.HandlerFunc) (s *httptest.Server, roots *x509.CertPool) {
	t.Helper()
	s = httptest.NewUnstartedServer(answer)
	s.EnableHTTP2 = http2
	s.TLS = &tls.Config{}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are the point
	if configure != nil {
		configure(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := ReadRoots(file)
	if err != nil {
		t.Fatal(err)
	}
	return s, roots
}

func TestTLS(t *testing.T) {
	good := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, sessionJSON(testID)) }
	s, roots := newTLSTenant(t, false, nil, good)
	old, oldRoots := newTLSTenant(t, false, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }, good)
	plain := newTenant(t, good)
	tests := []struct {
		name    string
		base    string
		roots   *x509.CertPool
		want    Verdict
		message string
	}{
		{"own root", s.URL, roots, OK, ""},
		{"unknown authority", s.URL, nil, Unreachable, "its certificate is signed by an unknown authority; if that is your organisation's own, name its root certificate with --ca-file"},
		{"another host's", strings.Replace(s.URL, "127.0.0.1", "localhost", 1), roots, Unreachable, "its certificate is for another host; check the address"},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), roots, Unreachable, "it does not speak TLS at this address; check the address and port"},
		{"TLS 1.1", old.URL, oldRoots, Unreachable, "protocol version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := patch(newTestClient(t, Options{BaseURL: tt.base + "/api", RootCAs: tt.roots}), true)
			if a.Verdict != tt.want || !strings.Contains(a.Message, tt.message) {
				t.Errorf("%v: %s", a.Verdict, a.Message)
			}
		})
	}
}

func TestReadRootsRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.der")
	if err := os.WriteFile(file, []byte{0x30, 0x82}, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRoots(file); err == nil || !strings.Contains(err.Error(), "no certificate in PEM form") {
		t.Errorf("%v", err)
	}
	if _, err := ReadRoots(file + ".none"); err == nil {
		t.Error("a missing file was taken")
	}
}

// A tenant that would speak HTTP/2 is spoken to in HTTP/1.1, with a connection
// for each request in flight. One that broke after its connection was had is in
// doubt, and is not repeated behind our back.
func TestHTTP2IsNotSpoken(t *testing.T) {
	var count atomic.Int32
	release := make(chan struct{})
	s, roots := newTLSTenant(t, true, nil, func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if r.ProtoMajor != 1 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
			return
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/abort"):
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, "/hang"):
			<-release
		case strings.HasSuffix(r.URL.Path, "/half"):
			_, _ = io.WriteString(w, sessionJSON("half")[:20])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, sessionJSON(testID))
		}
	})
	defer close(release)
	c := newTestClient(t, Options{BaseURL: s.URL + "/api", RootCAs: roots, Timeout: 500 * time.Millisecond})
	for _, tt := range []struct {
		id   string
		want Verdict
	}{{testID, OK}, {"abort", Doubtful}, {"hang", Doubtful}, {"half", Doubtful}, {testID, OK}} {
		before := count.Load()
		a := c.Patch(t.Context(), Request{ID: tt.id, Run: true, Body: []byte(`{}`)})
		if a.Verdict != tt.want || a.Attempts != 1 {
			t.Errorf("%s: %v after %d attempts: %s", tt.id, a.Verdict, a.Attempts, a.Message)
		}
		if n := count.Load() - before; n != 1 {
			t.Errorf("%s: the tenant saw %d requests", tt.id, n)
		}
	}
}
