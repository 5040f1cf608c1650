package api

import (
	"encoding/json"
	"slices"
	"strings"
)

// jsonReason is the reason that a JSON body gives, in any of the shapes that
// this API, its gateway and proxies before it use; "" when it gives none:
//
//	{"error":"text"}
//	{"error":"text","errors":{"attribute":"text" or ["text",…]}}
//	{"errors":["text",…]}
//	{"error":{"message":"text"}}, {"message":"text"}, {"detail":"text"}
//	{"messages":[{"text":"text"}]}
func jsonReason(body []byte) string {
	var whole map[string]json.RawMessage
	if json.Unmarshal(body, &whole) != nil {
		return ""
	}
	head := strings.TrimRight(firstText(whole, "error", "message", "detail", "error_description", "title"), " :")
	detail := errorsText(whole["errors"])
	if detail == "" && head == "" {
		detail = flatten(whole["messages"])
	}
	switch {
	case head == "":
		return detail
	case detail == "":
		return head
	}
	return head + ": " + detail
}

// firstText is the first of the keys that says something.
func firstText(m map[string]json.RawMessage, keys ...string) string {
	for _, key := range keys {
		if text := flatten(m[key]); text != "" {
			return text
		}
	}
	return ""
}

// flatten reads any value as text. An object that is a message of its own is
// that message, any other its entries.
func flatten(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return joinTexts(list, ", ")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return string(raw) // a number or a boolean
	}
	if text := firstText(object, "message", "text", "detail"); text != "" {
		return text
	}
	return entries(object)
}

// entries is "name text" for each entry, ordered by name so that equal
// refusals read equally.
func entries(object map[string]json.RawMessage) string {
	var parts []string
	for name, value := range object {
		switch text := flatten(value); {
		case text == "":
		case name == "base":
			parts = append(parts, text) // about the whole object, not an attribute
		default:
			parts = append(parts, name+" "+text)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// errorsText reads the key "errors", whose entries are named after attributes.
func errorsText(raw json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		return entries(object)
	}
	return flatten(raw)
}

func joinTexts(list []json.RawMessage, sep string) string {
	var parts []string
	for _, raw := range list {
		if text := flatten(raw); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, sep)
}
