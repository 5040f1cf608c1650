package sheet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected results of the corpus anew; read the difference before keeping it")

// expectation is the .json beside a sheet of the corpus.
type expectation struct {
	About    string      `json:"about"`             // the program that writes such a file, and what is particular
	Options  caseOptions `json:"options,omitzero"`  // how it is read
	Error    string      `json:"error,omitempty"`   // of Open
	Header   int         `json:"header,omitempty"`  // the header's row
	Divided  string      `json:"divided,omitempty"` // the delimiter
	Results  bool        `json:"results,omitempty"`
	Columns  []string    `json:"columns,omitempty"`
	Rows     []caseRow   `json:"rows,omitempty"`
	Problems []string    `json:"problems,omitempty"` // after a complete pass
}

type caseOptions struct {
	Encoding  string   `json:"encoding,omitempty"`
	Delimiter string   `json:"delimiter,omitempty"`
	Map       []string `json:"map,omitempty"`
	Unknown   string   `json:"unknown,omitempty"`
}

type caseRow struct {
	Row   int      `json:"row"`
	Cells []string `json:"cells"`
	Long  string   `json:"long,omitempty"`
}

func (o caseOptions) parse(t *testing.T) Options {
	t.Helper()
	unknown, ok := map[string]UnknownColumns{"": UnknownError, "attribute": UnknownAttribute, "ignore": UnknownIgnore}[o.Unknown]
	if !ok {
		t.Fatalf("no way of treating unknown columns is called %q", o.Unknown)
	}
	options := Options{Fields: testFields, Encoding: o.Encoding, Unknown: unknown}
	for _, r := range o.Delimiter {
		options.Delimiter = r
	}
	for _, text := range o.Map {
		m, err := testFields.ParseMapping(text)
		if err != nil {
			t.Fatal(err)
		}
		options.Columns = append(options.Columns, m)
	}
	return options
}

// posixQuotes are words in quotes that a message says to type.
var posixQuotes = regexp.MustCompile(`--[a-z]+ '([^']|'\\\\'')*'`)

// inOwnQuotes returns a message as this system's shells want what it says to type.
func inOwnQuotes(message string) string {
	if runtime.GOOS != "windows" {
		return message
	}
	return regexp.MustCompile(`--map '([^']*)'`).ReplaceAllString(message, `--map "$1"`)
}

func TestCorpus(t *testing.T) {
	sheets, err := filepath.Glob("testdata/corpus/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	if len(sheets) < 60 {
		t.Fatalf("%d sheets in the corpus, want at least 60", len(sheets))
	}
	for _, path := range sheets {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".csv"), func(t *testing.T) {
			golden := strings.TrimSuffix(path, ".csv") + ".json"
			text, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			var want expectation
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatalf("%s: %v", golden, err)
			}
			got := observe(t, path, want)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if runtime.GOOS == "windows" { // its shells know other quotes
				text = posixQuotes.ReplaceAllFunc(text, func(typed []byte) []byte {
					flag, word, _ := strings.Cut(string(typed), "'")
					word = strings.ReplaceAll(strings.TrimSuffix(word, "'"), `'\\''`, "'")
					return []byte(flag + `\"` + word + `\"`)
				})
			}
			if !bytes.Equal(got, text) {
				t.Errorf("got\n%s\nwant\n%s", got, text)
			}
		})
	}
}

// observe reads the sheet twice, since a second pass must tell the same, and
// renders what it saw.
func observe(t *testing.T, path string, want expectation) []byte {
	t.Helper()
	seen := expectation{About: want.About, Options: want.Options}
	s, err := Open(t.Context(), path, want.Options.parse(t))
	if err != nil {
		seen.Error = err.Error()
		return render(t, seen)
	}
	defer s.Close()
	seen.Header, seen.Divided, seen.Results = s.HeaderRow(), string(s.Delimiter()), s.FromResults()
	for _, c := range s.Columns() {
		line := Letter(c.Index) + " " + c.Name + " -> " + string(c.Field)
		if c.Field == Ignored {
			line += "ignored"
		}
		if c.UID != "" {
			line += " " + c.UID
		}
		seen.Columns = append(seen.Columns, line)
	}
	var first []byte
	for range 2 {
		seen.Rows, seen.Problems = nil, nil
		err := s.Each(context.Background(), func(r *Row) error {
			row := caseRow{Row: r.Number, Cells: append([]string{}, r.Cells...)}
			if r.Long() {
				p := s.LongRow(r)
				row.Long = string(p.Kind) + ": " + p.String()
			}
			seen.Rows = append(seen.Rows, row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Problems() {
			if p.Severity != Error {
				t.Errorf("%v is a %s", p, p.Severity)
			}
			seen.Problems = append(seen.Problems, string(p.Kind)+": "+p.String())
		}
		now := render(t, seen)
		if first == nil {
			first = now
		} else if !bytes.Equal(first, now) {
			t.Errorf("the second pass saw\n%s\nthe first\n%s", now, first)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	if got, want := s.SHA256(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if s.BytesRead() > s.Size() || s.Size() != int64(len(raw)) {
		t.Errorf("%d of %d bytes read, the file has %d", s.BytesRead(), s.Size(), len(raw))
	}
	return first
}

func render(t *testing.T, e expectation) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
