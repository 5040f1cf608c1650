package cli_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// packed is a part of a workbook whose content is a block over and over.
type packed struct {
	start, block, end string
	times             int
	claims            uint64 // the size that the ZIP gives; 0 for the real one
}

// compress compresses the block once, however often it is repeated.
func (p packed) compress(t *testing.T) (content []byte, size uint64) {
	t.Helper()
	const window = 32 << 10
	block := strings.Repeat(p.block, window/len(p.block)+1)
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	emit := func(text string) []byte {
		from := out.Len()
		_, err1 := w.Write([]byte(text))
		if err2 := w.Flush(); err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return bytes.Clone(out.Bytes()[from:])
	}
	content = append(emit(p.start), emit(block)...)
	again := emit(block) // refers to the block before it alone
	n := p.times*len(p.block)/len(block) + 1
	content = append(append(content, bytes.Repeat(again, n)...), emit(p.end)...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content = append(content, 1, 0, 0, 0xff, 0xff) // an empty last block
	return content, uint64(len(p.start) + (n+1)*len(block) + len(p.end))
}

// bomb writes a workbook with parts in place of the usual ones.
func bomb(t *testing.T, path string, parts map[string]packed) {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	usual := workbookOf("id|status\n")
	r, err := zip.NewReader(bytes.NewReader(usual), int64(len(usual)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if _, ok := parts[f.Name]; ok {
			continue
		}
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	for name, p := range parts {
		content, size := p.compress(t)
		if p.claims > 0 {
			size = p.claims
		}
		part, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: uint64(len(content)), UncompressedSize64: size})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path, out.String())
}

const (
	firstWorksheet = "xl/worksheets/sheet1.xml"
	worksheetStart = `<worksheet><sheetData><row><c t="str"><v>id</v></c><c t="str"><v>status</v></c></row>`
	worksheetEnd   = `</sheetData></worksheet>`
)

// TestWorkbookBombs: whatever a small file unpacks to, memory and time are
// bounded, nothing is sent and no file is left.
func TestWorkbookBombs(t *testing.T) {
	t.Parallel()
	tenant := answering(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s", r.Method, r.URL) }))
	for _, tt := range []struct {
		name    string
		parts   map[string]packed
		message string
	}{
		{"10 GiB of zeros", map[string]packed{firstWorksheet: {block: "\x00", times: 10 << 30}}, "holds more than 4 GiB"},
		{"10 GiB of zeros that claims less", map[string]packed{firstWorksheet: {block: "\x00", times: 10 << 30, claims: 1000}}, "this is a damaged workbook"},
		{"3 GiB of white space", map[string]packed{firstWorksheet: {start: worksheetStart, block: " ", times: 3 << 30, end: worksheetEnd}}, "is too large"},
		{"an attribute of 3 GiB", map[string]packed{firstWorksheet: {start: worksheetStart + `<row r="`, block: "1", times: 3 << 30}}, "is too large"},
		{"100 million rows", map[string]packed{firstWorksheet: {start: worksheetStart, block: "<row/>", times: 1e8, end: worksheetEnd}}, "more rows than there can be"},
		{"100 million cells in a row", map[string]packed{firstWorksheet: {start: worksheetStart + "<row>", block: "<c><v>1</v></c>", times: 1e8}}, "more columns than there can be"},
		{"elements in two million others", map[string]packed{firstWorksheet: {start: worksheetStart + "<row>", block: "<a>", times: 2e6}}, "cut off"},
		{"a cell in each column of the last row", map[string]packed{
			firstWorksheet: {start: worksheetStart + `<row r="1048576">`, block: "<c><v>1</v></c>", times: 12000, end: "</row>" + worksheetEnd},
		}, "row 1048576"},
		{"a list of 3 GiB", map[string]packed{"xl/workbook.xml": {start: "<workbook><sheets>", block: "<sheet/>", times: 3 << 27}}, "this is a damaged workbook"},
		{"formats of 3 GiB", map[string]packed{"xl/styles.xml": {start: "<styleSheet><cellXfs>", block: "<xf/>", times: 6e8}}, "it has too many formats"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, temp, peakFile := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "peak")
			bomb(t, filepath.Join(dir, "b.xlsx"), tt.parts)
			cmd := exec.CommandContext(t.Context(), "measured", "run", "b.xlsx", "--base-url", tenant, "--yes")
			var stderr bytes.Buffer
			cmd.Dir, cmd.Stderr = dir, &stderr
			cmd.Env = []string{"GORACE=" + noPause, "HOME=" + dir, "TMPDIR=" + temp, "PATH=" + os.Getenv("PATH"), "NERM_TOKEN=x", "PEAK_FILE=" + peakFile}
			began := time.Now()
			_ = cmd.Run() // its code is looked at
			kib, err := os.ReadFile(peakFile)
			if err != nil {
				t.Fatal(err)
			}
			peak, _ := strconv.Atoi(string(kib))
			peak >>= 10
			t.Logf("%s, %d MiB", time.Since(began).Round(time.Millisecond), peak)
			if code := codeOf(cmd.ProcessState); code != 2 || !strings.Contains(stderr.String(), tt.message) {
				t.Errorf("exit code %d, and not %q:\n%.2000s", code, tt.message, stderr.String())
			}
			if peak > 512 {
				t.Errorf("%d MiB were in use", peak)
			}
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			if inTemp, _ := os.ReadDir(temp); err != nil || len(left) != 1 || len(inTemp) > 0 {
				t.Errorf("%v and %v are left", left, inTemp)
			}
		})
	}
}

// TestWorkbookKilled: whoever ends the unpacking of a workbook, and how, nothing
// of it is left.
func TestWorkbookKilled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGKILL, -1}, {syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		t.Run(tt.signal.String(), func(t *testing.T) {
			t.Parallel()
			dir, temp := t.TempDir(), t.TempDir()
			bomb(t, filepath.Join(dir, "b.xlsx"), map[string]packed{firstWorksheet: {start: worksheetStart, block: "<row><c><v>1</v></c><c><v>2</v></c></row>", times: 1e6, end: worksheetEnd}})
			cmd := exec.CommandContext(t.Context(), "nermbulk", "check", "b.xlsx")
			cmd.Dir, cmd.Env = dir, []string{"GORACE=" + noPause, "TMPDIR=" + temp, "PATH=" + os.Getenv("PATH")}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(testTimeout); !holdsOpen(cmd.Process.Pid, temp); {
				if time.Now().After(deadline) {
					t.Fatal("no file was opened")
				}
				time.Sleep(time.Millisecond)
			}
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its code is looked at
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit code %d, not %d", code, tt.code)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("%v, %v are left", left, err)
			}
		})
	}
}

// holdsOpen reports whether a process has a file of a directory open.
func holdsOpen(pid int, dir string) bool {
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range fds {
		if to, _ := os.Readlink(fd); err == nil && strings.HasPrefix(to, dir) {
			return true
		}
	}
	return false
}
