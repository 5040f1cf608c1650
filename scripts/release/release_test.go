package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// repository makes a small one with a tag, and returns its directory.
func repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: no release is made")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module nermbulk\n\ngo 1.26\n",
		"main.go":          "package main\n\nfunc main() { println(\"made\") }\n",
		"README.md":        "# Read me\n",
		"LICENSE":          "MIT\n",
		"CHANGELOG.md":     "# Changes\n",
		"docs/sheet.md":    "# The sheet\n",
		"samples/job":      "#!/bin/sh\n",
		"samples/mine.tmp": "of this machine\n",
		".gitignore":       "*.tmp\n",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "update-index", "--chmod=+x", "samples/job")
	git(t, dir, "commit", "--quiet", "-m", "all")
	git(t, dir, "tag", "v1.2.3")
	git(t, dir, "checkout", "--quiet", "--", ".")
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	env := []string{
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_COMMITTER_DATE=2026-01-15T12:00:00+01:00", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
	}
	if err := command(t.Context(), dir, env, "git", args...); err != nil {
		t.Fatal(err)
	}
}

func TestReleaseIsTheSameTwice(t *testing.T) {
	t.Parallel()
	src := repository(t)
	clone := filepath.Join(t.TempDir(), "elsewhere", "under a longer name")
	git(t, src, "clone", "--quiet", ".", clone)
	first, second := t.TempDir(), t.TempDir()
	here := []target{{runtime.GOOS, runtime.GOARCH}}
	for dir, out := range map[string]string{src: first, clone: second} {
		r, err := newRelease(t.Context(), dir, out, here, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if at := time.Date(2026, 1, 15, 11, 0, 0, 0, time.UTC); r.dirty || !r.at.Equal(at) {
			t.Errorf("dirty: %v, at %v", r.dirty, r.at)
		}
	}
	name := "nermbulk_1.2.3_" + runtime.GOOS + "_" + runtime.GOARCH
	suffix := ".tar.gz"
	if runtime.GOOS == "windows" {
		suffix = ".zip"
	}
	var found []string
	for _, file := range listed(t, first) {
		found = append(found, file)
		if !bytes.Equal(contents(t, first, file), contents(t, second, file)) {
			t.Errorf("%s is not the same twice", file)
		}
	}
	if want := []string{sumsName, name + ".cdx.json", name + suffix}; !slices.Equal(found, want) {
		t.Fatalf("made %q, not %q", found, want)
	}
	sums := string(contents(t, first, sumsName))
	for _, file := range found[1:] {
		if !strings.Contains(sums, sumOf(contents(t, first, file))+"  "+file+"\n") {
			t.Errorf("%s does not hold the sum of %s:\n%s", sumsName, file, sums)
		}
	}
	if suffix == ".tar.gz" {
		unpacks(t, name, contents(t, first, name+suffix))
	}
}

// unpacks looks into an archive for what must be there, and runs the binary.
func unpacks(t *testing.T, folder string, archive []byte) {
	t.Helper()
	modes, dir := map[string]int64{}, t.TempDir()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, inside := strings.CutPrefix(h.Name, folder+"/")
		if !inside || h.Uid != 0 || h.Uname != "" || h.ModTime.Unix() != 1768474800 {
			t.Errorf("%s: owner %d %q, time %v", h.Name, h.Uid, h.Uname, h.ModTime)
		}
		modes[name] = h.Mode
		if name == "nermbulk" {
			data, err := io.ReadAll(r)
			if err := errors.Join(err, os.WriteFile(filepath.Join(dir, name), data, 0o700)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, mode := range map[string]int64{
		"nermbulk": 0o755, "README.md": 0o644, "LICENSE": 0o644, "docs/sheet.md": 0o644, "samples/job": 0o755,
		"man/man1/nermbulk-run.1": 0o644, "man/man7/nermbulk-auth.7": 0o644, "THIRD_PARTY_LICENSES": 0o644,
	} {
		if modes[name] != mode {
			t.Errorf("%s has the mode %o, not %o", name, modes[name], mode)
		}
	}
	if _, ok := modes["samples/mine.tmp"]; ok {
		t.Error("a file that git ignores is in the archive")
	}
	if out, err := exec.Command(filepath.Join(dir, "nermbulk")).CombinedOutput(); err != nil || string(out) != "made\n" {
		t.Errorf("the binary says %q (%v)", out, err)
	}
}

func TestReleaseTellsOfChanges(t *testing.T) {
	t.Parallel()
	src := repository(t)
	if err := os.WriteFile(filepath.Join(src, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := newRelease(t.Context(), src, t.TempDir(), []target{{runtime.GOOS, runtime.GOARCH}}, io.Discard)
	if err != nil || !r.dirty {
		t.Errorf("dirty: %v (%v)", r != nil && r.dirty, err)
	}
	if !strings.Contains(strings.Join(r.sums, ""), "+dirty_") {
		t.Errorf("the names do not tell: %s", r.sums)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "old"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a directory with something in it", []string{"-o", full}, "not empty"},
		{"no architecture", []string{"-o", t.TempDir(), "-targets", "linux"}, `"linux" is not os/arch`},
		{"the same twice", []string{"-o", t.TempDir(), "-targets", "linux/arm64,linux/arm64"}, "twice"},
	} {
		if err := run(t.Context(), tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := addLicenses(new(bytes.Buffer), "some module", t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no license") {
		t.Errorf("a module without a license: %v", err)
	}
	if err := writeArchive(io.Discard, "f", []file{{"a", 0o644, nil}, {"a", 0o644, nil}}, time.Now(), false); err == nil {
		t.Error("two files of one name are taken")
	}
}

func listed(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func contents(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".json") && !json.Valid(data) {
		t.Errorf("%s is no JSON", name)
	}
	return data
}
