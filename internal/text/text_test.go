package text

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"as it is", "can't be blank", "can't be blank"},
		{"nothing", " ", ""},
		{"white space", " a\n\t b\u00a0c\u2028d\r\n", "a b c d"},
		{"colours", "\x1b[1;31mred\x1b[0m", "red"},
		{"window title", "a\x1b]0;evil\ab", "ab"},
		{"title ended by ST", "a\x1b]0;evil\x1b\\b", "ab"},
		{"open title", "a\x1b]0;evil", "a0;evil"},
		{"one-character CSI", "a\u009b31mb", "ab"},
		{"two-byte escape", "a\x1bcb", "ab"},
		{"escape at the end", "a\x1b", "a"},
		{"open CSI", "a\x1b[31", "a"},
		{"controls", "a\x00\x07\x7f\u0085b", "a b"},
		{"reordering", "a\u202eb\u200b\ufeffc", "abc"},
		{"invalid UTF-8", "a\xffb", "ab"},
		{"cut", strings.Repeat("ü", 101), strings.Repeat("ü", 100) + "…"},
		{"not cut", strings.Repeat("ü", 100), strings.Repeat("ü", 100)},
		{"ASCII is cut", strings.Repeat("x", 101), strings.Repeat("x", 100) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Line(tt.in, 100); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if long := strings.Repeat("ü ", 500) + "x"; Line(long, 0) != long {
		t.Error("a limit of 0 cuts")
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\x1b[31mx\x1b]0;t\a\u009b1m\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s, 50)
		if n := utf8.RuneCountInString(got); n > 52 || !utf8.ValidString(got) {
			t.Fatalf("%q: %d runes", got, n)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Fatalf("%q: a control character at %d", got, i)
		}
	})
}

func TestTexts(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"head: short", Head("abc", 4), "abc"},
		{"head: ASCII", Head("abcdef", 4), "abcd"},
		{"head: whole characters", Head("abcü", 4), "abc"},
		{"head: an emoji", Head("ab😀x", 4), "ab"},
		{"head: not UTF-8", Head("\x80\x80\x80\x80\x80\x80\x80", 4), "\x80\x80\x80\x80"},
		{"head: bytes", string(Head([]byte("aäö"), 4)), "aä"},
		{"cut: short", Cut("äöü", 3), "äöü"},
		{"cut: long", Cut("äöüß", 3), "äö…"},
		{"quote: as it is", Quote(`a "b"`, 60), `"a \"b\""`},
		{"quote: cut", Quote("äöü", 2), `"äö…"`},
		{"quote: controls", Quote("a\x1b\u202e", 60), `"a\x1b\u202e"`},
		{"number: small", Number(999), "999"},
		{"number: edge", Number(1000), "1,000"},
		{"number: large", Number(1234567), "1,234,567"},
		{"number: negative", Number(-1234), "-1,234"},
		{"number: negative edge", Number(-123), "-123"},
		{"count: one", Count(1, "row"), "1 row"},
		{"count: many", Count(12000, "row"), "12,000 rows"},
		{"count: a phrase", CountOf(2, "session has", "sessions have"), "2 sessions have"},
		{"rate: slow", Rate(9.94), "9.9/s"},
		{"rate: fast", Rate(12345.6), "12,346/s"},
		{"percent: nearly all", Percent(99999, 100000), "99 %"},
		{"percent: of none", Percent(0, 0), "0 %"},
		{"span: none", Span(0), "0 s"},
		{"span: past", Span(-time.Minute), "0 s"},
		{"span: begun seconds count", Span(11100 * time.Millisecond), "12 s"},
		{"span: minutes", Span(250 * time.Second), "4m10s"},
		{"span: hours", Span(64 * time.Minute), "1h04m"},
		{"span: days", Span(50 * time.Hour), "2d02h"},
		{"POSIX: plain", shellOf("linux").word("runs/a-1"), "runs/a-1"},
		{"POSIX: nothing", shellOf("linux").word(""), "''"},
		{"POSIX: a space", shellOf("linux").word("a b"), "'a b'"},
		{"POSIX: an apostrophe", shellOf("linux").word("it's"), `'it'\''s'`},
		{"cmd.exe and PowerShell: a path", shellOf("windows").word(`C:\runs\a-1`), `C:\runs\a-1`},
		{"cmd.exe and PowerShell: a space", shellOf("windows").word(`C:\my runs\failed.csv`), `"C:\my runs\failed.csv"`},
		{"cmd.exe and PowerShell: a backslash at the end", shellOf("windows").word(`C:\my runs\`), `"C:\my runs\\"`},
		{"cmd.exe and PowerShell: what means something to one of them", shellOf("windows").word("5%,@a;b&c'd"), `"5%,@a;b&c'd"`},
		{"cmd.exe and PowerShell: a quote", shellOf("windows").word(`a"b`), `"a""b"`},
		{"cmd.exe and PowerShell: nothing", shellOf("windows").word(""), `""`},
		{"POSIX on every other system", shellOf("darwin").word(`a\b`), `'a\b'`},
		{"cmd.exe and PowerShell: what both read alike", shellOf("windows").note(`nermbulk run "C:\a b.csv" --where "Name=100%"`), ""},
		{"cmd.exe alone: a quote", shellOf("windows").note(`--where "Name=a""b"`), " (in cmd.exe; PowerShell reads $, ` and quotes in another way)"},
		{"cmd.exe alone: a dollar", shellOf("windows").note(`--where "Price=$100"`), " (in cmd.exe; PowerShell reads $, ` and quotes in another way)"},
		{"POSIX: no other shell", shellOf("linux").note(`--where 'Price=$100'`), ""},
		{"POSIX: always quoted", shellOf("linux").quote("a"), "'a'"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, not %q", tt.name, tt.got, tt.want)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("a\"b\\c\x00\x1f\x7f\u0085\u2028\xff\r\n\tü😀")
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendJSON([]byte("x"), s)[1:]
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != s || !utf8.ValidString(back) || len(back) < len(want) {
			t.Fatalf("%q came back as %q", s, back)
		}
		if i := strings.IndexFunc(string(got), func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Fatalf("%q: a control character at %d", got, i)
		}
	})
}
