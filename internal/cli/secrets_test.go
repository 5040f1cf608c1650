package cli_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// issuer is a tenant with a token endpoint. Each token is good for a few
// requests, and then is refused.
type issuer struct {
	mu                 sync.Mutex
	issued, left       int // tokens handed out; requests that the last one is good for
	each               int
	life               int // seconds, as sent to the client
	later              int // what the tokens after the first are good for
	refused            int
	lenient            bool // every token handed out is good
	id, secret, prefix string
	patches            map[string]int // applied, by id
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.URL.Path == "/oauth/token" {
		id, secret, ok := r.BasicAuth()
		if !ok {
			id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
		} else {
			id, _ = url.QueryUnescape(id)
			secret, _ = url.QueryUnescape(secret)
		}
		if r.Method != http.MethodPost || r.PostFormValue("grant_type") != "client_credentials" || id != i.id || secret != i.secret {
			i.refused++
			answerWith(401, asJSON, fmt.Sprintf(`{"error":"invalid_client","error_description":"no client %s with %s"}`, id, secret))(w, r)
			return
		}
		i.issued++
		if i.left = i.each; i.issued > 1 {
			i.left = i.later
		}
		answerWith(200, asJSON, fmt.Sprintf(`{"access_token":"%s%d","token_type":"bearer","expires_in":%d}`, i.prefix, i.issued, i.life))(w, r)
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer %s%d", i.prefix, i.issued) && !i.lenient || i.left == 0 {
		i.refused++
		answerWith(401, asJSON, fmt.Sprintf(`{"error":"bad token %s"}`, r.Header.Get("Authorization")))(w, r)
		return
	}
	i.left--
	id := strings.TrimPrefix(r.URL.Path, "/api/workflow_sessions/")
	i.patches[id]++
	session(w, id, "completed")
}

func manyRows(n int) string {
	var b strings.Builder
	b.WriteString("id,status\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,completed\n", idOf(i+1))
	}
	return b.String()
}

// TestClientCredentials lets tokens run out in the middle of a run, by their
// own life and by the tenant's will.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, i *issuer) (base string, env []string) {
		i.id, i.secret, i.prefix, i.patches = "client", "s3cret&=%", "access-", map[string]int{}
		server := httptest.NewServer(i)
		t.Cleanup(server.Close)
		return server.URL + "/api", []string{"NERM_CLIENT_ID=" + i.id, "NERM_CLIENT_SECRET=" + i.secret, "NERM_TOKEN_URL=" + server.URL + "/oauth/token"}
	}
	t.Run("withdrawn early", func(t *testing.T) {
		t.Parallel()
		i := &issuer{each: 50, later: 1000, life: 749}
		base, env := start(t, i)
		results, _ := runSheet(t, 0, base, manyRows(100), env, "--workers", "4")
		if len(results.rows) != 100 || len(i.patches) != 100 || i.issued != 2 || i.refused == 0 {
			t.Errorf("%d sessions patched with %d tokens, %d refusals", len(i.patches), i.issued, i.refused)
		}
		for id, n := range i.patches {
			if n != 1 {
				t.Errorf("%s was patched %d times", id, n)
			}
		}
	})
	t.Run("renewed before its end", func(t *testing.T) {
		t.Parallel()
		i := &issuer{each: 1000, later: 1000, life: 1, lenient: true}
		base, env := start(t, i)
		_, s := runSheet(t, 0, base, manyRows(60), env, "--rate", "30")
		if len(i.patches) != 60 || i.issued < 2 || i.refused > 0 {
			t.Errorf("%d sessions patched with %d tokens, %d refusals; it printed:\n%s", len(i.patches), i.issued, i.refused, s.stderr)
		}
	})
	t.Run("refused again with a new token", func(t *testing.T) {
		t.Parallel()
		i := &issuer{each: 0, life: 749}
		base, env := start(t, i)
		_, s := runSheet(t, 3, base, manyRows(20), env, "--workers", "1")
		if i.issued != 2 || i.refused != 2 {
			t.Errorf("%d tokens, %d refusals; it printed:\n%s", i.issued, i.refused, s.stderr)
		}
	})
	t.Run("a wrong secret", func(t *testing.T) {
		t.Parallel()
		i := &issuer{each: 10, life: 749}
		base, env := start(t, i)
		env[1] = "NERM_CLIENT_SECRET=wr0ng-secret"
		results, s := runSheet(t, 3, base, manyRows(20), env)
		if i.issued != 0 || !strings.Contains(s.stderr, "NERM_CLIENT_SECRET") || strings.Contains(s.stderr, "wr0ng") {
			t.Errorf("%d tokens; it printed:\n%s", i.issued, s.stderr)
		}
		if results.rows[0]["result.status"] != "pending" {
			t.Errorf("the first row is %v", results.rows[0])
		}
	})
}

