package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// readYAML reads the documents of a file into map[string]any, []any and string.
func readYAML(t *testing.T, text string) (documents []any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents
		}
		if err != nil {
			t.Fatal(yaml.FormatError(err, false, true))
		}
		documents = append(documents, asText(document))
	}
}

// asText replaces each scalar by its text.
func asText(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = asText(v[key])
		}
		return v
	case []any:
		for i := range v {
			v[i] = asText(v[i])
		}
		return v
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// dig follows a path of keys and list places through what was read.
func dig(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if v = m[step]; !ok || v == nil {
				t.Fatalf("there is no %v", path[:i+1])
			}
		case int:
			l, ok := v.([]any)
			if !ok || step >= len(l) {
				t.Fatalf("there is no %v", path[:i+1])
			}
			v = l[step]
		}
	}
	return v
}
