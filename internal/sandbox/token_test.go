package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func tokenRequest(t *testing.T, form string) *http.Request {
	t.Helper()
	return newRequest(t, "POST", "http://localhost/oauth/token", form,
		"Content-Type", "application/x-www-form-urlencoded", "Authorization", "")
}

type granted struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
}

func TestTokenEndpoint(t *testing.T) {
	tenant := New(Options{ClientID: "an id", ClientSecret: "p:q&r", Token: "key"})
	h := tenant.Handler()
	const grant = "grant_type=client_credentials"
	tests := []struct {
		name, method, form, user, password string
		status                             int
		want                               string
	}{
		{name: "form", form: grant + "&client_id=an+id&client_secret=p%3Aq%26r", status: 200},
		{name: "basic", form: grant, user: "an id", password: "p:q&r", status: 200},
		{name: "basic encoded", form: grant, user: "an+id", password: "p%3Aq%26r", status: 200},
		{name: "wrong secret", form: grant + "&client_id=an+id&client_secret=x", status: 401, want: `{"error":"invalid_client"}`},
		{name: "no secret", form: grant + "&client_id=an+id", status: 401, want: `{"error":"invalid_client"}`},
		{name: "wrong basic", form: grant, user: "an id", password: "x", status: 401, want: `{"error":"invalid_client"}`},
		{name: "no grant", form: "client_id=an+id&client_secret=p%3Aq%26r", status: 400, want: `{"error":"unsupported_grant_type"}`},
		{name: "bad form", form: "%zz", status: 400, want: `{"error":"invalid_request"}`},
		{name: "too long", form: strings.Repeat("x", 70_000), status: 400, want: `{"error":"invalid_request"}`},
		{name: "get", method: "GET", form: grant, status: 405, want: `{"error":"invalid_request"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tokenRequest(t, tt.form)
			if tt.method != "" {
				r.Method = tt.method
			}
			if tt.user != "" {
				r.SetBasicAuth(tt.user, tt.password)
			}
			a := call(h, r)
			if a.status != tt.status || (tt.want != "" && a.body.String() != tt.want) {
				t.Fatalf("%d %s", a.status, a.body.String())
			}
			if a.status == 200 {
				got := decode[granted](t, a.body.String())
				if got.Expires != 749 || !strings.EqualFold(got.Type, "bearer") {
					t.Errorf("%+v", got)
				}
				// Any authorized answer proves that the token holds.
				if a := call(h, newRequest(t, "GET", "http://localhost/api/x", "", "Authorization", "Bearer "+got.Token)); a.status != 404 {
					t.Errorf("the token is answered with %d", a.status)
				}
			}
		})
	}
	if n := tenant.Totals().Token; n != len(tests) {
		t.Errorf("%d token requests counted of %d", n, len(tests))
	}
}

func TestTokensExpireAndAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{TokenLife: 90 * time.Second})
		add(t, tenant, idA)
		h := tenant.Handler()
		issue := func() string {
			a := call(h, tokenRequest(t, "grant_type=client_credentials&client_id=a&client_secret=b"))
			return decode[granted](t, a.body.String()).Token
		}
		use := func(token string) string {
			a := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions/"+idA, "", "Authorization", "Bearer "+token))
			if a.status == 200 {
				return "ok"
			}
			return a.body.String()
		}
		token := issue()
		time.Sleep(90 * time.Second)
		if got := use(token); got != "ok" {
			t.Errorf("in its last moment: %s", got)
		}
		time.Sleep(time.Millisecond)
		if got := use(token); got != `{"error":"Unauthorized: the token has expired"}` {
			t.Errorf("after its life: %s", got)
		}
		token = issue()
		if got := use(token); got != "ok" {
			t.Errorf("renewed: %s", got)
		}
		tenant.mu.Lock()
		clear(tenant.tokens)
		tenant.mu.Unlock()
		if got := use(token); got != `{"error":"Unauthorized: the token is not known"}` {
			t.Errorf("revoked: %s", got)
		}
		if got := use("some API key"); got != "ok" {
			t.Errorf("an API key: %s", got)
		}
	})
}
