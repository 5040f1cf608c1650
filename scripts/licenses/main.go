// Command licenses gathers the licenses of everything that is linked into the
// binaries, for the archives: most of them ask to go along with it. A module
// without a license is an error.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	output := flag.String("o", "THIRD_PARTY_LICENSES", "the `file` to write")
	flag.Parse()
	text, err := licenses(".")
	if err == nil {
		err = os.WriteFile(*output, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// licenses returns those of the package in dir, as it is built for any system.
func licenses(dir string) ([]byte, error) {
	root, err := list(dir, "", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	modules := []string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		linked, err := list(dir, system, "list", "-mod=readonly", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}{{end}}`, ".")
		if err != nil {
			return nil, err
		}
		modules = append(modules, linked...)
	}
	slices.Sort(modules)
	var text bytes.Buffer
	for _, module := range slices.Concat([]string{"Go's runtime and standard library|" + root[0]}, slices.Compact(modules)) {
		name, dir, _ := strings.Cut(module, "|")
		if err := add(&text, name, dir); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

// list runs go for a system and returns the lines that are not empty.
func list(dir, system string, args ...string) ([]string, error) {
	c := exec.Command("go", args...)
	c.Dir, c.Stderr = dir, os.Stderr
	c.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' })
	return lines, nil
}

var licenseName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

func add(text *bytes.Buffer, name, dir string) error {
	entries, err := os.ReadDir(dir) // in the order of their names
	if err != nil {
		return fmt.Errorf("look for the license of %s: %w", name, err)
	}
	before := text.Len()
	for _, entry := range entries {
		if entry.IsDir() || !licenseName.MatchString(entry.Name()) {
			continue
		}
		license, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("read the license of %s: %w", name, err)
		}
		fmt.Fprintf(text, "%s\n%s: %s\n\n%s\n\n", strings.Repeat("=", 78), name, entry.Name(), bytes.TrimSpace(license))
	}
	if text.Len() == before {
		return fmt.Errorf("%s has no license in its module: it may not be handed out", name)
	}
	return nil
}
