package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestSessionIsReadLeniently(t *testing.T) {
	const all = FieldWorkflowID | FieldRequesterID | FieldRequesterType | FieldProfileID | FieldProfileIDs | FieldStatus | FieldAttributes
	tests := []struct {
		name string
		json string
		want Session
	}{
		{"everything",
			`{"id":"1","uid":"u","workflow_id":"w","requester_id":"r","requester_type":"User","profile_id":"p","profile_ids":["a","b"],"status":"pending approval","attributes":{"x":"1","y":""},"created_at":"c","updated_at":"d","new_field":{"deep":[1,{"er":null}]}}`,
			Session{ID: "1", UID: "u", WorkflowID: "w", RequesterID: "r", RequesterType: "User", ProfileID: "p", ProfileIDs: []string{"a", "b"}, Status: "pending approval", Attributes: map[string]string{"x": "1", "y": ""}, CreatedAt: "c", UpdatedAt: "d", Has: all}},
		{"nothing", `{}`, Session{}},
		{"nulls", `{"id":"1","status":null,"profile_ids":null,"attributes":null}`, Session{ID: "1", Has: FieldStatus | FieldProfileIDs}},
		{"profile_ids as one string", `{"profile_ids":"a, b,c"}`, Session{ProfileIDs: []string{"a", "b", "c"}, Has: FieldProfileIDs}},
		{"profile_ids as an empty string", `{"profile_ids":""}`, Session{Has: FieldProfileIDs}},
		{"an unknown status", `{"status":"levitating"}`, Session{Status: "levitating", Has: FieldStatus}},
		{"attribute values of every type", `{"attributes":{"n":1.50,"neg":-2e+3,"t":true,"f":false,"z":null,"l":["a",2,null],"o":{"k": 1},"s":"x"}}`,
			Session{Attributes: map[string]string{"n": "1.50", "neg": "-2e+3", "t": "true", "f": "false", "z": "", "l": "a, 2, ", "o": `{"k": 1}`, "s": "x"}, Has: FieldAttributes}},
		{"escapes", `{"status":"a\"b\\c\/d\n\u00e9\ud83d\ude00","attributes":{"\u0078":"1"}}`, Session{Status: "a\"b\\c/d\né😀", Attributes: map[string]string{"x": "1"}, Has: FieldStatus | FieldAttributes}},
		{"attributes as a list", `{"attributes":[]}`, Session{}},
		{"empty attributes", `{"attributes":{}}`, Session{Has: FieldAttributes}},
		{"invalid UTF-8", "{\"status\":\"a\xffb\"}", Session{Status: "a\uFFFDb", Has: FieldStatus}},
		{"white space", " {\n\t\"id\" : \"1\" ,\r\n \"status\" : \"x\" } ", Session{ID: "1", Status: "x", Has: FieldStatus}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSession([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != tt.want.ID || got.UID != tt.want.UID || got.WorkflowID != tt.want.WorkflowID || got.RequesterID != tt.want.RequesterID ||
				got.RequesterType != tt.want.RequesterType || got.ProfileID != tt.want.ProfileID || !slices.Equal(got.ProfileIDs, tt.want.ProfileIDs) ||
				got.Status != tt.want.Status || !maps.Equal(got.Attributes, tt.want.Attributes) || got.CreatedAt != tt.want.CreatedAt ||
				got.UpdatedAt != tt.want.UpdatedAt || got.Has != tt.want.Has {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if tt.want.Has != 0 && !got.Has.All(tt.want.Has) {
				t.Error("All does not hold of the same set")
			}
		})
	}
}

// isJSON reports whether a text is taken for JSON, by the same path that an
// answer goes.
func isJSON(body []byte) bool {
	_, problem := (&call{id: testID}).accept(body)
	return problem != "is not JSON"
}

var jsonSeeds = []string{
	``, ` `, `{}`, `[]`, `null`, `nul`, `truefalse`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `{"a" 1}`, `{a:1}`, `"\u12g4"`, `"\x"`, `"`, `"\`, `"\u12`,
	"\"\x01\"", "\"\t\"", `01`, `-`, `-0`, `0.`, `.5`, `1e`, `1e+`, `1E-5`, `-0.0e10`, `1.5.5`, `[1 2]`, `{"a":1 "b":2}`, `{"a":[{"b":[]}]}`, `[[[[]]]]`, `[[[[]]]`, `{"a":"b"}}`, "\ufeff{}", `{"":""}`, "{\"\xff\":1}",
}

func TestAnswersThatAreNoJSON(t *testing.T) {
	for _, s := range append(jsonSeeds, sessionJSON(testID)) {
		if got, want := isJSON([]byte(s)), json.Valid([]byte(s)); got != want {
			t.Errorf("%q: %v, encoding/json %v", s, got, want)
		}
	}
	if isJSON([]byte(strings.Repeat("[", 1<<20))) {
		t.Error("endless nesting was taken")
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(sessionJSON(testID)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := isJSON(text), json.Valid(text); got != want {
			t.Fatalf("%q: %v, encoding/json %v", text, got, want)
		}
		// Reading a session out of anything must end, and agree on the id.
		q := call{does: safe, id: testID}
		s, problem := q.accept(text)
		if problem != "" {
			return
		}
		var doc struct {
			Session struct{ ID string } `json:"workflow_session"`
		}
		if err := json.Unmarshal(text, &doc); err == nil && !strings.EqualFold(doc.Session.ID, s.ID) &&
			strings.Count(strings.ToLower(string(text)), `"id"`) == 1 && strings.Count(strings.ToLower(string(text)), "workflow_session") == 1 {
			t.Fatalf("%q: id %q, encoding/json %q", text, s.ID, doc.Session.ID)
		}
	})
}
