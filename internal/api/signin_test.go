package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const testSecret = "cl1ent/secret+very&private"

// issuer is a token URL that issues tok-0001, tok-0002, …
type issuer struct {
	*tenant
	issued  atomic.Int32
	expires atomic.Int32 // expires_in; 0 leaves it out
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.tenant = newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"access_token": fmt.Sprintf("tok-%04d", i.issued.Add(1)), "token_type": "bearer"}
		if e := i.expires.Load(); e > 0 {
			answer["expires_in"] = e
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	return i
}

func clientCredentials(t *testing.T, tokenURL string) Auth {
	t.Helper()
	a, err := ClientCredentials("client-id", testSecret, tokenURL)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestClientCredentials(t *testing.T) {
	i := newIssuer(t)
	i.expires.Store(749)
	var good atomic.Value // the token that the tenant takes
	good.Store("Bearer tok-0001")
	s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != good.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, sessionJSON(testID))
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api", MaxAttempts: 1, Auth: clientCredentials(t, i.URL+"/oauth/token")})
	all := func(want Verdict) {
		t.Helper()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if a := patch(c, false); a.Verdict != want {
					t.Errorf("%v: %s", a.Verdict, a.Message)
				}
			})
		}
		wg.Wait()
	}
	all(OK)
	good.Store("Bearer tok-0002") // the first is withdrawn
	all(OK)
	if n := i.issued.Load(); n != 2 {
		t.Errorf("%d tokens were issued, want one renewal for all workers", n)
	}
	if n := c.Counters(); n.Token != 2 {
		t.Errorf("counters: %+v", n)
	}
	req := i.seen()[0]
	form, _ := url.ParseQuery(req.body)
	if req.method != "POST" || form.Get("grant_type") != "client_credentials" || form.Get("client_id") != "client-id" ||
		form.Get("client_secret") != testSecret || req.header.Get("Authorization") != "" {
		t.Errorf("token request: %+v", req)
	}
	good.Store("nobody's") // a fresh token does not help: no endless renewals
	before := i.issued.Load()
	if a := patch(c, false); a.Verdict != Denied || a.Attempts != 2 {
		t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
	}
	if n := i.issued.Load() - before; n != 1 {
		t.Errorf("%d renewals for one row", n)
	}
}

func TestTokenURLFailures(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		header  string
		body    string
		want    Verdict
		message string
	}{
		{"wrong secret", 401, "", `{"error":"invalid_client","error_description":"bad secret ` + testSecret + `"}`, Denied, "answered HTTP 401 (invalid_client: bad secret [redacted]); check NERM_CLIENT_ID and NERM_CLIENT_SECRET"},
		{"an error as 200", 200, "", `{"error":"invalid_client"}`, Denied, "answered HTTP 200 (invalid_client); check NERM_CLIENT_ID and NERM_CLIENT_SECRET"},
		{"a page", 200, "", `<html>` + testSecret, Denied, "did not answer with a token; check NERM_TOKEN_URL"},
		{"no token", 200, "", `{"token_type":"bearer"}`, Denied, "did not answer with a token; check NERM_TOKEN_URL"},
		{"a token that cannot be one", 200, "", `{"access_token":"a\r\nX-Evil: 1"}`, Denied, "answered with something that is no access token; check NERM_TOKEN_URL"},
		{"wrong address", 404, "", "", Denied, "answered HTTP 404; check NERM_TOKEN_URL"},
		{"redirect", 302, "Location: /elsewhere", "", Denied, "answered HTTP 302, a redirect, which is never followed; check NERM_TOKEN_URL"},
		{"down", 503, "", "", Unreachable, "answered HTTP 503"},
		{"busy", 429, "", "", Unreachable, "answered HTTP 429"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if name, value, ok := strings.Cut(tt.header, ": "); ok {
					w.Header().Set(name, value)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			s := newTenant(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, sessionJSON(testID)) })
			c := newTestClient(t, Options{BaseURL: s.URL + "/api", Auth: clientCredentials(t, i.URL+"/oauth/token")})
			a := patch(c, true)
			if a.Verdict != tt.want || !strings.HasSuffix(a.Message, tt.message) || a.Attempts != 0 {
				t.Errorf("%v: %s", a.Verdict, a.Message)
			}
			if len(s.seen()) != 0 || len(i.seen()) != 1 {
				t.Errorf("tenant %d, token URL %d requests", len(s.seen()), len(i.seen()))
			}
		})
	}
}

// fetches makes credentials from a script of results.
func fetches(calls *atomic.Int32, fetch func(n int) (*token, error)) *signIn {
	o := Options{}
	o.setDefaults()
	return &signIn{log: o.Log, fetch: func() (*token, error) { return fetch(int(calls.Add(1))) }}
}

func TestRenewalBeforeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c := fetches(&calls, func(n int) (*token, error) {
			now := time.Now()
			time.Sleep(2 * time.Second) // the token URL is slow
			return newToken(fmt.Sprint("t", n), now, now.Add(749*time.Second)), nil
		})
		// A run of two hours, a request each second: the token is renewed in
		// time, and only the first request ever waits for one.
		begun := time.Now()
		waited := 0
		for time.Since(begun) < 2*time.Hour {
			asked := time.Now()
			g, err := c.current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if time.Since(asked) > 0 {
				waited++
			}
			if !time.Now().Before(g.expires) {
				t.Fatalf("an expired token was used after %v", time.Since(begun))
			}
			time.Sleep(time.Second)
		}
		if waited != 1 {
			t.Errorf("%d requests waited for a token", waited)
		}
		if n := calls.Load(); n < 10 || n > 12 {
			t.Errorf("%d tokens in two hours of 749 s each", n)
		}
		c.close()
	})
}

func TestRenewalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c := fetches(&calls, func(n int) (*token, error) {
			if n > 1 {
				return nil, errRefused
			}
			now := time.Now()
			return newToken("t", now, now.Add(600*time.Second)), nil
		})
		first, err := c.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(545 * time.Second)
		for range 100 { // within 2 s of a minute before its end
			if g, err := c.current(t.Context()); g != first || err != nil {
				t.Fatalf("the token that still holds was not used: %v", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		if n := calls.Load(); n != 2 {
			t.Errorf("%d renewals in 2 s, want 1", n-1)
		}
		time.Sleep(time.Minute)
		if _, err := c.current(t.Context()); err == nil {
			t.Error("an expired token was used")
		}
		c.close()
	})
}

func TestShortLivedAndEndlessTokens(t *testing.T) {
	now := time.Now()
	if g := newToken("t", now, now.Add(20*time.Second)); g.renew.Sub(now) != 18*time.Second || !g.expires.After(g.renew) {
		t.Errorf("20 s: %v %v", g.renew.Sub(now), g.expires.Sub(now))
	}
	if g := newToken("t", now, time.Time{}); !g.renew.IsZero() || !g.expires.IsZero() {
		t.Errorf("no expiry: %+v", g)
	}
}

// The token of a request is one that is valid when it leaves, however long it
// waited for its turn; and a renewal does not push requests together.
func TestTokenIsValidWhenTheRequestLeaves(t *testing.T) {
	tests := []struct {
		name string
		life time.Duration
		rate float64
		step step // of the first request
	}{
		{"60 s at 0.1/s", time.Minute, 0.1, ok()},
		{"5 s at 0.1/s", 5 * time.Second, 0.1, ok()},
		{"5 s at 1/s", 5 * time.Second, 1, ok()},
		{"1 s at 10/s", time.Second, 10, ok()},
		{"4 s under Retry-After: 5", 4 * time.Second, 10, step{status: 429, header: http.Header{"Retry-After": {"5"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newScriptedClient(t, Options{Rate: tt.rate}, tt.step, ok())
				issued := 0
				ends := map[string]time.Time{}
				c.signIn.inUse.Store(nil)
				c.signIn.fetch = func() (*token, error) {
					asked := time.Now()
					time.Sleep(300 * time.Millisecond)
					issued++
					g := newToken(fmt.Sprint(issued), asked, asked.Add(tt.life))
					ends[g.header[0]] = asked.Add(tt.life)
					return g, nil
				}
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						for range 5 {
							if a := patch(c, true); a.Verdict != OK {
								t.Errorf("%v: %s", a.Verdict, a.Message)
							}
						}
					})
				}
				all.Wait()
				c.Close() // a renewal may be under way
				for i, r := range s.left {
					if end := ends[r.authorization]; !r.at.Before(end) {
						t.Errorf("request %d left %v after its token ended", i, r.at.Sub(end))
					}
					if n := i + int(max(tt.rate, 1)); n < len(s.left) && s.left[n].at.Sub(r.at) <= time.Second {
						t.Errorf("%d requests within %v", n-i+1, s.left[n].at.Sub(r.at))
					}
				}
				if issued > len(s.left)+1 {
					t.Errorf("%d tokens for %d requests", issued, len(s.left))
				}
			})
		})
	}
}

// The token URL answers in forms that oauth2 alone does not take.
func TestTokenAnswers(t *testing.T) {
	const answer = `{"access_token":"tok-0001","token_type":"bearer","expires_in":%s}`
	tests := []struct {
		name, expires string
		life          time.Duration // 0: without an end
	}{
		{"a whole number", "749", 749 * time.Second},
		{"a decimal", "749.0", 749 * time.Second},
		{"a part of a second", "749.9", 749 * time.Second},
		{"an exponent", "7.49e2", 749 * time.Second},
		{"text", `"749"`, 749 * time.Second},
		{"a decimal as text", `"749.0"`, 749 * time.Second},
		{"nothing", "null", 0},
		{"no number", `"never"`, 0},
		{"beyond any clock", "1e300", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = io.WriteString(w, pack(t, "gzip", fmt.Sprintf(answer, tt.expires)))
			})
			c := newTestClient(t, Options{BaseURL: "http://127.0.0.1:1/api", Auth: clientCredentials(t, i.URL)})
			got, err := c.signIn.current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			life := time.Duration(0)
			if !got.expires.IsZero() {
				life = time.Until(got.expires) * 100 / 99
			}
			if d := life - tt.life; got.header[0] != "Bearer tok-0001" || d < -20*time.Second || d > 20*time.Second {
				t.Errorf("%s for %v", got.header[0], life)
			}
		})
	}
}
