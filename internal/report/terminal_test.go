package report

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// terminal is what a person sees: it knows \r, \b, \n and colors.
type terminal struct {
	mu     sync.Mutex
	width  int
	raw    bytes.Buffer
	writes int
	lines  []string
	row    []rune
	at     int
	wraps  int
}

var colorCode = regexp.MustCompile("^\033\\[[0-9;]*m")

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(p)
	s.writes++
	for text := string(p); text != ""; {
		if code := colorCode.FindString(text); code != "" {
			text = text[len(code):]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			s.at = 0
		case '\b':
			s.at = max(s.at-1, 0)
		case '\n':
			s.lines = append(s.lines, strings.TrimRight(string(s.row), " "))
			s.row, s.at = nil, 0
		default:
			if s.at == len(s.row) {
				s.row = append(s.row, ' ')
			}
			s.row[s.at] = r
			if s.at++; s.at >= s.width {
				s.wraps++
			}
		}
	}
	return len(p), nil
}

// screen returns what is on the terminal, the cursor's line last.
func (s *terminal) screen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(slices.Clone(s.lines), strings.TrimRight(string(s.row), " "))
}

// written returns how often something was written.
func (s *terminal) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *terminal) options(total int) ProgressOptions {
	return ProgressOptions{Out: s, Terminal: true, Width: func() int { return s.width }, Total: total, NoColor: true}
}

// lineBar is a bar with its terminal.
type lineBar struct {
	bar
	to io.Writer
}

func newBar(to io.Writer, o ProgressOptions) *lineBar {
	return &lineBar{bar{o: o, out: &bytes.Buffer{}}, to}
}

func (b *lineBar) show(s State) {
	b.draw(s)
	_, _ = b.out.WriteTo(b.to)
}

func (b *lineBar) wipe() {
	b.clear()
	_, _ = b.out.WriteTo(b.to)
}
