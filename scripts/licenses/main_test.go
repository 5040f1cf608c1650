package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLicenses(t *testing.T) {
	text, err := licenses("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, linked := range []string{"Go's runtime", "github.com/spf13/cobra v", "golang.org/x/sync v", "github.com/gocarina/gocsv v", "github.com/inconshreveable/mousetrap v"} {
		if !bytes.Contains(text, []byte("\n"+linked)) {
			t.Errorf("no license of %q", linked)
		}
	}
	if bytes.Contains(text, []byte("chromedp")) {
		t.Error("the license of what only tests use")
	}
}

func TestAdd(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []string
		want  string // parts of it, separated by a bar; empty for an error
	}{
		{"one", []string{"LICENSE", "main.go"}, "m v1: LICENSE"},
		{"several, in another spelling", []string{"licence.md", "NOTICE", "COPYING.txt"}, "m v1: licence.md|m v1: NOTICE|m v1: COPYING.txt"},
		{"none", []string{"README", "licenses.go"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range test.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("text of "+name), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var got bytes.Buffer
			if err := add(&got, "m v1", dir); (err != nil) != (test.want == "") {
				t.Fatal(err)
			}
			for part := range strings.SplitSeq(test.want, "|") {
				if !strings.Contains(got.String(), part) {
					t.Errorf("%q is not in\n%s", part, got.String())
				}
			}
		})
	}
}
