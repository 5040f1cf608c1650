package sandbox

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzWalk holds the walks against decoding: the same members and elements of
// whatever is valid JSON, and no panic.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b":[{"c":"}"}],"a\"":"x\\" } `, `[1,-2.5e+3,"[",{"a":[]},null , true]`, `{"":""}`,
		`"text"`, ` 12 `, `{"\u00e9":"\ud83d\ude00"}`, `{"a":{"b":{"c":{}}},"d":[[],[[]]]}`, "{\"a\"\n:\t{ } }",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || !json.Valid([]byte(s)) {
			return
		}
		var wantMembers map[string]json.RawMessage
		isObject := json.Unmarshal([]byte(s), &wantMembers) == nil && wantMembers != nil
		gotMembers := map[string]json.RawMessage{}
		if got := members([]byte(s), func(name string, value []byte) { gotMembers[name] = value }); got != isObject {
			t.Fatalf("an object: %v, want %v", got, isObject)
		}
		if isObject && !reflect.DeepEqual(gotMembers, wantMembers) {
			t.Errorf("members %s, want %s", gotMembers, wantMembers)
		}
		var wantElements []json.RawMessage
		isArray := json.Unmarshal([]byte(s), &wantElements) == nil && wantElements != nil
		gotElements := []json.RawMessage{}
		if got := elements([]byte(s), func(value []byte) { gotElements = append(gotElements, value) }); got != isArray {
			t.Fatalf("an array: %v, want %v", got, isArray)
		}
		if isArray && !reflect.DeepEqual(gotElements, wantElements) {
			t.Errorf("elements %s, want %s", gotElements, wantElements)
		}
		var want string
		isString := json.Unmarshal([]byte(s), &want) == nil && s != "null"
		if got, ok := jsonString([]byte(s)); ok && (!isString || got != want) {
			t.Errorf("string %q, want %q", got, want)
		}
	})
}
