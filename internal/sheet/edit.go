package sheet

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"golang.org/x/text/transform"
)

// Edit gives one cell another text. An edit in the header's row renames a
// column.
type Edit struct {
	Row    int    // as Excel shows it
	Column int    // from 0
	Text   string // as it is to be read again: without quotes or a formula escape
}

// EditError says why a cell cannot be given its text.
type EditError struct {
	Edit   Edit
	Reason string // what is wrong and what to do
}

func (e *EditError) Error() string {
	return fmt.Sprintf("row %d, column %s: %s", e.Edit.Row, Letter(e.Edit.Column), e.Reason)
}

// NotEditableError says why no cell of a sheet can be corrected here.
type NotEditableError struct{ reason string }

func (e *NotEditableError) Error() string { return e.reason }

// WriteEdited writes the sheet's file with other texts in some cells; of two
// edits of a cell the last one counts. A CSV keeps its encoding, delimiter, line
// ends and each byte of every other cell, and is packed if it was. A workbook
// keeps its formats, types and other worksheets. The sheet need not be free of
// problems, but for a quote that leaves it undivided.
//
// An *EditError or a *NotEditableError says what cannot be done.
func (s *Sheet) WriteEdited(ctx context.Context, to io.Writer, edits []Edit) error {
	edits, err := s.checkEdits(edits)
	switch {
	case err != nil:
		return err
	case s.copied != nil:
		return s.editOwn(ctx, to, edits)
	case !s.packed:
		return s.writeSpliced(ctx, to, edits)
	}
	zip := gzip.NewWriter(to)
	return errors.Join(s.writeSpliced(ctx, zip, edits), zip.Close())
}

// checkEdits returns the edits in the order of rows and columns, each cell once.
func (s *Sheet) checkEdits(edits []Edit) ([]Edit, error) {
	if s.header.row == 0 {
		return nil, &NotEditableError{"the sheet has no rows that can be read"}
	}
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Or(a.Row-b.Row, a.Column-b.Column) })
	kept := edits[:0]
	for _, e := range edits {
		switch {
		case e.Row < s.header.row || e.Column < 0:
			return nil, &EditError{e, "the sheet has no such cell"}
		case bytes.IndexByte([]byte(e.Text), 0) >= 0:
			return nil, &EditError{e, "a NUL character cannot be in a cell; remove it"}
		case e.Column >= len(s.header.columns) && e.Row > s.header.row && e.Text != "", e.Row == s.header.row && e.Column >= s.header.width:
			return nil, &EditError{e, "the sheet has no such column"}
		}
		if last := len(kept) - 1; last >= 0 && kept[last].Row == e.Row && kept[last].Column == e.Column {
			kept = kept[:last]
		}
		kept = append(kept, e)
	}
	return kept, nil
}

// encoded writes text in the charset of the file, and the hash of what was there
// before, written in the same way.
type encoded struct {
	charset
	out    io.WriteCloser
	before io.WriteCloser
	sum    hash.Hash
}

func (c charset) encoded(to io.Writer) *encoded {
	e := &encoded{charset: c, sum: sha256.New()}
	e.out, e.before = c.writer(to), c.writer(e.sum)
	return e
}

// writer encodes from UTF-8.
func (c charset) writer(to io.Writer) io.WriteCloser {
	if c.decoder == nil {
		return transform.NewWriter(to, transform.Nop)
	}
	return transform.NewWriter(to, c.decoder.NewEncoder())
}

// write writes what is in the place of the text that was there before.
func (e *encoded) write(text, before []byte) error {
	if _, err := e.before.Write(before); err != nil {
		return errNotExact // it goes to memory
	}
	_, err := e.out.Write(text)
	return err
}

var errNotExact = &NotEditableError{"its encoding cannot be written back without a change to other cells; save the sheet as CSV UTF-8, and correct that"}

// close ends both. It reports whether the text before came out as the file's own
// bytes, so that whatever was not edited is as it was.
func (e *encoded) close(file hash.Hash) (same bool, err error) {
	err = errors.Join(e.out.Close(), e.before.Close())
	return bytes.Equal(e.sum.Sum(nil), file.Sum(nil)), err
}

// writeSpliced copies a CSV's bytes with other ones for the cells of the edits.
func (s *Sheet) writeSpliced(ctx context.Context, to io.Writer, edits []Edit) error {
	src, marks, file := s.source(nil), make([]byte, s.charset.mark), sha256.New()
	if _, err := io.ReadFull(src, marks); err != nil {
		return s.readError(err)
	}
	if _, err := to.Write(marks); err != nil {
		return err
	}
	scan := newScanner(s.charset.reader(io.TeeReader(src, file)))
	scan.divideBy(s.delimiter)
	scan.placed = true
	out := s.charset.encoded(to)
	start, err := scan.peek()
	if err != nil {
		return s.readError(err)
	}
	preamble := start[:s.separator]
	scan.pos += s.separator
	if err := out.write(preamble, preamble); err != nil {
		return err
	}
	for row := 1; ; row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := scan.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if p, ok := faultProblem(row, &s.header, err); ok {
			return &NotEditableError{"the sheet cannot be divided into cells: " + p.String()}
		}
		if err != nil {
			return s.readError(err)
		}
		n := 0
		for n < len(edits) && edits[n].Row == row {
			n++
		}
		text, err := s.splice(scan, edits[:n])
		if err == nil {
			err = out.write(text, scan.raw())
		}
		if err != nil {
			return err
		}
		edits = edits[n:]
	}
	if len(edits) > 0 {
		return &EditError{edits[0], "the sheet has no such row"}
	}
	switch same, err := out.close(file); {
	case err != nil:
		return err
	case !same:
		return errNotExact
	}
	return s.unchanged()
}

// splice returns the record just scanned with other cells. A row that is short
// gets as many as it needs.
func (s *Sheet) splice(scan *scanner, edits []Edit) ([]byte, error) {
	raw := scan.raw()
	if len(edits) == 0 {
		return raw, nil
	}
	var text []byte
	copied, count := 0, scan.count
	for _, e := range edits {
		cell, err := s.cellFor(e)
		if err != nil {
			return nil, err
		}
		if e.Column < scan.count {
			from, to := scan.place(e.Column)
			text = append(append(text, raw[copied:from]...), cell...)
			copied = to
			continue
		}
		if e.Text == "" {
			continue
		}
		_, end := scan.place(scan.count - 1)
		text = append(text, raw[copied:end]...)
		copied = end
		for ; count <= e.Column; count++ {
			text = append(text, scan.delim...)
		}
		text = append(text, cell...)
	}
	return append(text, raw[copied:]...), nil
}

// cellFor returns the text of an edit as the file has it.
func (s *Sheet) cellFor(e Edit) (string, error) {
	cell := e.Text
	switch {
	case s.header.results:
		cell = Escape(cell)
	case literal(cell) != cell:
		cell = asLiteral(cell)
	}
	if NewPlainWriter(io.Discard, s.delimiter).mustQuote(cell) {
		cell = `"` + doubled(cell) + `"`
	}
	if s.charset.decoder != nil {
		if _, err := s.charset.decoder.NewEncoder().String(cell); err != nil {
			return "", &EditError{e, fmt.Sprintf("%s holds a character that the encoding of the sheet does not have; leave it out, or save the sheet as CSV UTF-8", quoted(e.Text))}
		}
	}
	return cell, nil
}
