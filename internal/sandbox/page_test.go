package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPageShowsAndEscapes(t *testing.T) {
	tenant := New(Options{RateLimit: 12.5, Latency: 30 * time.Millisecond, Fail: 0.07, Spaced: true, Seed: 42, Token: "s3cret-token"})
	hostile := `<script>alert(1)</script></style><img src=x onerror="alert(2)">`
	if err := tenant.Add(Session{ID: idA, Status: "closed", Attributes: map[string]string{hostile: hostile}}); err != nil {
		t.Fatal(err)
	}
	tenant.SetFaults(Faults{}) // so that what follows succeeds
	h := tenant.Handler()
	call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions/"+idA, "", "Authorization", "Bearer s3cret-token"))
	call(h, newRequest(t, "GET", "http://localhost/?x", ""))
	call(h, newRequest(t, "GET", "http://localhost/api/"+url.PathEscape(hostile), ""))
	tenant.SetFaults(Faults{RateLimit: 12.5, Latency: 30 * time.Millisecond, Fail: 0.07, Spaced: true})

	a := call(h, newRequest(t, "GET", "http://localhost/", ""))
	body := a.body.String()
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Fatal(a.status, a.header)
	}
	for _, want := range []string{
		idA, "closed", `name="rate" type="number" inputmode="decimal" min="0" max="1000000" step="any" value="12.5"`,
		`value="30"`, `value="7"`, `value="on" checked`, "seed 42", `<td class="warn">401</td>`,
		"&lt;script&gt;alert(1)&lt;/script&gt;", `lang="en"`, `aria-live="polite"`, `scope="col"`, `name="viewport"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, no := range []string{hostile, "<img src", "s3cret-token", "http://", "https://"} {
		if strings.Contains(body, no) {
			t.Errorf("the page holds %s", no)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	for _, element := range []string{"style", "script"} {
		text := regexp.MustCompile(`(?s)<` + element + `>(.*)</` + element + `>`).FindStringSubmatch(body)
		if text == nil || !strings.Contains(policy, element+"-src '"+contentHash(text[1])+"';") {
			t.Errorf("the policy does not allow the page's own %s: %s", element, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if regexp.MustCompile(`\s(style|on[a-z]+)="`).MatchString(body) {
		t.Error("the page has inline styles or handlers, which its policy blocks")
	}
	if n := tenant.Totals(); n.Other+n.Get != 2 {
		t.Errorf("the page's own requests are counted: %+v", n)
	}
}

func TestPageIsForThisMachineOnly(t *testing.T) {
	h := New(Options{}).Handler()
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8787": 200, "LOCALHOST:1": 200, "127.0.0.1:8787": 200, "[::1]:8787": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:8787": 421, "127.0.0.1.evil.example": 421, "192.0.2.7:8787": 421, "": 421,
	} {
		r := newRequest(t, "GET", "http://localhost/", "")
		r.Host = host
		if a := call(h, r); a.status != status {
			t.Errorf("%q: %d, want %d", host, a.status, status)
		}
	}
}

func TestSettings(t *testing.T) {
	before := Faults{RateLimit: 3}
	good := "rate=7.5&window=10&latency=20.5&fail=12.5&drop=1&names=on"
	changed := Faults{RateLimit: 7.5, Window: 10 * time.Second, Latency: 20500 * time.Microsecond, Fail: 0.125, Drop: 0.01, Names: true}
	tests := []struct {
		name, method, form string
		header             []string
		host               string
		status             int
		want               Faults
		text               string
	}{
		{name: "the page itself", form: good, header: []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:8787"}, status: 303, want: changed},
		{name: "an older browser", form: good, header: []string{"Origin", "http://localhost:8787"}, status: 303, want: changed},
		{name: "no browser", form: good, status: 303, want: changed},
		{name: "another site", form: good, header: []string{"Sec-Fetch-Site", "cross-site"}, status: 403, want: before},
		{name: "another port", form: good, header: []string{"Sec-Fetch-Site", "same-site"}, status: 403, want: before},
		{name: "another site, older browser", form: good, header: []string{"Origin", "https://evil.example"}, status: 403, want: before},
		{name: "opaque origin", form: good, header: []string{"Origin", "null"}, status: 403, want: before},
		{name: "another name", form: good, header: []string{"Origin", "http://evil.example"}, host: "evil.example", status: 421, want: before},
		{name: "get", method: "GET", form: good, status: 405, want: before},
		{name: "too many failures", form: "rate=7&window=0&latency=0&fail=101&drop=0", status: 400, want: before, text: "Not changed: the share of failures must be between 0 % and 100 %."},
		{name: "no number", form: "rate=fast&window=0&latency=0&fail=0&drop=0", status: 400, want: before, text: "Not changed: the rate limit is not a number that can be used."},
		{name: "NaN", form: "rate=NaN&window=0&latency=0&fail=0&drop=0", status: 400, want: before, text: "the rate limit is not a number"},
		{name: "endless wait", form: "rate=0&window=0&latency=1e300&fail=0&drop=0", status: 400, want: before, text: "the latency is not a number that can be used"},
		{name: "long wait", form: "rate=0&window=0&latency=600001&fail=0&drop=0", status: 400, want: before, text: "the latency must be between 0 and ten minutes"},
		{name: "negative", form: "rate=-1&window=0&latency=0&fail=0&drop=0", status: 400, want: before, text: "the rate limit must be between 0"},
		{name: "missing", form: "rate=1", status: 400, want: before, text: "the window is not a number"},
		{name: "hostile", form: "rate=%22%3E%3Cscript%3E&window=0&latency=0&fail=0&drop=0", status: 400, want: before, text: `value="&#34;&gt;&lt;script&gt;"`},
		{name: "too long", form: "rate=" + strings.Repeat("1", 20_000), status: 400, want: before, text: "could not be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tenant := New(Options{RateLimit: 3})
			method := "POST"
			if tt.method != "" {
				method = tt.method
			}
			r := newRequest(t, method, "http://localhost:8787/settings", tt.form,
				append([]string{"Content-Type", "application/x-www-form-urlencoded"}, tt.header...)...)
			if tt.host != "" {
				r.Host = tt.host
			}
			a := call(tenant.Handler(), r)
			if a.status != tt.status || !strings.Contains(a.body.String(), tt.text) {
				t.Errorf("%d %.300s", a.status, a.body.String())
			}
			if got := tenant.Faults(); got != tt.want {
				t.Errorf("faults %+v, want %+v", got, tt.want)
			}
			if a.status == http.StatusSeeOther && a.header.Get("Location") != "/" {
				t.Errorf("sent to %q", a.header.Get("Location"))
			}
		})
	}
}

// What the form shows is what it sends back.
func TestFormComesBackAsItWas(t *testing.T) {
	for _, f := range []Faults{
		{}, {RateLimit: 0.07, Fail: 0.07, Drop: 0.29, Latency: 1500 * time.Microsecond, Window: 2500 * time.Millisecond, Spaced: true},
		{RateLimit: maxRate, Fail: 1, Drop: 1, Latency: maxLatency, Window: maxWindow, Names: true},
	} {
		if got, err := formOf(f).faults(); err != nil || got != f {
			t.Errorf("%+v came back as %+v, %v", f, got, err)
		}
	}
}
