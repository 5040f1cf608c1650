package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// groups is a journal of a few groups with all kinds of lines.
func groups(t testing.TB) []byte {
	return lines(t, start("s"), intent(2, false), intent(3, true), outcome(2, Updated),
		Before{Row: 3, ID: "id-3", Session: []byte(`{"status":"open"}`)}, outcome(3, Unknown),
		Tick{At: testTime, Patch: 2}, intent(3, true), outcome(3, Failed), intent(4, false), End{At: testTime, ExitCode: 3})
}

// A power cut may leave any beginning of what was not synced: the records that
// are whole count, and the journal goes on.
func TestTruncatedAtEveryByte(t *testing.T) {
	data := groups(t)
	dir, path := writeJournal(t, nil)
	for size := len(data) - 500; size <= len(data); size++ {
		if err := os.WriteFile(path, data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := bytes.LastIndexByte(data[:size], '\n') + 1

		before := load(t, dir) // reading leaves the tail out
		if before.end != int64(whole) {
			t.Fatalf("%d bytes: loaded %d, want %d", size, before.end, whole)
		}
		w := openWriter(t, dir)
		if err := w.Commit(outcome(9, Updated)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := string(data[:whole]) + string(lines(t, outcome(9, Updated))); string(got) != want {
			t.Fatalf("%d bytes: the journal is\n%s\nwant\n%s", size, got, want)
		}
		after := load(t, dir)
		if after.Entry(9).Status() != Updated || after.Entry(2).Status() != before.Entry(2).Status() || after.Entry(3).Status() != before.Entry(3).Status() {
			t.Fatalf("%d bytes: outcomes differ after the repair", size)
		}
		before.Close()
		after.Close()
	}
}

func TestFlippedByte(t *testing.T) {
	data := groups(t)
	lastLine := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	dir, path := writeJournal(t, nil)
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x15 // '\n' becomes a control character, no byte becomes NUL
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if i == len(data)-1 {
			// Without its line break the last line is torn.
			if r := load(t, dir); r.end != int64(lastLine) {
				t.Errorf("byte %d: loaded %d bytes, want %d", i, r.end, lastLine)
			}
			continue
		}
		var damage *DamageError
		if _, err := Load(dir); !errors.As(err, &damage) {
			t.Fatalf("byte %d: got %v", i, err)
		}
		if want := bytes.Count(data[:i], []byte{'\n'}) + 1; damage.Line != want || damage.Path != path {
			t.Errorf("byte %d: got %s line %d, want line %d", i, damage.Path, damage.Line, want)
		}
		if !strings.HasPrefix(damage.Error(), fmt.Sprintf("%s, line %d: the line is damaged", path, damage.Line)) {
			t.Errorf("message %q", damage)
		}
		_, err := repair(path)
		if i >= lastLine-1 != errors.As(err, &damage) {
			t.Errorf("byte %d: repair gives %v", i, err)
		}
		if kept, _ := os.ReadFile(path); !bytes.Equal(kept, bad) {
			t.Errorf("byte %d: a damaged journal was changed", i)
		}
	}
}

func TestTails(t *testing.T) {
	head := string(lines(t, start("s"), intent(2, false), outcome(2, Updated)))
	valid := string(lines(t, outcome(3, Updated)))
	nuls := strings.Repeat("\x00", 5000)
	tests := []struct {
		name string
		tail string
		line int // of the damage; 0 is a torn tail
	}{
		{"nothing", "", 0},
		{"half a line", valid[:20], 0},
		{"a line without its break", valid[:len(valid)-1], 0},
		{"nuls", nuls, 0},
		{"nuls and a break", nuls + "\n", 0},
		{"half a line and nuls", valid[:20] + nuls, 0},
		{"nuls, then half a line's rest", nuls + valid[20:], 0},
		{"nuls over two lines", valid[:20] + nuls + valid[20:] + nuls + "x\n", 0},
		{"longer than a window", valid[:20] + strings.Repeat("x", 3*tailWindow), 0},
		{"nuls before an intact line", nuls + "\n" + valid, 4},
		{"half a line before an intact one", valid[:20] + "\n" + valid, 4},
		{"an empty line", "\n", 4},
		{"a foreign line", "{\"t\":\"outcome\",\"row\":5}\n", 4},
		{"a foreign line, then half a line", "hello\n" + valid[:9], 4},
		{"damage longer than a window", strings.Repeat("x", 3*tailWindow) + "\n", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, path := writeJournal(t, []byte(head+tt.tail))
			r, err := Load(dir)
			if err == nil {
				defer r.Close()
			}
			checkDamage(t, "load", err, tt.line)
			if strings.HasSuffix(tt.tail, valid) {
				return // the end is sound: what is wrong above it is Load's to find
			}
			cut, err := repair(path)
			checkDamage(t, "repair", err, tt.line)
			want := head
			if tt.line > 0 {
				want += tt.tail
			} else if cut != int64(len(tt.tail)) {
				t.Errorf("cut %d bytes, want %d", cut, len(tt.tail))
			}
			if data, _ := os.ReadFile(path); string(data) != want {
				t.Errorf("%d bytes are left, want %d", len(data), len(want))
			}
		})
	}
}

