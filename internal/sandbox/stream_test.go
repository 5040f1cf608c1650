package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watch opens a stream of the page.
func watch(t *testing.T, client *http.Client, base, query string, header ...string) (*bufio.Reader, io.Closer) {
	t.Helper()
	resp, err := client.Do(newRequest(t, "GET", base+"/events"+query, "", header...))
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s, %q", resp.Status, resp.Header.Get("Content-Type"))
	}
	return bufio.NewReader(resp.Body), resp.Body
}

// next reads a stream up to its next news.
func next(t *testing.T, stream *bufio.Reader) (id string, n news) {
	t.Helper()
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatal("the stream ended: ", err)
		}
		if rest, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(rest)
		}
		if rest, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(rest), &n); err != nil {
				t.Fatal(err)
			}
			return id, n
		}
	}
}

func TestStreamTellsRequestsAsTheyCome(t *testing.T) {
	tenant := New(Options{})
	add(t, tenant, idA)
	base, client := serve(t, tenant)
	stream, body := watch(t, client, base, "")
	url := base + "/api/workflow_sessions/" + idA
	do(t, client, newRequest(t, "PATCH", url+"?run=true", `{"workflow_session":{"status":"new"}}`))
	id, n := next(t, stream)
	if id != "1" || len(n.Requests) != 1 || n.Totals.Applied != 1 || n.Totals.Runs != 1 {
		t.Fatalf("id %s, %+v", id, n)
	}
	q := n.Requests[0]
	if q.Number != 1 || q.Method != http.MethodPatch || q.Path != "/api/workflow_sessions/"+idA+"?run=true" || q.Result != "200" || q.Class != "" || q.Millis <= 0 {
		t.Errorf("%+v", q)
	}
	do(t, client, newRequest(t, "GET", base+"/forgotten", ""))
	if id, n = next(t, stream); id != "2" || n.Requests[0].Result != "404" || n.Requests[0].Class != "warn" {
		t.Errorf("id %s, %+v", id, n)
	}
	body.Close()

	// A browser that connects again gets what it missed, and all that is kept
	// where it speaks of an earlier sandbox.
	do(t, client, newRequest(t, "GET", url, ""))
	for _, tt := range []struct {
		query, header string
		want          int
	}{{"", "2", 1}, {"?after=1", "", 2}, {"?after=1", "2", 1}, {"", "77", 3}, {"?after=x", "", 3}} {
		stream, body := watch(t, client, base, tt.query, "Last-Event-ID", tt.header)
		if id, n := next(t, stream); id != "3" || len(n.Requests) != tt.want {
			t.Errorf("%q %q: id %s with %d requests", tt.query, tt.header, id, len(n.Requests))
		}
		body.Close()
	}
}

func TestKeptRequestsAreBounded(t *testing.T) {
	tenant := New(Options{})
	h := tenant.Handler()
	for range 3*keptRequests + 7 {
		call(h, newRequest(t, "GET", "http://localhost/"+strings.Repeat("é", 300), ""))
	}
	list, last := tenant.since(0)
	if len(list) != keptRequests || last != 3*keptRequests+7 || list[0].Number != last-keptRequests+1 || list[keptRequests-1].Number != last {
		t.Errorf("%d requests, the last %d", len(list), last)
	}
	if path := list[0].Path; len(path) > shownPath+len("…") || !strings.HasSuffix(path, "é…") {
		t.Errorf("path %q", path)
	}
	if list, _ = tenant.since(last - 2); len(list) != 2 {
		t.Errorf("%d since the last but two", len(list))
	}
}

// In virtual time: a silent stream is kept alive, too many are refused, a
// reader that does not read holds up nobody and is dropped, and stopping ends
// the rest at once.
func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{})
		add(t, tenant, idA)
		network := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		served := make(chan error, 1)
		go func() { served <- tenant.Serve(ctx, network) }()
		transport := &http.Transport{DialContext: network.dial, MaxIdleConns: 1}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		const base = "http://localhost"

		start := time.Now()
		stream, _ := watch(t, client, base, "")
		for {
			line, err := stream.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == ":\n" {
				break
			}
		}
		if took := time.Since(start); took < streamIdle || took > streamIdle+streamEvery {
			t.Errorf("a sign of life after %v", took)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, stream)
			ended <- err
		}()

		for range maxStreams - 1 { // they read no more than the header
			watch(t, client, base, "")
		}
		if status, _, _ := do(t, client, newRequest(t, "GET", base+"/events", "")); status != 503 {
			t.Errorf("one stream too many is answered with %d", status)
		}
		handler := tenant.Handler()
		before := time.Now()
		for range 2000 {
			call(handler, newRequest(t, "GET", base+"/api/workflow_sessions/"+idA, ""))
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("requests waited %v for those who watch", took)
		}
		time.Sleep(2 * streamPatience)
		synctest.Wait()
		if n := tenant.streams.Load(); n != 1 {
			t.Errorf("%d streams are open; only one is read", n)
		}
		select {
		case err := <-ended:
			t.Error("the stream that is read ended:", err)
		default:
		}

		before = time.Now()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if took := time.Since(before); took > time.Second {
			t.Errorf("stopped after %v", took)
		}
		if err := <-ended; err != nil {
			t.Error("the stream was cut off:", err)
		}
	})
}
