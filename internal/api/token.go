package api

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxToken is far above what any token is, and keeps a mistyped --token-file
// from being read into memory whole.
const maxToken = 64 << 10

// ReadToken reads a token from a file, as CleanToken cleans it. The errors
// name the file and never its content.
func ReadToken(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token, err := CleanToken(string(b))
	if err != nil {
		return "", fmt.Errorf("token file %s: %w", printable(file), err)
	}
	return token, nil
}

// CleanToken takes off the white space, line end and byte order mark that
// editors and secret stores leave around a token. What cannot be a token is
// refused, without being repeated.
func CleanToken(s string) (string, error) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "\ufeff"))
	lower := strings.ToLower(s)
	switch {
	case s == "":
		return "", errors.New("the token is empty")
	case len(s) > maxToken:
		return "", errors.New("this is too long to be a token; the file may be the wrong one")
	case strings.HasPrefix(lower, "bearer "), strings.HasPrefix(lower, "token token="), strings.HasPrefix(lower, "authorization:"):
		return "", errors.New("give the token alone, without the words that stand before it in the header")
	case strings.ContainsAny(s, "\r\n"):
		return "", errors.New("the token has more than one line; give the token alone")
	}
	for _, r := range s {
		if r <= ' ' || r >= 0x7f {
			return "", errors.New("the token holds a blank, a control or a non-ASCII character; copy it again")
		}
	}
	return s, nil
}
