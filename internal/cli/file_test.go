package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func fileCommands() map[string]command {
	return map[string]command{
		"sheet":     makeSheet,
		"workbook":  makeWorkbook,
		"bytes":     makeBytes,
		"cell":      compareCell,
		"cells":     countCells,
		"damage":    damage,
		"gzip":      packFile,
		"files":     countFiles,
		"shorten":   shorten,
		"subst":     substitute,
		"age":       ageFile,
		"json":      compareJSON,
		"jsonlines": jsonLines,
		"journal":   awaitJournal(`{"t":"outcome",`),
		"intents":   awaitJournal(`{"t":"intent",`),
		"private":   checkModes,
		"lastline":  lastLine,
		"only-run":  onlyRun,
	}
}

// ageFile has a file last changed so long ago: age FILE 26h
func ageFile(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "age FILE DURATION")
	age, err := time.ParseDuration(args[1])
	ts.Check(err)
	then := time.Now().Add(-age)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), then, then))
}

// substitute replaces the names of variables in a file: subst FILE
func substitute(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 1, "subst FILE")
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// compareJSON compares values of a JSON file; a list's length is its key "len":
//
//	json runs/*/summary.json rows=24 outcomes.updated=24 failures.len=0
func compareJSON(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "json FILE PATH=VALUE...")
	var document any
	if err := json.Unmarshal([]byte(readable(ts, args[0])), &document); err != nil {
		ts.Fatalf("%s is not one JSON document: %s", args[0], err)
	}
	for _, pair := range pairs(ts, args[1:]) {
		value := document
		for _, key := range strings.Split(pair[0], ".") {
			value = step(value, key)
		}
		if got := fmt.Sprint(value); inPOSIX(got) != inPOSIX(pair[1]) {
			ts.Fatalf("%s: %s is %q, not %q", args[0], pair[0], got, pair[1])
		}
	}
}

// jsonLines checks that every line is a JSON object:
//
//	jsonlines stderr
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 1, "jsonlines FILE")
	for line := range strings.Lines(readable(ts, args[0])) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("%q is not a JSON object: %s", line, err)
		}
	}
}

// step goes one step into a JSON document.
func step(value any, key string) any {
	switch v := value.(type) {
	case map[string]any:
		if inner, ok := v[key]; ok {
			return inner
		}
		return "(no " + key + ")"
	case []any:
		if key == "len" {
			return len(v)
		}
		if n, err := strconv.Atoi(key); err == nil && n < len(v) {
			return v[n]
		}
	}
	return "(nothing at " + key + ")"
}

// awaitJournal makes a command that waits until the journal holds so many
// records of one kind:
//
//	journal runs/* 100
//	intents r 3
func awaitJournal(mark string) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		requireArgs(ts, neg, args, 2, "journal|intents RUN_DIR N")
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		waitFor(ts, fmt.Sprintf("%s records of %s in %s", args[1], mark, args[0]), func() bool {
			found, err := filepath.Glob(ts.MkAbs(args[0] + "/journal.jsonl"))
			if err != nil || len(found) != 1 {
				return false
			}
			data, err := os.ReadFile(found[0])
			return err == nil && strings.Count(string(data), mark) >= want
		})
	}
}

// checkModes checks that others cannot read a run.
func checkModes(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 1, "private RUN_DIR")
	ts.Check(filepath.WalkDir(globOne(ts, args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != want { // there the access list says it
			return fmt.Errorf("%s has the mode %v, not %v", path, info.Mode().Perm(), want)
		}
		return nil
	}))
}

// lastLine compares the last line of a program's output:
//
//	lastline stderr 'nermbulk run …'
func lastLine(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "lastline stdout|stderr TEXT")
	lines := strings.Split(strings.TrimRight(readable(ts, args[0]), "\n"), "\n")
	if got := lines[len(lines)-1]; inPOSIX(got) != inPOSIX(args[1]) {
		ts.Fatalf("the last line is %q, not %q", got, args[1])
	}
}

// onlyRun puts the name of the one directory under runs/ into a variable.
func onlyRun(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 1, "only-run NAME")
	ts.Setenv(args[0], "runs/"+filepath.Base(globOne(ts, "runs/*")))
}

// countFiles counts the files that a pattern matches:
//
//	files runs/*/results.csv 3
func countFiles(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "files PATTERN N")
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if strconv.Itoa(len(found)) != args[1] {
		ts.Fatalf("%s matches %d files, not %s: %v", args[0], len(found), args[1], found)
	}
}

// shorten takes bytes off the end of a file, as a power cut does:
//
//	shorten r/journal.jsonl 200
func shorten(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "shorten FILE BYTES")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := readable(ts, args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(data[:len(data)-n]), 0o600))
}

// packFile packs a file as gzip does:
//
//	gzip sheet.csv sheet.csv.gz
func packFile(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "gzip FILE PACKED")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(readable(ts, args[0])))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), packed.Bytes(), 0o600))
}

// damage changes one digit in a line of a file, the first being 1:
//
//	damage r/journal.jsonl 7
func damage(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "damage FILE LINE")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines := strings.SplitAfter(readable(ts, args[0]), "\n")
	line := []byte(lines[n-1])
	at := strings.LastIndexAny(lines[n-1], "0123456789")
	line[at] = '0' + (line[at]-'0'+1)%10
	lines[n-1] = string(line)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "")), 0o600))
}
