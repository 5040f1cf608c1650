package api

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

// TestEscapedSecrets echoes a secret that has every character an encoder may
// escape.
func TestEscapedSecrets(t *testing.T) {
	const secret = `a"b/c+d%e<f>g&h=i\j k`
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	inJSON := strings.Trim(string(quoted), `"`)
	twice, err := json.Marshal(inJSON)
	if err != nil {
		t.Fatal(err)
	}
	for name, echo := range map[string]string{
		"as it is":                  secret,
		"JSON":                      inJSON,
		"JSON in JSON":              string(twice),
		"JSON with \\/":             strings.ReplaceAll(inJSON, "/", `\/`),
		"JSON with \\/ and < bare":  `a\"b\/c+d%e<f>g&h=i\\j k`,
		"query":                     url.QueryEscape(secret),
		"query in small letters":    strings.ReplaceAll(strings.ToLower(url.QueryEscape(secret)), "+", "%20"),
		"HTML":                      html.EscapeString(secret),
		"HTML with names":           strings.ReplaceAll(html.EscapeString(secret), "&#34;", "&quot;"),
		"some of it percent-coded":  strings.ReplaceAll(secret, "/", "%2F"),
		"each character as \\u00xx": `\u0061\u0022\u0062\u002f\u0063\u002B\u0064\u0025\u0065\u003c\u0066\u003e\u0067\u0026\u0068\u003d\u0069\u005c\u006a\u0020\u006b`,
	} {
		t.Run(name, func(t *testing.T) {
			var r redactor
			r.add(secret)
			if got, want := r.text("before "+echo+" after"), "before "+redacted+" after"; strings.Trim(got, `"`) != want && got != strings.Replace(want, redacted, `"`+redacted+`"`, 1) {
				t.Errorf("%s became %s", echo, got)
			}
			if got, want := r.text(echo[:len(echo)/2]), echo[:len(echo)/2]; got != want {
				t.Errorf("half of it, which is no secret, became %s", got)
			}
		})
	}
}

// A run of days makes many access tokens; what signs it in, and the proxy's
// password, are withheld to its end.
func TestLastingSecretsAreNeverDropped(t *testing.T) {
	var r redactor
	r.add(testSecret)
	for i := range 10_000 {
		r.addIssued(fmt.Sprintf("issued-%05d/x", i))
	}
	r.add("proxy-password")
	for _, secret := range []string{testSecret, url.QueryEscape(testSecret), "issued-09999/x", "proxy-password"} {
		if got := r.text("a " + secret + " b"); got != "a "+redacted+" b" {
			t.Errorf("%s became %q", secret, got)
		}
	}
	if n := len(r.issued); n > maxIssued {
		t.Errorf("%d forms of issued tokens are kept", n)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add(`a\u0022b%2fc&#43;d\\"`, `a"b/c+d`)
	f.Add("redacted [redacted]", "acte")
	f.Fuzz(func(t *testing.T, s, secret string) {
		var r redactor
		r.add(secret)
		got := r.text(s)
		if len(secret) >= minSecret && strings.Contains(strings.ReplaceAll(got, redacted, ""), secret) && !strings.Contains(secret, "]") && !strings.Contains(secret, "[") && !strings.Contains(redacted, secret) {
			t.Fatalf("%q without %q is %q", s, secret, got)
		}
	})
}
