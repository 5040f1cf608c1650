package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseBaseURL(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{in: "https://acme.nonemployee.com/api", want: "https://acme.nonemployee.com/api"},
		{in: " https://acme.nonemployee.com/api// ", want: "https://acme.nonemployee.com/api"},
		{in: "HTTPS://acme.example:8443", want: "https://acme.example:8443"},
		{in: "http://127.0.0.1:8787/api", want: "http://127.0.0.1:8787/api"},
		{in: "http://127.9.9.9/api", want: "http://127.9.9.9/api"},
		{in: "http://localhost/api", want: "http://localhost/api"},
		{in: "http://[::1]:80/api", want: "http://[::1]/api"},
		{in: "https://ACME.NonEmployee.com:443/api", want: "https://acme.nonemployee.com/api"},
		{in: "https://acme.example:80/api", want: "https://acme.example:80/api"},
		{in: "", err: "it is empty"},
		{in: "acme.nonemployee.com/api", err: "did you mean https://acme.nonemployee.com/api?"},
		{in: "acme.nonemployee.com:443/api", err: "did you mean https://acme.nonemployee.com:443/api?"},
		{in: "localhost:8787/api", err: "has to begin with https://"},
		{in: "http://acme.nonemployee.com/api", err: "in the clear to acme.nonemployee.com; write https://"},
		{in: "http://localhost.evil.example/api", err: "in the clear"},
		{in: "http://10.0.0.1/api", err: "in the clear"},
		{in: "ftp://acme.example", err: "ftp:// is not supported"},
		{in: "https://jo:hunter2@acme.example/api", err: "leave out the user and password"},
		{in: "jo:hunter2@acme.example/api", err: "may not carry a user or password"},
		{in: "https://acme.example/api?x=hunter2", err: "from the ? on"},
		{in: "https://acme.example/api?", err: "from the ? on"},
		{in: "https://acme.example/api#hunter2", err: "from the # on"},
		{in: "https://acme.example/api/workflow_sessions", err: "the root of the API alone: https://acme.example/api"},
		{in: "https://acme.example/workflow_sessions/123?run=true", err: "the root of the API alone: https://acme.example"},
		{in: "https://acme.example/API/Workflow_Sessions#x", err: "from the # on"},
		{in: "https://gateway.example/nerm/v1", want: "https://gateway.example/nerm/v1"},
		{in: `"https://acme.example/api"`, err: "stands in quotation marks"},
		{in: "“https://acme.example/api”", err: "stands in quotation marks"},
		{in: "https:///api", err: "no host"},
		{in: "https://bücher.example/api", err: "write it in the form that begins with xn--"},
		{in: "https://jo:hunter2@[bad/api", err: "not an address"},
		{in: "https://acme.example/\x1b[31m", err: "not an address"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			u, err := ParseBaseURL(tt.in)
			switch {
			case tt.err == "" && (err != nil || u.String() != tt.want):
				t.Errorf("%v %v", u, err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("%v %v, want %q", u, err, tt.err)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}

func TestTenantURL(t *testing.T) {
	for in, want := range map[string]string{"acme": "https://acme.nonemployee.com/api", " Acme-2 ": "https://acme-2.nonemployee.com/api"} {
		if got, err := TenantURL(in); got != want || err != nil {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"": "empty", "https://acme.nonemployee.com/api": "looks like an address", "acme.nonemployee.com": "looks like an address",
		"'acme'": "quotation marks", "ac me": "only letters", "-acme": "only letters", "acme-": "only letters", "ä": "only letters", strings.Repeat("a", 64): "only letters",
	} {
		if got, err := TenantURL(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

func TestQuotedCredentials(t *testing.T) {
	for _, token := range []string{`"abc"`, "'abc'", "“abc”", `"abc`} {
		if _, err := CleanToken(token); err == nil || !strings.Contains(err.Error(), "quotation marks") || strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: %v", token, err)
		}
	}
	const tokenURL = "https://acme.example/oauth/token"
	for _, tt := range []struct{ id, secret, url, err string }{
		{"id", "'abc'", tokenURL, "NERM_CLIENT_SECRET"}, {`"id"`, "abc", tokenURL, "NERM_CLIENT_ID"}, {"id", "abc", `"` + tokenURL + `"`, "NERM_TOKEN_URL"},
		{"id", "'abc", tokenURL, ""},
	} {
		_, err := ClientCredentials(tt.id, tt.secret, tt.url)
		if tt.err == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "quotation marks") || strings.Contains(err.Error(), "abc") {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestReadToken(t *testing.T) {
	tests := []struct{ name, content, want, err string }{
		{"plain", "abc.def", "abc.def", ""},
		{"line end", "abc.def\r\n", "abc.def", ""},
		{"blanks and BOM", "\ufeff \tabc.def \n\n", "abc.def", ""},
		{"empty", " \n", "", "is empty"},
		{"two lines", "hunter2\nhunter3", "", "more than one line"},
		{"inner blank", "hunter2 x", "", "a blank"},
		{"control character", "hunter2\x00x", "", "a control"},
		{"not ASCII", "hunter2ü", "", "non-ASCII"},
		{"the whole header", "Authorization: Bearer hunter2", "", "the token alone"},
		{"with its scheme", "Bearer hunter2", "", "the token alone"},
		{"not a token file", strings.Repeat("hunter2", 20000), "", "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadToken(file)
			switch {
			case tt.err == "" && (got != tt.want || err != nil):
				t.Errorf("%q %v", got, err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), file)):
				t.Errorf("%q %v", got, err)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error repeats the token: %v", err)
			}
		})
	}
	if _, err := ReadToken(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "token file: ") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	auth := mustStatic(t)
	tests := []struct {
		name string
		o    Options
		err  string
	}{
		{"no base URL", Options{Auth: auth}, "base URL: it is empty"},
		{"no credentials", Options{BaseURL: "https://acme.example/api"}, "no credentials"},
		{"a negative rate", Options{BaseURL: "https://acme.example/api", Auth: auth, Rate: -1}, "negative"},
		{"negative workers", Options{BaseURL: "https://acme.example/api", Auth: auth, Workers: -1}, "negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New(tt.o); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := StaticToken("abcdef", "basic"); err == nil {
		t.Error("an unknown scheme was taken")
	}
	for _, bad := range [][3]string{{"", "s", "https://x.example/t"}, {"i", " ", "https://x.example/t"}, {"i", "s", "http://x.example/t"}, {"i", "s", ""}} {
		if _, err := ClientCredentials(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
