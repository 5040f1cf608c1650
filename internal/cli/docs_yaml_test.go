package cli

import (
	"fmt"
	"strings"
	"testing"
)

// The samples' YAML is read by a small parser: maps, lists, plain
// and quoted scalars and | blocks, which is all that they use. It refuses
// anything else, tabs and a repeated key too.

type yamlLine struct {
	indent int
	text   string
	number int
}

type yamlReader struct {
	lines []yamlLine
	raw   []string
	at    int
}

// readYAML reads the documents of a file into map[string]any, []any and string.
func readYAML(t *testing.T, text string) []any {
	t.Helper()
	r := &yamlReader{raw: strings.Split(text, "\n")}
	for i, line := range r.raw {
		trimmed := strings.TrimSpace(line)
		if strings.Contains(line, "\t") {
			t.Fatalf("line %d: a tab", i+1)
		}
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		r.lines = append(r.lines, yamlLine{len(line) - len(strings.TrimLeft(line, " ")), trimmed, i + 1})
	}
	var documents []any
	for r.at < len(r.lines) {
		if r.lines[r.at].text == "---" {
			r.at++
			continue
		}
		v, err := r.value(r.lines[r.at].indent)
		if err != nil {
			t.Fatal(err)
		}
		if r.at < len(r.lines) && r.lines[r.at].text != "---" {
			t.Fatalf("line %d: wrongly indented", r.lines[r.at].number)
		}
		documents = append(documents, v)
	}
	return documents
}

// value reads the lines at this indentation: a list or a map.
func (r *yamlReader) value(indent int) (any, error) {
	if isItem(r.lines[r.at].text) {
		return r.list(indent)
	}
	m := map[string]any{}
	for r.at < len(r.lines) && r.lines[r.at].indent == indent && r.lines[r.at].text != "---" {
		line := r.lines[r.at]
		key, rest, ok := strings.Cut(line.text, ":")
		if _, twice := m[key]; twice || !ok || isItem(line.text) || rest != "" && rest[0] != ' ' {
			return nil, fmt.Errorf("line %d: not a key of its own with a value: %q", line.number, line.text)
		}
		r.at++
		v, err := r.scalarOrBelow(strings.TrimSpace(rest), line)
		if err != nil {
			return nil, err
		}
		m[key] = v
	}
	return m, nil
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

func (r *yamlReader) list(indent int) (any, error) {
	var l []any
	for r.at < len(r.lines) && r.lines[r.at].indent == indent && isItem(r.lines[r.at].text) {
		line := &r.lines[r.at]
		line.text = strings.TrimSpace(line.text[1:])
		line.indent += 2
		if key, _, ok := strings.Cut(line.text, ": "); !strings.HasSuffix(line.text, ":") && (!ok || strings.ContainsAny(key, `"' `)) {
			r.at++
			s, err := scalar(line.text, line.number)
			if err != nil {
				return nil, err
			}
			l = append(l, s)
			continue
		}
		v, err := r.value(line.indent)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

func (r *yamlReader) scalarOrBelow(rest string, parent yamlLine) (any, error) {
	if rest == "|" {
		return r.literal(parent), nil
	}
	if rest != "" {
		return scalar(rest, parent.number)
	}
	if r.at < len(r.lines) && r.lines[r.at].indent > parent.indent {
		return r.value(r.lines[r.at].indent)
	}
	return "", nil
}

// literal takes the raw lines below, without their indentation.
func (r *yamlReader) literal(parent yamlLine) string {
	var b strings.Builder
	first := -1
	for n := parent.number; n < len(r.raw); n++ {
		line := r.raw[n]
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if strings.TrimSpace(line) != "" && indent <= parent.indent {
			break
		}
		if first < 0 {
			first = indent
		}
		b.WriteString(line[min(first, len(line)):] + "\n")
		for r.at < len(r.lines) && r.lines[r.at].number <= n+1 {
			r.at++
		}
	}
	return b.String()
}

func scalar(text string, number int) (string, error) {
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(text, quote); ok {
			if inner, ok = strings.CutSuffix(inner, quote); ok && !strings.Contains(inner, quote) {
				return inner, nil
			}
			return "", fmt.Errorf("line %d: a quote that is not closed: %q", number, text)
		}
	}
	if strings.ContainsAny(text[:1], "&*!|>%@`{[") || strings.Contains(text, " #") {
		return "", fmt.Errorf("line %d: more YAML than the samples use: %q", number, text)
	}
	return text, nil
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
