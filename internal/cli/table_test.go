package cli_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// table is a CSV file as encoding/csv reads it.
type table struct {
	header []string
	rows   []map[string]string // by column
}

const bom = "\ufeff"

// readSheet reads a CSV file without any of nermbulk's own code.
func readSheet(ts *testscript.TestScript, name string) table {
	t, err := parseTable(readable(ts, name))
	if err != nil {
		ts.Fatalf("%s: %s", name, err)
	}
	return t
}

func parseTable(text string) (table, error) {
	text = strings.TrimPrefix(text, bom)
	r := csv.NewReader(strings.NewReader(text))
	if header, _, _ := strings.Cut(text, "\n"); strings.Contains(header, ";") {
		r.Comma = ';'
	}
	records, err := r.ReadAll()
	if err != nil || len(records) == 0 {
		return table{}, fmt.Errorf("no CSV: %w", err)
	}
	t := table{header: records[0]}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, cell := range record {
			row[t.header[i]] = cell
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

// idOf makes the id of the nth session of a made sheet.
func idOf(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", n, n*7919) }

// makeSheet makes a sheet of n rows, of which every kth runs its session, or
// has another status than the rest:
//
//	sheet big.csv 300 run=10
//	sheet bad.csv 300 status=done every=3
func makeSheet(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "sheet FILE ROWS [run=K] [status=S] [every=K]")
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		ts.Check(err)
		return n
	}
	rows, run, every, odd := number(args[1]), 0, 1, ""
	for _, pair := range pairs(ts, args[2:]) {
		switch pair[0] {
		case "run":
			run = number(pair[1])
		case "every":
			every = number(pair[1])
		case "status":
			odd = pair[1]
		}
	}
	var b strings.Builder
	b.WriteString("id,status,attributes.badge,run\n")
	for i := 1; i <= rows; i++ {
		status, runs := "completed", ""
		if odd != "" && i%every == 0 {
			status = odd
		}
		if run > 0 && i%run == 0 {
			runs = "true"
		}
		fmt.Fprintf(&b, "%s,%s,B-%d,%s\n", idOf(i), status, i, runs)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// makeBytes makes a file of a text with Go's escapes:
//
//	bytes latin1.csv 'id,name\n\xeb\n'
func makeBytes(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "bytes FILE TEXT")
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// compareCell compares cells of one row of a CSV file, the first below the
// header being 1:
//
//	cell runs/*/results.csv 3 result.status=updated id=…
func compareCell(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 3, "cell FILE ROW COLUMN=VALUE...")
	t := readSheet(ts, args[0])
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n < 1 || n > len(t.rows) {
		ts.Fatalf("%s has %d rows", args[0], len(t.rows))
	}
	for _, pair := range pairs(ts, args[2:]) {
		got, known := t.rows[n-1][pair[0]]
		if !known {
			ts.Fatalf("%s has no column %q, but %q", args[0], pair[0], t.header)
		}
		if got != pair[1] {
			ts.Fatalf("%s, row %d: %s is %q, not %q", args[0], n, pair[0], got, pair[1])
		}
	}
}

// countCells counts the rows of a CSV file whose cell is a certain value, or
// with no value, all rows:
//
//	cells runs/*/results.csv 24
//	cells runs/*/results.csv 24 result.status=updated
func countCells(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "cells FILE N [COLUMN=VALUE...]")
	t := readSheet(ts, args[0])
	want := pairs(ts, args[2:])
	n := 0
	for _, row := range t.rows {
		fits := true
		for _, pair := range want {
			fits = fits && row[pair[0]] == pair[1]
		}
		if fits {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%s has %d such rows, not %s", args[0], n, args[1])
	}
}
