package text

import (
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"
)

// ShellWord returns s as one word of the system's own shell, quoted only where
// it has to be: of a POSIX shell, on Windows of cmd.exe and PowerShell alike.
func ShellWord(s string) string { return shellOf(runtime.GOOS).word(s) }

// ShellPath is ShellWord for the name of a file, which no command takes for a
// flag. The name of standard input stays.
func ShellPath(path string) string {
	if strings.HasPrefix(path, "-") && path != "-" {
		path = "." + string(filepath.Separator) + path
	}
	return ShellWord(path)
}

// ShellQuote is like ShellWord, but always in quotes.
func ShellQuote(s string) string { return shellOf(runtime.GOOS).quote(s) }

// ShellNote says for which shell a printed command is where the system's shells
// read it differently; empty where they do not.
func ShellNote(command string) string { return shellOf(runtime.GOOS).note(command) }

// shell is how a system's shells take words.
type shell struct {
	plain string // the characters that need no quotes
	quote func(string) string
	note  func(command string) string
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func shellOf(system string) shell {
	if system == "windows" {
		return shell{letters + `-_./:=+\`, quoteWindows, noteWindows}
	}
	return shell{letters + "-_./:=@%+,", quotePOSIX, func(string) string { return "" }}
}

func (sh shell) word(s string) string {
	if s != "" && strings.Trim(s, sh.plain) == "" {
		return s
	}
	return sh.quote(s)
}

func quotePOSIX(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteWindows uses double quotes, since cmd.exe knows no others. Backslashes
// count before a quote alone, so those at the end are doubled. Neither shell
// can be kept from looking for a variable of its own: %NAME% and $NAME, and
// Windows PowerShell loses a quote in a word, however it is written.
func quoteWindows(s string) string {
	bare := strings.TrimRight(s, `\`)
	return `"` + strings.ReplaceAll(s, `"`, `""`) + s[len(bare):] + `"`
}

func noteWindows(command string) string {
	if strings.ContainsAny(command, "$`") || strings.Contains(command, `""`) {
		return " (in cmd.exe; PowerShell reads $, ` and quotes in another way)"
	}
	return ""
}

const hexDigits = "0123456789abcdef"

// jsonPlain marks the ASCII bytes that need no escape in a JSON string.
var jsonPlain = func() (table [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// AppendJSON appends s to b as a JSON string. Control characters, those above
// ASCII too, are escaped, so that showing the result on a terminal is harmless,
// and each byte that is not UTF-8 becomes U+FFFD.
//
// It takes a fifth of the time of encoding/json, and every row passes through
// it more than once.
func AppendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0 // start of what needs no escape and is not yet appended
	for i := 0; i < len(s); {
		c := s[i]
		if jsonPlain[c] {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if r > 0x9f && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		b = appendEscape(append(b, s[from:i]...), r)
		i += size
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case utf8.RuneError:
		return append(b, `\ufffd`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[r>>4&15], hexDigits[r&15])
}
