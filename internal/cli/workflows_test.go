package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readProject returns a file of the repository.
func readProject(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{repository}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// workflow returns a workflow of the repository, which may do no more than read
// it unless a job says so.
func workflow(t *testing.T, name string) (text string, document any) {
	t.Helper()
	text = readProject(t, ".github", "workflows", name)
	documents := readYAML(t, text)
	if len(documents) != 1 {
		t.Fatalf("%d documents", len(documents))
	}
	if got := dig(t, documents[0], "permissions", "contents"); got != "read" {
		t.Errorf("contents: %v", got)
	}
	return text, documents[0]
}

// An action is someone else's program: a tag of it can be moved to another.
func TestWorkflowsArePinned(t *testing.T) {
	used := regexp.MustCompile(`(?m)^\s*-?\s*uses:(.*)$`)
	pinned := regexp.MustCompile(`^ [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, name := range []string{"ci.yml", "release.yml"} {
		text, _ := workflow(t, name)
		uses := used.FindAllStringSubmatch(text, -1)
		if len(uses) == 0 {
			t.Errorf("%s uses no action", name)
		}
		for _, use := range uses {
			if !pinned.MatchString(use[1]) {
				t.Errorf("%s: not pinned to a commit, with its version next to it:%s", name, use[1])
			}
		}
	}
}

// The tests run as the README says, on each system that is built for, and each
// target that is fuzzed is there.
func TestWorkflowOfTests(t *testing.T) {
	text, document := workflow(t, "ci.yml")
	if !strings.Contains(text, "run: go test -race ./...\n") || !strings.Contains(readProject(t, "README.md"), "go test ./...") {
		t.Error("the test command is not that of the README, with the race detector")
	}
	systems, _ := dig(t, document, "jobs", "test", "strategy", "matrix", "os").([]any)
	for _, system := range []string{"ubuntu", "macos", "windows"} {
		found := false
		for _, s := range systems {
			found = found || strings.HasPrefix(s.(string), system+"-")
		}
		if !found {
			t.Errorf("no tests on %s", system)
		}
	}
	fuzzed, _ := dig(t, document, "jobs", "fuzz", "strategy", "matrix", "include").([]any)
	if len(fuzzed) == 0 {
		t.Error("nothing is fuzzed")
	}
	for _, entry := range fuzzed {
		target, dir := dig(t, entry, "target").(string), dig(t, entry, "package").(string)
		files, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(dir), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(source), "func "+target+"(f *testing.F)")
		}
		if !found {
			t.Errorf("%s has no %s", dir, target)
		}
	}
}

// Where a version is named in more than one place it is the same in all.
func TestReleaseToolIsTheSame(t *testing.T) {
	text, _ := workflow(t, "release.yml")
	places := map[string]string{
		"release.yml": `goreleaser-action@[^\n]*\n\s+with:\n\s+version: (\S+)`,
		"Makefile":    `goreleaser/v2@(\S+)`,
		".ci/run":     `goreleaser_version=(\S+)`,
	}
	texts := map[string]string{"release.yml": text, "Makefile": readProject(t, "Makefile"), ".ci/run": readProject(t, ".ci", "run")}
	versions := map[string]bool{}
	for place, pattern := range places {
		found := regexp.MustCompile(pattern).FindStringSubmatch(texts[place])
		if found == nil {
			t.Fatalf("%s names no version of goreleaser", place)
		}
		versions[found[1]] = true
	}
	if len(versions) != 1 {
		t.Errorf("%v", versions)
	}
	if !strings.Contains(text, "subject-checksums: dist/SHA256SUMS") || !strings.Contains(text, `tags: ["v*"]`) {
		t.Error("a release is not made on a tag, with a statement of where it was made")
	}
}
