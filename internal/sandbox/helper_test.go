package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	idA = "11111111-2222-4333-8444-555555555501"
	idB = "11111111-2222-4333-8444-555555555502"
	idC = "11111111-2222-4333-8444-555555555503"
	idX = "99999999-2222-4333-8444-555555555599" // never added
)

// serve runs a tenant on loopback until the test ends.
func serve(t *testing.T, tenant *Tenant) (base string, client *http.Client) {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tenant.Serve(ctx, l) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	client = &http.Client{
		Transport:     transport,
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return "http://" + l.Addr().String(), client
}

func newRequest(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer any")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	return r
}

// do sends a request that must be answered, and as the API describes it.
func do(t *testing.T, client *http.Client, r *http.Request) (int, string, http.Header) {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	fits(t, r, resp.StatusCode, resp.Header, string(body))
	return resp.StatusCode, string(body), resp.Header
}

// wire is a session as it comes over the wire.
type wire struct {
	ID            string            `json:"id"`
	UID           string            `json:"uid"`
	WorkflowID    string            `json:"workflow_id"`
	RequesterID   string            `json:"requester_id"`
	RequesterType string            `json:"requester_type"`
	ProfileID     *string           `json:"profile_id"`
	ProfileIDs    []string          `json:"profile_ids"`
	Status        string            `json:"status"`
	Attributes    map[string]string `json:"attributes"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewBufferString(body))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func oneSession(t *testing.T, body string) wire {
	t.Helper()
	return decode[struct {
		Session wire `json:"workflow_session"`
	}](t, body).Session
}

// reply is an answer of the handler called directly.
type reply struct {
	status  int
	header  http.Header
	body    bytes.Buffer
	dropped bool
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }

// call asks a handler without a network, so that tests can run in virtual time.
func call(h http.Handler, r *http.Request) (answer *reply) {
	answer = &reply{header: http.Header{}}
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			answer.dropped = true
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(answer, r)
	if answer.status == 0 {
		answer.status = http.StatusOK
	}
	return answer
}

func add(t *testing.T, tenant *Tenant, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := tenant.AddID(id); err != nil {
			t.Fatal(err)
		}
	}
}

func patchBody(t *testing.T, session map[string]any) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"workflow_session": session})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
