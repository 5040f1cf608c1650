package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const sumsName = "SHA256SUMS"

// release is one that is being made.
type release struct {
	out   string
	at    time.Time // of the commit; every file bears it
	dirty bool      // made from more than the commit
	sums  []string  // a line for each file written
	says  io.Writer
}

// newRelease makes a release of the repository at src for the targets; env is
// set for Go beside the process's own.
func newRelease(ctx context.Context, src, out string, targets []target, says io.Writer, env ...string) (*release, error) {
	scratch, err := os.MkdirTemp("", "nermbulk-build-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what stays is the system's to clear away
	var binaries []binary
	for _, t := range targets {
		b, err := build(ctx, src, scratch, t, env)
		if err != nil {
			return nil, err
		}
		binaries = append(binaries, b)
	}
	r := &release{out: out, says: says, dirty: binaries[0].setting("vcs.modified") == "true"}
	if r.at, err = binaries[0].committed(); err != nil {
		return nil, err
	}
	files, err := r.documents(ctx, src, binaries)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	for _, b := range binaries {
		if err := r.pack(b, files); err != nil {
			return nil, err
		}
	}
	slices.Sort(r.sums)
	return r, os.WriteFile(filepath.Join(out, sumsName), []byte(strings.Join(r.sums, "")), 0o644)
}

// documents are the files that go along with every binary.
func (r *release) documents(ctx context.Context, src string, binaries []binary) ([]file, error) {
	// Only what git knows: a file that is ignored belongs to this machine.
	listed, err := output(ctx, src, nil, "git", "ls-files", "--stage", "-z", "--", "README.md", "LICENSE", "CHANGELOG.md", "docs", "samples")
	if err != nil {
		return nil, fmt.Errorf("list the documents: %w", err)
	}
	var files []file
	for line := range strings.SplitSeq(strings.TrimSuffix(string(listed), "\x00"), "\x00") {
		about, name, _ := strings.Cut(line, "\t")
		data, err := os.ReadFile(filepath.Join(src, filepath.FromSlash(name)))
		if err != nil {
			return nil, fmt.Errorf("gather the documents: %w", err)
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(about, "100755 ") {
			mode = 0o755
		}
		files = append(files, file{name, mode, data})
	}
	pages, err := r.manual(ctx, binaries[0].version())
	if err != nil {
		return nil, err
	}
	files = append(files, pages...)
	licenses, err := licensesOf(ctx, src, binaries)
	if err != nil {
		return nil, err
	}
	return append(files, file{"THIRD_PARTY_LICENSES", 0o644, licenses}), nil
}

// manual are the manual pages, as scripts/manual writes them.
func (r *release) manual(ctx context.Context, version string) ([]file, error) {
	dir, err := os.MkdirTemp("", "nermbulk-manual-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what stays is the system's to clear away
	err = command(ctx, ".", nil, "go", "run", "nermbulk/scripts/manual", "-o", dir, "-version", version, "-date", r.at.Format(time.DateOnly))
	if err != nil {
		return nil, fmt.Errorf("write the manual pages: %w", err)
	}
	pages, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, page := range pages {
		data, err := os.ReadFile(filepath.Join(dir, page.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, file{"man/man" + filepath.Ext(page.Name())[1:] + "/" + page.Name(), 0o644, data})
	}
	return files, nil
}

// pack writes the archive of a binary and its bill of materials.
func (r *release) pack(b binary, files []file) error {
	data, err := os.ReadFile(b.path)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("nermbulk_%s_%s_%s", b.version(), b.os, b.arch)
	asZip, suffix := b.os == "windows", ".tar.gz"
	if asZip {
		suffix = ".zip"
	}
	var archive bytes.Buffer
	all := append(slices.Clone(files), file{filepath.Base(b.path), 0o755, data})
	if err := writeArchive(&archive, name, all, r.at, asZip); err != nil {
		return fmt.Errorf("write %s%s: %w", name, suffix, err)
	}
	if err := r.write(name+suffix, archive.Bytes()); err != nil {
		return err
	}
	bill, err := billOf(b.info, sumOf(data), r.at)
	if err != nil {
		return fmt.Errorf("write the bill of materials for %s: %w", b.target, err)
	}
	return r.write(name+".cdx.json", bill)
}

func (r *release) write(name string, data []byte) error {
	r.sums = append(r.sums, fmt.Sprintf("%s  %s\n", sumOf(data), name))
	fmt.Fprintf(r.says, "%9d bytes  %s\n", len(data), name)
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
