package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var licenseName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licensesOf gathers the licenses of what is linked into the binaries: most of
// them ask to go along with it. A module without one is an error.
func licensesOf(ctx context.Context, src string, binaries []binary) ([]byte, error) {
	linked, versions := map[string]bool{}, []string{}
	for _, b := range binaries {
		for _, m := range b.info.Deps {
			if !linked[m.Path] {
				linked[m.Path] = true
				versions = append(versions, m.Path)
			}
		}
	}
	root, err := output(ctx, src, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := addLicenses(&text, "Go's runtime and standard library", strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return text.Bytes(), nil
	}
	listed, err := output(ctx, src, []string{"GOFLAGS=", "GOWORK=off"}, "go", append([]string{"list", "-mod=readonly", "-m", "-json=Path,Version,Dir"}, versions...)...)
	if err != nil {
		return nil, fmt.Errorf("list the modules: %w", err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var m struct{ Path, Version, Dir string }
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return text.Bytes(), nil
		} else if err != nil {
			return nil, fmt.Errorf("read the list of modules: %w", err)
		}
		if err := addLicenses(&text, m.Path+" "+m.Version, m.Dir); err != nil {
			return nil, err
		}
	}
}

func addLicenses(text *bytes.Buffer, what, dir string) error {
	found, err := os.ReadDir(dir) // in the order of their names
	if err != nil {
		return fmt.Errorf("look for the license of %s: %w", what, err)
	}
	none := true
	for _, entry := range found {
		if entry.IsDir() || !licenseName.MatchString(entry.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("read the license of %s: %w", what, err)
		}
		none = false
		fmt.Fprintf(text, "%s\n%s: %s\n\n%s\n\n", strings.Repeat("=", 78), what, entry.Name(), bytes.TrimSpace(data))
	}
	if none {
		return fmt.Errorf("%s has no license in %s: it may not be handed out", what, dir)
	}
	return nil
}
