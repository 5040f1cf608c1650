package api

import (
	"net/http"
	"testing"
	"time"
)

func TestJSONReason(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"error":"a"}`, "a"},
		{`{"error":"a","errors":null}`, "a"},
		{`{"error":"a","errors":{}}`, "a"},
		{`{"error":"a:","errors":{"x":"b","base":["c"]}}`, "a: c; x b"},
		{`{"error":"a","errors":["b","c"]}`, "a: b, c"},
		{`{"error":"a","errors":"b"}`, "a: b"},
		{`{"errors":{"detail":"can't be blank"}}`, "detail can't be blank"},
		{`{"error":{"code":5,"message":"a"}}`, "a"},
		{`{"error":{"code":5}}`, "code 5"},
		{`{"message":"a"}`, "a"},
		{`{"detailCode":"429","messages":[{"locale":"en","text":"Rate limit"},{"text":"again"}]}`, "Rate limit, again"},
		{`{"error":"invalid_token","error_description":"expired"}`, "invalid_token: expired"},
		{`{"error":"The Profile failed to create/update","message":"Name is taken"}`, "The Profile failed to create/update: Name is taken"},
		{`{"error":"failed","base":["a is wrong","b too"],"errors":{"x":"c"}}`, "failed: a is wrong, b too; x c"},
		{`{"error":"failed","message":"failed","errors":{"base":["why"]}}`, "failed: why"},
		{`{"error":"failed","message":"failed: why"}`, "failed: why"},
		{`{"message":"Validation","messages":[{"text":"too long"}]}`, "Validation: too long"},
		{`{"status":404,"error":"Not Found","message":"No handler","path":"/x"}`, "Not Found: No handler"},
		{`{"base":["only this"]}`, "only this"},
		{`{"error":5}`, "5"},
		{`{}`, ""}, {`[]`, ""}, {`"x"`, ""}, {`x`, ""}, {``, ""},
	}
	for _, tt := range tests {
		if got := jsonReason([]byte(tt.in)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name, value, served string
		want                time.Duration
	}{
		{"none", "", "", -1},
		{"seconds", "7", "", 7 * time.Second},
		{"zero", "0", "", 0},
		{"a fraction", " 1.5 ", "", 1500 * time.Millisecond},
		{"far away", "86400", "", 24 * time.Hour},
		{"huge", "1e300", "", maxRetryAfter},
		{"negative", "-3", "", -1},
		{"not a number", "NaN", "", -1},
		{"nonsense", "soon", "", -1},
		{"a date", date(90 * time.Second), "", 90 * time.Second},
		{"a date gone by", date(-time.Hour), "", 0},
		{"a date far away", date(time.Hour), "", time.Hour},
		{"a date by the server's clock", date(time.Hour), date(time.Hour - 5*time.Second), 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			h.Set("Retry-After", tt.value)
			if tt.served != "" {
				h.Set("Date", tt.served)
			}
			if got := retryAfter(h, now); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestLatencyBuckets(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want int // a bound within 5 % above
	}{{0, 1}, {time.Microsecond, 1}, {time.Millisecond, 1}, {1001 * time.Microsecond, 2}, {20 * time.Millisecond, 20}}
	for _, tt := range tests {
		if got := int(latencyBounds[bucket(tt.d)]); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.d, got, tt.want)
		}
	}
	for ms := 1; ms < 5*60*1000; ms += 1 + ms/7 {
		if got := int(latencyBounds[bucket(time.Duration(ms)*time.Millisecond)]); got < ms || got > ms+max(1, ms/19) {
			t.Errorf("%d ms: %d", ms, got)
		}
	}
	var c counts
	c.answered(3 * time.Millisecond)
	c.answered(3 * time.Millisecond)
	c.answered(1000 * time.Hour)
	if got := c.take().Latency; got[3] != 2 || len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := c.take(); got.Latency != nil {
		t.Errorf("not begun anew: %v", got)
	}
}
