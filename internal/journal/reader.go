package journal

import (
	"bytes"
	"errors"
	"io"
)

const readBlock = 1 << 20

// lineReader reads lines with their places; a line is valid until the next.
type lineReader struct {
	r          io.Reader
	buf        []byte
	start, end int   // of what is read and not yet given out
	off        int64 // of buf[start] in the file
	number     int   // of the line given last, from 1
	eof        bool
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: r, buf: make([]byte, readBlock)}
}

// next gives a line without its line break, and where it begins. whole is false
// for what stands after the last line break; at the end the error is io.EOF.
func (l *lineReader) next() (line []byte, off int64, whole bool, err error) {
	searched := 0
	for {
		if i := bytes.IndexByte(l.buf[l.start+searched:l.end], '\n'); i >= 0 {
			line = l.buf[l.start : l.start+searched+i]
			break
		}
		searched = l.end - l.start
		if l.eof || searched > maxLine {
			if searched == 0 {
				return nil, l.off, false, io.EOF
			}
			off, l.off = l.off, l.off+int64(searched)
			line = l.buf[l.start:l.end]
			l.start = l.end
			l.number++
			return line, off, false, nil
		}
		if err := l.fill(); err != nil {
			return nil, l.off, false, err
		}
	}
	off = l.off
	l.start += len(line) + 1
	l.off += int64(len(line) + 1)
	l.number++
	return line, off, true, nil
}

// fill reads more, behind what is not yet given out.
func (l *lineReader) fill() error {
	if l.start > 0 {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	if errors.Is(err, io.EOF) {
		l.eof, err = true, nil
	}
	return err
}
