package sheet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// EachRecord calls fn for every record of the sheet with its row number, from
// the first one on: the header, blank rows and cells beyond the last column
// too. Cells are as in the file, quotes taken off but not the formula escape,
// so that a copy can be written that differs only where it should. The slice
// is fn's until it returns; the strings may be kept.
//
// It is for a sheet whose Problems are none after a complete Each. It ends
// with fn's first error, with the context's, or with that of the file.
func (s *Sheet) EachRecord(ctx context.Context, fn func(row int, cells []string) error) error {
	s.read.Store(0)
	scan, err := s.text(newSource(s.file, s.Size(), false, &s.read))
	if err != nil {
		return s.readError(err)
	}
	var cells []string
	for row := 1; ; row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := scan.next()
		if errors.Is(err, io.EOF) {
			return s.unchanged()
		}
		if err != nil {
			return s.readError(err)
		}
		if scan.past.column > 0 {
			return fmt.Errorf("row %d of %s has more than %d cells", row, s.name, mostColumns)
		}
		cells = scan.cells(cells[:0])
		if err := fn(row, cells); err != nil {
			return err
		}
	}
}

// cells appends the cells of the record just scanned, made of one string.
func (s *scanner) cells(cells []string) []string {
	line, from := string(s.text), 0
	for _, to := range s.ends {
		cells = append(cells, line[from:to])
		from = to + len(s.delim)
	}
	return cells
}

// NewCopy returns a Writer for a copy of the sheet: with its delimiter, every
// cell as it is given, and a "sep=" line also where the header would have
// another delimiter recognised.
func (s *Sheet) NewCopy(w io.Writer) *Writer {
	writer := NewPlainWriter(w, s.delimiter)
	if s.header == nil || writer.preamble != "" {
		return writer
	}
	names := make([]string, len(s.header.columns))
	for i, c := range s.header.columns {
		names[i] = c.Name
	}
	var header bytes.Buffer
	sample := NewPlainWriter(&header, s.delimiter)
	_ = sample.Write(names) // to memory
	sample.Flush()
	text := bytes.TrimPrefix(header.Bytes(), []byte(byteOrderMark))
	if length, _ := separatorLine(text); length > 0 || detectDelimiter(text, s.meant) != s.delimiter {
		writer.preamble = separatorPrefix + string(s.delimiter) + "\r\n"
	}
	return writer
}