func checkDamage(t *testing.T, what string, err error, line int) {
	t.Helper()
	var damage *DamageError
	switch {
	case line == 0 && err != nil:
		t.Errorf("%s: %v", what, err)
	case line > 0 && (!errors.As(err, &damage) || damage.Line != line):
		t.Errorf("%s: got %v, want damage in line %d", what, err, line)
	}
}

func FuzzRepair(f *testing.F) {
	data := groups(f)
	f.Add([]byte{})
	f.Add(data)
	f.Add(data[:len(data)-7])
	f.Add(append(bytes.Clone(data), 0, 0, 0))
	f.Add(append(bytes.Clone(data[:50]), data...))
	f.Add([]byte("\n\n"))
	f.Add(lines(f, start("s"), outcome(2, Updated), Moved{3, 2, 1}, edition(2, 1)))
	f.Add([]byte(`{"t":"intent","row":99999999999,"crc":"00000000"}` + "\n"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		// With and without sound lines before it.
		for _, head := range [][]byte{nil, data} {
			dir, path := writeJournal(t, append(bytes.Clone(head), tail...))
			r, loadErr := Load(dir)
			if loadErr == nil {
				if r.end < int64(len(head)) {
					t.Errorf("lost sound lines: %d of %d bytes loaded", r.end, len(head))
				}
				r.Close()
			}
			_, err := repair(path)
			got, readErr := os.ReadFile(path)
			if readErr != nil || !bytes.HasPrefix(append(bytes.Clone(head), tail...), got) {
				t.Fatalf("%v; the repair left other bytes", readErr)
			}
			if err != nil {
				if loadErr == nil {
					t.Errorf("repair refuses what load took: %v", err)
				}
				continue
			}
			if len(got) < len(head) {
				t.Errorf("the repair cut sound lines")
			}
			if loadErr != nil {
				continue // damaged further up, or an intact line of wrong content
			}
			for line := range bytes.Lines(got) {
				if !bytes.HasSuffix(line, []byte("\n")) || !intact(line[:len(line)-1]) {
					t.Errorf("line %q stands after the repair", line)
				}
			}
		}
	})
}

// FuzzScan feeds lines with a good checksum, as only another version could have
// written them, to what takes them apart.
func FuzzScan(f *testing.F) {
	for line := range bytes.Lines(groups(f)) {
		f.Add(line[:len(line)-1-sealLen])
	}
	f.Add([]byte(`{"row":5,"t":"outcome"`))
	f.Add([]byte(`{"t":"tick","latency_ms":{"5":`))
	f.Add([]byte(`{"t":"x","a":"\`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.IndexByte(body, '\n') >= 0 {
			return
		}
		line := appendSeal(bytes.Clone(body), body)
		r := &Replay{rows: new(rowIndex)}
		if r.apply(line, 0) != nil {
			return
		}
		for _, decode := range []func([]byte) error{
			func(b []byte) error { _, err := decodeOutcome(b); return err },
			func(b []byte) error { _, err := decodeBefore(b); return err },
			func(b []byte) error { _, err := decodePlanned(b); return err },
			func(b []byte) error { _, err := decodeIntent(b); return err },
		} {
			if err := decode(line); err != nil && strings.Contains(err.Error(), "journal.") {
				t.Errorf("the error names a type: %v", err)
			}
		}
	})
}
