package journal

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLines(t *testing.T) {
	tests := []struct {
		name   string
		record Record
		want   string // without the checksum
	}{
		{"start", start(`C:\a "b".csv`), `{"t":"start","at":"2026-03-02T21:00:01.250Z","version":"1.0.0","host":"acme.example","sheet":"C:\\a \"b\".csv","sha256":"00ff","sheet_file":"sheet.csv","rows":20`},
		{"start of an edited sheet", Start{At: testTime, Rows: 2, Rules: "a", Clears: 1, Runs: 3, Edition: 2, Matched: 1, Removed: Removed{Sent: 3}},
			`{"t":"start","at":"2026-03-02T21:00:01.250Z","version":"","host":"","sheet":"","sha256":"","sheet_file":"","rows":2,"rules":"a","clears":1,"runs":3,"edition":2,"matched":1,"removed":{"sent":3,"not_sent":0}`},
		{"start with its operator", Start{At: testTime, Operator: Operator{`ACME\ann`, "desk"}},
			`{"t":"start","at":"2026-03-02T21:00:01.250Z","version":"","host":"","sheet":"","sha256":"","sheet_file":"","rows":0,"operator":{"user":"ACME\\ann","machine":"desk"}`},
		{"attempt", Attempt{At: testTime, Row: 17, ID: "x", Attempt: 2, HTTPStatus: 429, Duration: time.Second, RequestID: "r", Error: "e"},
			`{"t":"attempt","row":17,"at":"2026-03-02T21:00:01.250Z","id":"x","attempt":2,"http":429,"ms":1000,"request_id":"r","error":"e"`},
		{"attempt without an answer", Attempt{At: testTime, Row: 17, ID: "x", Attempt: 1, Error: "e"}, `{"t":"attempt","row":17,"at":"2026-03-02T21:00:01.250Z","id":"x","attempt":1,"ms":0,"error":"e"`},
		{"intent", Intent{At: testTime, Row: 17, ID: "x", Hash: 0xc0ffee}, `{"t":"intent","row":17,"at":"2026-03-02T21:00:01.250Z","id":"x","hash":"0000000000c0ffee"`},
		{"intent that runs", Intent{At: testTime, Row: 17, ID: "x", Hash: math.MaxUint64, Run: true}, `{"t":"intent","row":17,"run":true,"at":"2026-03-02T21:00:01.250Z","id":"x","hash":"ffffffffffffffff"`},
		{"withdrawn", withdrawn(18), `{"t":"withdrawn","row":18,"at":"2026-03-02T21:00:01.250Z","id":"id-18"`},
		{"outcome", outcome(17, Updated), `{"t":"outcome","row":17,"status":"updated","at":"2026-03-02T21:00:01.250Z","id":"id-17","hash":"0000000000000077","http":200,"attempts":1,"ms":187`},
		{"outcome with all", Outcome{At: testTime, Row: 1, ID: "x", Run: true, Status: Failed, HTTPStatus: 400, Attempts: 5, Duration: time.Hour + time.Microsecond, RequestID: "r-1", Error: "a\nb", ErrorBody: "\x1b[31m\u0085", Note: "n"},
			`{"t":"outcome","row":1,"status":"failed","run":true,"at":"2026-03-02T21:00:01.250Z","id":"x","hash":"0000000000000000","http":400,"attempts":5,"ms":3600000,"request_id":"r-1","error":"a\nb","error_body":"\u001b[31m\u0085","note":"n"`},
		{"before", Before{Row: 3, ID: "x", Sent: map[string]string{"status": "open", "attributes.b": "\""}, Session: []byte("{\"a\":\r\n \"ü\"}")}, `{"t":"before","row":3,"id":"x","sent":{"attributes.b":"\"","status":"open"},"session":{"a": "ü"}`},
		{"before that is no JSON", Before{Row: 3, ID: "x", Session: []byte(`{oops`)}, `{"t":"before","row":3,"id":"x","sent":{},"session":"{oops"`},
		{"plan", Planned{Row: 3, ID: "x", Action: "patch", Method: "PATCH", Path: "/w/x", Body: []byte(`{"b":[1]}`), Changes: "a: 1 → 2"}, `{"t":"plan","row":3,"id":"x","action":"patch","method":"PATCH","path":"/w/x","body":{"b":[1]},"changes":"a: 1 → 2"`},
		{"plan of a comparison", Planned{Row: 3, ID: "x", Action: "patch", Fields: []FieldChange{{"a", "1", "2", ""}, {"b", "", "\"", "why"}}},
			`{"t":"plan","row":3,"id":"x","action":"patch","fields":[{"field":"a","old":"1","new":"2","remark":""},{"field":"b","old":"","new":"\"","remark":"why"}]`},
		{"plan of nothing", Planned{Row: 3, ID: "x", Action: "unchanged"}, `{"t":"plan","row":3,"id":"x","action":"unchanged"`},
		{"tick", Tick{At: testTime, Patch: 10, Get: 2, Token: 1, Throttled: 3, Retried: 4, Ceiling: 9.9, Latency: map[int]int{500: 1, 50: 9}}, `{"t":"tick","at":"2026-03-02T21:00:01.250Z","patch":10,"get":2,"token":1,"throttled":3,"retried":4,"ceiling":9.9,"latency_ms":{"50":9,"500":1}`},
		{"tick of a tenant that grants less", Tick{At: testTime, Ceiling: 5.5, Learned: 5.25}, `{"t":"tick","at":"2026-03-02T21:00:01.250Z","patch":0,"get":0,"token":0,"throttled":0,"retried":0,"ceiling":5.5,"learned":5.25`},
		{"tick without a number", Tick{At: testTime, Ceiling: math.Inf(1)}, `{"t":"tick","at":"2026-03-02T21:00:01.250Z","patch":0,"get":0,"token":0,"throttled":0,"retried":0,"ceiling":0`},
		{"end", End{At: testTime, ExitCode: 3, Reason: "why"}, `{"t":"end","at":"2026-03-02T21:00:01.250Z","exit":3,"reason":"why","finished":false`},
		{"end of all", End{At: testTime.In(time.FixedZone("", 3600)), Finished: true}, `{"t":"end","at":"2026-03-02T21:00:01.250Z","exit":0,"finished":true`},
		{"moved", Moved{9, 17, 1}, `{"t":"moved","row":9,"was":17,"edition":1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := string(lines(t, tt.record))
			if got := line[:len(line)-1-sealLen]; got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			var keys map[string]any
			if err := json.Unmarshal([]byte(line), &keys); err != nil {
				t.Errorf("not JSON: %v", err)
			}
			if crc, _ := keys["crc"].(string); len(crc) != 8 {
				t.Errorf("crc is %q", keys["crc"])
			}
			if !intact([]byte(strings.TrimSuffix(line, "\n"))) {
				t.Error("not intact")
			}
		})
	}
}

func TestRefusedRecords(t *testing.T) {
	tests := []struct {
		name   string
		record Record
		want   string
	}{
		{"no status", Outcome{Row: 5}, `row 5: "" is no outcome`},
		{"pending", Outcome{Row: 5, Status: Pending}, `row 5: "pending" is no outcome`},
		{"negative row", Intent{Row: -1}, "row -1 is out of range"},
		{"huge row", Before{Row: maxRow + 1}, "row 2147483648 is out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := encoder{b: []byte("kept")}
			err := e.line(tt.record)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if string(e.b) != "kept" {
				t.Errorf("the queue is %q", e.b)
			}
		})
	}
}

// decodeAny decodes a line by its kind.
func decodeAny(t testing.TB, line []byte) Record {
	t.Helper()
	h, err := decodeHead(line)
	if err != nil {
		t.Fatal(err)
	}
	var r Record
	switch h.Kind {
	case "start":
		r, err = decode(line, Start{})
	case "intent":
		r, err = decodeIntent(line)
	case "outcome":
		r, err = decodeOutcome(line)
	case "before":
		r, err = decodeBefore(line)
	case "plan":
		r, err = decodePlanned(line)
	case "tick":
		r, err = decode(line, Tick{})
	case "end":
		r, err = decode(line, End{})
	default:
		t.Fatalf("kind %q", h.Kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	hostile := "q\" b\\ \\\" tab\t nl\n cr\r nul\x00 esc\x1b del\x7f c1\u009f é € 𝄞 \u2028 {}[],: \"crc\":\"00000000\"}"
	tests := []struct {
		name   string
		record Record
	}{
		{"start", Start{At: testTime, Version: hostile, Host: hostile, Sheet: hostile, SHA256: hostile, SheetFile: hostile, Rows: 10_000_000, Rules: hostile, Clears: 1, Runs: 2, Edition: 3, Matched: 4, Removed: Removed{5, 6}, Operator: Operator{hostile, hostile}}},
		{"zero start", Start{}},
		{"intent", Intent{At: testTime, Row: maxRow, ID: hostile, Hash: math.MaxUint64, Run: true}},
		{"outcome", Outcome{At: testTime, Row: 0, ID: hostile, Hash: 1, Run: true, Status: Unknown, HTTPStatus: 599, Attempts: 9, Duration: 99 * time.Hour, RequestID: hostile, Error: hostile, ErrorBody: hostile, Note: hostile}},
		{"outcome of an answer with an id", Outcome{At: testTime, Row: 2, ID: "x", Hash: 1, Status: Updated, HTTPStatus: 200, Attempts: 1, RequestID: "r-1"}},
		{"session object", Before{Row: 4, ID: "x", Sent: map[string]string{"a": hostile, hostile: "b"}, Session: []byte(`{"a":{"b":["]}\"",1.0,12345678901234567890,null]}}`)}},
		{"session text", Before{Row: 4, ID: "x", Sent: map[string]string{}, Session: []byte(`"quoted"`)}},
		{"session broken", Before{Row: 4, ID: "x", Sent: map[string]string{}, Session: []byte("{\n\x00")}},
		{"plan", Planned{Row: 4, ID: hostile, Action: "patch", Method: "PATCH", Path: hostile, Body: []byte(`[{"x":"` + "}" + `"}]`), Changes: hostile, Fields: []FieldChange{{hostile, hostile, hostile, hostile}}}},
		{"tick", Tick{At: testTime, Patch: 1, Get: 2, Token: 3, Throttled: 4, Retried: 5, Ceiling: 0.125, Learned: 0.5, Latency: map[int]int{1: 2, 30000: 4}}},
		{"end", End{At: testTime, ExitCode: 143, Reason: hostile, Finished: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := lines(t, tt.record)
			if n := strings.Count(string(line), "\n"); n != 1 {
				t.Fatalf("%d line breaks in %q", n, line)
			}
			if got := decodeAny(t, line[:len(line)-1]); !reflect.DeepEqual(got, tt.record) {
				t.Errorf("\n got %#v\nwant %#v", got, tt.record)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	for _, at := range []time.Time{
		{}, testTime, time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(2026, 1, 1, 0, 30, 0, 1_999_999, time.FixedZone("", -3*3600)),
	} {
		want := `,"at":` + at.UTC().Format(`"2006-01-02T15:04:05.000Z"`)
		var e encoder
		if e.at(at); string(e.b) != want {
			t.Errorf("got %s, want %s", e.b, want)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	line := lines(t, Outcome{Row: 1, Status: Failed, ErrorBody: "a\xff\xc3b"})
	got := decodeAny(t, line[:len(line)-1]).(Outcome)
	if want := "a\ufffd\ufffdb"; got.ErrorBody != want {
		t.Errorf("got %q, want %q", got.ErrorBody, want)
	}
}

// The short way round encoding/json must read what encoding/json reads.
func TestParseOutcome(t *testing.T) {
	plain := outcome(17, Updated)
	unanswered := Outcome{At: testTime, Row: 1, ID: "x", Hash: math.MaxUint64, Run: true, Status: Unknown, Attempts: 3, Duration: time.Hour}
	withError, escaped := plain, plain
	withError.Error, escaped.ID = "why", `"`
	tests := []struct {
		name   string
		record Record
		short  bool
	}{
		{"plain", plain, true},
		{"without an answer", unanswered, true},
		{"with an error", withError, false},
		{"escaped", escaped, false},
		{"no outcome", intent(17, true), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := lines(t, tt.record)
			line = line[:len(line)-1]
			got, ok := parseOutcome(line)
			if ok != tt.short {
				t.Fatalf("read the short way: %v, want %v", ok, tt.short)
			}
			// White space makes it go the long way.
			want, err := decodeOutcome(append([]byte("{ "), line[1:]...))
			if err != nil || ok && got != want {
				t.Errorf("got %+v, want %+v, %v", got, want, err)
			}
		})
	}
}
