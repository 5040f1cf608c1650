package main

import (
	"encoding/json"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// What a bill of materials in CycloneDX's JSON needs of its schema, 1.6.
type (
	materials struct {
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		PURL       string     `json:"purl"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// billOf lists what a binary is made of, as Go itself noted it there: modules
// that were linked in and no others. sum is the binary's SHA-256 in hex. Which
// module needs which is not noted, so all stand below the binary.
func billOf(info *debug.BuildInfo, sum string, at time.Time) ([]byte, error) {
	main := goComponent("application", info.Main.Path, info.Main.Version)
	main.Hashes = []hash{{"SHA-256", sum}}
	for _, s := range info.Settings {
		if slices.Contains([]string{"GOOS", "GOARCH", "CGO_ENABLED", "vcs", "vcs.revision", "vcs.time", "vcs.modified"}, s.Key) {
			main.Properties = append(main.Properties, property{"go:build:" + s.Key, s.Value})
		}
	}
	parts := []component{goComponent("library", "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		part := goComponent("library", m.Path, m.Version)
		if m.Sum != "" { // a sum of the module's files as in go.sum, and of no single file
			part.Properties = []property{{"go:sum", m.Sum}}
		}
		parts = append(parts, part)
	}
	top, all := dependency{Ref: main.Ref}, []dependency{}
	for _, part := range parts {
		top.DependsOn = append(top.DependsOn, part.Ref)
		all = append(all, dependency{Ref: part.Ref})
	}
	text, err := json.MarshalIndent(materials{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata:   metadata{at.Format(time.RFC3339), main},
		Components: parts, Dependencies: append([]dependency{top}, all...),
	}, "", "  ")
	return append(text, '\n'), err
}

func goComponent(kind, path, version string) component {
	purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl}
}
