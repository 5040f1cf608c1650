package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

var someDay = time.Date(2026, 1, 15, 11, 0, 0, 0, time.UTC)

func TestArchiveDoesNotDependOnOrder(t *testing.T) {
	files := []file{{"nermbulk", 0o755, []byte("binary")}, {"man/man1/nermbulk.1", 0o644, []byte("page")}, {"LICENSE", 0o644, nil}}
	other := slices.Clone(files)
	slices.Reverse(other)
	for _, asZip := range []bool{false, true} {
		var first, second bytes.Buffer
		if err := writeArchive(&first, "f", files, someDay, asZip); err != nil {
			t.Fatal(err)
		}
		if err := writeArchive(&second, "f", other, someDay, asZip); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("zip %v: another order makes another archive", asZip)
		}
	}
}

func TestZip(t *testing.T) {
	var archive bytes.Buffer
	files := []file{{"nermbulk.exe", 0o755, []byte("binary")}, {"README.md", 0o644, []byte("read me")}}
	if err := writeArchive(&archive, "f", files, someDay, true); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []file{{"f/README.md", 0o644, []byte("read me")}, {"f/nermbulk.exe", 0o755, []byte("binary")}} {
		got := r.File[i]
		part, err := got.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(part)
		if err != nil || got.Name != want.name || got.Mode() != want.mode || !got.Modified.Equal(someDay) || !bytes.Equal(data, want.data) {
			t.Errorf("%s, mode %o, of %v: %q (%v)", got.Name, got.Mode(), got.Modified, data, err)
		}
	}
}

func TestBillOfMaterials(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Path: "nermbulk", Version: "v1.2.3+dirty"},
		Deps: []*debug.Module{
			{Path: "example.com/a", Version: "v1.0.0", Sum: "h1:abc="},
			{Path: "example.com/b", Version: "v2.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v2.0.1"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "-ldflags", Value: "-X secret=1"}},
	}
	text, err := billOf(info, "f00d", someDay)
	if err != nil {
		t.Fatal(err)
	}
	var bill materials
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	top := bill.Metadata.Component
	if bill.Format != "CycloneDX" || bill.SpecVersion != "1.6" || bill.Metadata.Timestamp != "2026-01-15T11:00:00Z" ||
		top.PURL != "pkg:golang/nermbulk@v1.2.3%2Bdirty" || top.Hashes[0] != (hash{"SHA-256", "f00d"}) ||
		!slices.Equal(top.Properties, []property{{"go:build:GOOS", "linux"}}) {
		t.Errorf("%s", text)
	}
	var purls []string
	for _, c := range bill.Components {
		purls = append(purls, c.PURL)
	}
	want := []string{"pkg:golang/std@1.26.8", "pkg:golang/example.com/a@v1.0.0", "pkg:golang/example.com/fork@v2.0.1"}
	if !slices.Equal(purls, want) || !slices.Equal(bill.Dependencies[0].DependsOn, want) || len(bill.Dependencies) != 4 {
		t.Errorf("components %q, dependencies %v", purls, bill.Dependencies)
	}
}