// TestSecretsStaySecret runs what can go wrong at the highest verbosity, and
// looks for the secrets in every byte that was written.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const token, client = "tOk3n-4711-very-secret", "cl1ent-s3cret-0815"
	repeat := func(w http.ResponseWriter, r *http.Request, also string) { // a tenant that repeats what it was sent
		code := 400
		switch r.URL.Path[len(r.URL.Path)-1] {
		case 'f':
			code = 401
		case '7', '8':
			code = 200
		case '9':
			w.Header().Set("Location", "https://elsewhere.invalid/?t="+token)
			code = 302
		}
		w.Header().Set("WWW-Authenticate", r.Header.Get("Authorization"))
		answerWith(code, asJSON, fmt.Sprintf(`{"error":"you sent %s","errors":{"%s":["%s"]}}`, r.Header.Get("Authorization"), token, also))(w, r)
	}
	echo := func(w http.ResponseWriter, r *http.Request) { repeat(w, r, "nothing else") }
	withToken := []string{"NERM_TOKEN=" + token}
	for _, test := range []struct {
		name string
		env  []string
		args []string
		http http.HandlerFunc
	}{
		{"an echo", withToken, nil, echo},
		{"the legacy scheme", withToken, []string{"--auth-scheme", "token"}, echo},
		{"JSON logs", withToken, []string{"--log-format", "json", "--max-attempts", "2"}, echo},
		{"comparing", withToken, []string{"--compare", "--canary", "1"}, echo},
		{"a token from a file", nil, []string{"--token-file", "secret.txt"}, echo},
		{"HTML with the token", withToken, nil, answerWith(403, asHTML, "<title>"+token+"</title>Bearer "+token)},
		{"client credentials", []string{"NERM_CLIENT_ID=id", "NERM_CLIENT_SECRET=" + client, "NERM_TOKEN_URL=TENANT/oauth"}, nil,
			func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/oauth" {
					answerWith(200, asJSON, `{"access_token":"`+token+`","token_type":"bearer","expires_in":749}`)(w, r)
					return
				}
				repeat(w, r, client)
			}},
		{"refused client credentials", []string{"NERM_CLIENT_ID=id", "NERM_CLIENT_SECRET=" + client, "NERM_TOKEN_URL=TENANT/oauth"}, nil,
			answerWith(401, asJSON, `{"error":"invalid_client","error_description":"`+client+` is wrong"}`)},
		{"no tenant", withToken, []string{"--outage-wait", "50ms"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.http)
			defer server.Close()
			base := server.URL
			if test.http == nil {
				base = nobody
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "sheet.csv"), manyRows(16))
			write(t, filepath.Join(dir, "secret.txt"), token+"\n")
			var env []string
			for _, e := range test.env {
				env = append(env, strings.Replace(e, "TENANT", server.URL, 1))
			}
			args := append([]string{"run", "sheet.csv", "--yes", "--rate", "0", "--verbose", "--base-url", base + "/api", "--run-dir", "r", "--log-file", "night.log"}, test.args...)
			first := nermbulk(t, dir, env, args...)
			if first.code != 1 && first.code != 3 {
				t.Errorf("exit code %d; it printed:\n%s", first.code, first.stderr)
			}
			again := nermbulk(t, dir, env, append(args, "--resume", "--retry-failed", "--json")...)
			reported := nermbulk(t, dir, env, "report", "r", "--json")
			texts := map[string]string{
				"first stdout": first.stdout, "first stderr": first.stderr, "again stdout": again.stdout,
				"again stderr": again.stderr, "report stdout": reported.stdout, "report stderr": reported.stderr,
			}
			addFiles(t, texts, filepath.Join(dir, "r"))
			texts["the log"] = read(t, filepath.Join(dir, "night.log"))
			if len(texts) < 12 {
				t.Errorf("only %d texts were searched", len(texts))
			}
			for name, text := range texts {
				for _, secret := range []string{token, client} {
					if at := strings.Index(text, secret); at >= 0 {
						t.Errorf("%s holds %q: …%s…", name, secret, text[max(0, at-60):min(len(text), at+60)])
					}
				}
			}
		})
	}
}

// nobody is where nobody listens: a port that only the system could use.
const nobody = "http://127.0.0.1:1"

// addFiles adds the content of every file under dir.
func addFiles(t *testing.T, texts map[string]string, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		texts[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
