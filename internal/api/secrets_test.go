package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// noSecret fails if any spelling of the secret stands in the text.
func noSecret(t *testing.T, where, text, secret string) {
	t.Helper()
	quoted, _ := json.Marshal(secret)
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte(secret))} {
		if strings.Contains(text, form) {
			t.Errorf("%s holds the secret: %q", where, text)
		}
	}
}

func TestSecretsStayInside(t *testing.T) {
	var elsewhere *tenant
	echoes := map[string]func(w http.ResponseWriter, token string){
		"JSON error": func(w http.ResponseWriter, s string) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":"bad token %s"}`, s)
		},
		"JSON errors": func(w http.ResponseWriter, s string) {
			w.WriteHeader(422)
			fmt.Fprintf(w, `{"errors":{"%s":["%s"]}}`, s, s)
		},
		"error as 200": func(w http.ResponseWriter, s string) { fmt.Fprintf(w, `{"error":"bad token %s"}`, s) },
		"another id":   func(w http.ResponseWriter, s string) { fmt.Fprintf(w, `{"workflow_session":{"id":"%s"}}`, s) },
		"text": func(w http.ResponseWriter, s string) {
			w.WriteHeader(500)
			fmt.Fprintf(w, "Authorization: Bearer %s\n", s)
		},
		"text at cut": func(w http.ResponseWriter, s string) { w.WriteHeader(400); fmt.Fprint(w, strings.Repeat("x", 190)+s) },
		"body at cut": func(w http.ResponseWriter, s string) {
			w.WriteHeader(400)
			fmt.Fprint(w, strings.Repeat("x", maxBody-10)+s)
		},
		"page title": func(w http.ResponseWriter, s string) {
			w.WriteHeader(502)
			fmt.Fprintf(w, "<html><title>%s</title>", s)
		},
		"escaped": func(w http.ResponseWriter, s string) { w.WriteHeader(400); fmt.Fprint(w, url.QueryEscape(s)) },
		"base64": func(w http.ResponseWriter, s string) {
			w.WriteHeader(400)
			fmt.Fprint(w, base64.StdEncoding.EncodeToString([]byte(s)))
		},
		"each in another way": func(w http.ResponseWriter, s string) {
			w.WriteHeader(400)
			var b strings.Builder
			for i, c := range s {
				switch i % 6 {
				case 0:
					b.WriteString(`\` + string(c))
				case 1:
					fmt.Fprintf(&b, "%%%02x", c)
				case 2:
					fmt.Fprintf(&b, `\\u%04X`, c)
				case 3:
					fmt.Fprintf(&b, "&#%d;", c)
				case 4:
					fmt.Fprintf(&b, "&#x%x;", c)
				default:
					b.WriteRune(c)
				}
			}
			fmt.Fprint(w, b.String())
		},
		"slashes as \\/": func(w http.ResponseWriter, s string) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":"%s"}`, strings.ReplaceAll(s, "/", `\/`))
		},
		"401": func(w http.ResponseWriter, s string) { w.WriteHeader(401); fmt.Fprint(w, s) },
		"redirect": func(w http.ResponseWriter, s string) {
			w.Header().Set("Location", elsewhere.URL+"/"+s+"?t="+url.QueryEscape(s))
			w.WriteHeader(302)
		},
		"status text": func(w http.ResponseWriter, s string) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", s)
			conn.Close()
		},
		"half an answer": func(w http.ResponseWriter, s string) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			fmt.Fprintf(conn, "%s", s)
			conn.Close()
		},
	}
	elsewhere = newTenant(t, http.NotFound)
	for name, echo := range echoes {
		t.Run(name, func(t *testing.T) {
			var log logBuffer
			s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
				echo(w, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			})
			c := newTestClient(t, Options{BaseURL: s.URL + "/api", MaxAttempts: 2, Log: log.logger()})
			a := patch(c, false)
			if a.Verdict == OK || a.Message == "" {
				t.Fatalf("%+v", a)
			}
			noSecret(t, "message", a.Message, testToken)
			noSecret(t, "body", string(a.Body), testToken)
			noSecret(t, "log", log.String(), testToken)
			for n := range len(testToken) - 12 {
				if strings.HasSuffix(string(a.Body), testToken[:12+n]) || strings.Contains(a.Message, testToken[:12+n]) {
					t.Errorf("a part of the secret is left: %q, %q", a.Message, a.Body)
					break
				}
			}
		})
	}
	if n := len(elsewhere.seen()); n != 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
}

func TestIssuedTokensStayInside(t *testing.T) {
	var log logBuffer
	i := newIssuer(t)
	s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+testSecret)
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api", Auth: clientCredentials(t, i.URL), Log: log.logger()})
	a := patch(c, false)
	if a.Message != "HTTP 400 Bad Request, with the text: Bearer [redacted] [redacted]" {
		t.Errorf("%s", a.Message)
	}
	for where, text := range map[string]string{"message": a.Message, "body": string(a.Body), "log": log.String()} {
		noSecret(t, where, text, testSecret)
		noSecret(t, where, text, "tok-0001")
	}
}

func TestAuthPrintsNothing(t *testing.T) {
	var log logBuffer
	o := Options{Auth: mustStatic(t)}
	log.logger().Info("x", "auth", o.Auth, "options", o)
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", o.Auth, o.Auth, o.Auth, o.Auth, o, o, o)
	noSecret(t, "print", text, testToken)
}
