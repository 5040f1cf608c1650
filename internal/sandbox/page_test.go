package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPageShowsAndEscapes(t *testing.T) {
	tenant := New(Options{Faults: Faults{RateLimit: 12.5, Latency: 30 * time.Millisecond, Fail: 0.07, Spaced: true}, Seed: 42, Token: "s3cret-token"})
	hostile := `<script>alert(1)</script></style><img src=x onerror="alert(2)">`
	add(t, tenant, idA)
	tenant.SetFaults(Faults{}) // so that what follows succeeds
	h := tenant.Handler()
	update := patchBody(t, map[string]any{"status": "closed", "attributes": map[string]string{hostile: hostile}})
	call(h, newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+idA, update, "Authorization", "Bearer s3cret-token"))
	call(h, newRequest(t, "GET", "http://localhost/?x", ""))
	call(h, newRequest(t, "GET", "http://localhost/api/"+url.PathEscape(hostile), ""))
	tenant.SetFaults(Faults{RateLimit: 12.5, Latency: 30 * time.Millisecond, Fail: 0.07, Spaced: true})

	a := call(h, newRequest(t, "GET", "http://localhost/", ""))
	body := a.body.String()
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Fatal(a.status, a.header)
	}
	for _, want := range []string{
		idA, "closed", "12.5 requests per second", "Latency 30ms", "7 % answered with 5xx", "0 % applied but", "seed 42", `<td class="warn">401</td>`,
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
	if n := tenant.Totals(); n.Other+n.Patch != 2 {
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

func TestPageIsReadOnly(t *testing.T) {
	tenant := New(Options{})
	for path, status := range map[string]int{"/": 405, "/?after=0": 405, "/settings": 404} {
		r := newRequest(t, "POST", "http://localhost"+path, "rate=7", "Content-Type", "application/x-www-form-urlencoded")
		if a := call(tenant.Handler(), r); a.status != status || tenant.Faults() != (Faults{}) {
			t.Errorf("%s: %d, faults %+v", path, a.status, tenant.Faults())
		}
	}
}

// TestPageIsAskedForWhatIsNew follows requests as the page's script does.
func TestPageIsAskedForWhatIsNew(t *testing.T) {
	tenant := New(Options{})
	add(t, tenant, idA)
	base, client := serve(t, tenant)
	refresh := func(query string) (int, string) {
		t.Helper()
		status, body, _ := do(t, client, newRequest(t, "GET", base+"/"+query, ""))
		return status, body
	}
	if status, body := refresh("?after=0"); status != http.StatusNoContent || body != "" {
		t.Errorf("nothing is new: %d %.100s", status, body)
	}
	path := "/api/workflow_sessions/" + idA + "?run=true"
	do(t, client, newRequest(t, "PATCH", base+path, `{"workflow_session":{"status":"new"}}`))
	do(t, client, newRequest(t, "GET", base+"/forgotten", ""))
	status, body := refresh("?after=0")
	first, second := strings.Index(body, `<td class="warn">404</td><td>GET</td><td class="path">/forgotten</td>`), strings.Index(body, `<td class="">200</td><td>PATCH</td><td class="path">`+path)
	if status != http.StatusOK || first < 0 || second < first || !strings.Contains(body, `data-count="runs">1<`) {
		t.Errorf("%d %s", status, body)
	}
	// An earlier sandbox may have had more requests, or the page none.
	for query, want := range map[string]int{"?after=2": 204, "?after=1": 200, "?after=77": 200, "?after=x": 200, "": 200} {
		if status, _ := refresh(query); status != want {
			t.Errorf("%q: %d", query, status)
		}
	}
}

func TestKeptRequestsAreBounded(t *testing.T) {
	tenant := New(Options{})
	h := tenant.Handler()
	const all = 3*keptRequests + 7
	for i := range all {
		call(h, newRequest(t, "GET", fmt.Sprintf("http://localhost/%d%s", i, strings.Repeat("é", 300)), ""))
	}
	data := tenant.pageData()
	if n := len(data.Requests); n != keptRequests || data.Totals.Requests() != all || len(tenant.requests) > 2*keptRequests {
		t.Errorf("%d requests of %d", n, data.Totals.Requests())
	}
	for i, q := range data.Requests {
		if !strings.HasPrefix(q.Path, fmt.Sprintf("/%dé", all-1-i)) || len(q.Path) > shownPath+len("…") || !strings.HasSuffix(q.Path, "é…") {
			t.Errorf("path %d is %q", i, q.Path)
		}
	}
}
