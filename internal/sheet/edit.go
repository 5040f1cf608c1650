package sheet

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// Edit gives one cell another text. An edit in the header's row renames a
// column.
type Edit struct {
	Row    int    // as Excel shows it
	Column int    // from 0
	Text   string // as it is to be read again: without quotes or a formula escape
}

// EditError says why a cell cannot be given its text, or why no cell can.
type EditError struct {
	Edit   Edit   // of row 0 where no cell of the sheet can be corrected here
	Reason string // what is wrong and what to do
}

func (e *EditError) Error() string {
	if e.Edit.Row == 0 {
		return e.Reason
	}
	return fmt.Sprintf("row %d, column %s: %s", e.Edit.Row, Letter(e.Edit.Column), e.Reason)
}

func notEditable(reason string) error { return &EditError{Reason: reason} }

// WriteEdited writes the sheet's file with other texts in some cells; of two
// edits of a cell the last one counts. A CSV keeps its encoding, delimiter, line
// ends and each byte of every other cell, and is packed if it was. A workbook
// keeps its formats, types and other worksheets. The sheet need not be free of
// problems, but for a quote that leaves it undivided.
//
// An *EditError says what cannot be done.
func (s *Sheet) WriteEdited(ctx context.Context, to io.Writer, edits []Edit) error {
	edits, err := s.checkEdits(edits)
	switch {
	case err != nil:
		return err
	case s.IsWorkbook():
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
		return nil, notEditable("the sheet has no rows that can be read")
	}
	edits = slices.Clone(edits)
	slices.Reverse(edits) // of two edits of a cell the last one is kept
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Or(a.Row-b.Row, a.Column-b.Column) })
	for _, e := range edits {
		switch {
		case e.Row < s.header.row || e.Column < 0:
			return nil, &EditError{e, "the sheet has no such cell"}
		case strings.IndexByte(e.Text, 0) >= 0:
			return nil, &EditError{e, "a NUL character cannot be in a cell; remove it"}
		case e.Column >= len(s.header.columns) && e.Row > s.header.row && e.Text != "", e.Row == s.header.row && e.Column >= s.header.width:
			return nil, &EditError{e, "the sheet has no such column"}
		}
	}
	return slices.CompactFunc(edits, func(a, b Edit) bool { return a.Row == b.Row && a.Column == b.Column }), nil
}

// checkEncoding makes sure that the text of the file is written as the file's own
// bytes, so that whatever is not edited stays as it is.
func (s *Sheet) checkEncoding() error {
	if s.charset.decoder == nil {
		return nil
	}
	file, written := sha256.New(), sha256.New()
	_, _ = io.WriteString(written, s.charset.mark) // to memory
	text, err := s.decoded(s.source(file))
	if err == nil {
		_, err = io.Copy(written, transform.NewReader(text, encoding.ReplaceUnsupported(s.charset.encoder())))
	}
	switch {
	case err != nil:
		return s.readError(err)
	case !bytes.Equal(written.Sum(nil), file.Sum(nil)):
		return notEditable("its encoding cannot be written back without a change to other cells; save the sheet as CSV UTF-8, and correct that")
	}
	return nil
}

// writeSpliced copies a CSV's bytes with other ones for the cells of the edits.
func (s *Sheet) writeSpliced(ctx context.Context, to io.Writer, edits []Edit) error {
	if err := s.checkEncoding(); err != nil {
		return err
	}
	scan, err := s.scan(s.source(nil))
	if err != nil {
		return s.readError(err)
	}
	scan.placed = true
	out := transform.NewWriter(to, s.charset.encoder())
	if _, err := io.WriteString(to, s.charset.mark); err != nil {
		return err
	}
	if _, err := out.Write(scan.buf[:s.separator]); err != nil {
		return err
	}
	cells := NewPlainWriter(io.Discard, s.delimiter)
	cells.escape = s.header.results
	last := 0
	err = s.eachRecord(ctx, scan, func(row int) error {
		last = row
		n := 0
		for n < len(edits) && edits[n].Row == row {
			n++
		}
		text, err := s.splice(scan, cells, edits[:n])
		if err == nil {
			_, err = out.Write(text)
		}
		edits = edits[n:]
		return err
	})
	if p, ok := faultProblem(last+1, &s.header, err); ok {
		return notEditable("the sheet cannot be divided into cells: " + p.String())
	}
	if err != nil {
		return err
	}
	if len(edits) > 0 {
		return &EditError{edits[0], "the sheet has no such row"}
	}
	return out.Close()
}

// splice returns the record just scanned with other cells. A row that is short
// gets as many as it needs.
func (s *Sheet) splice(scan *scanner, cells *Writer, edits []Edit) ([]byte, error) {
	raw := scan.raw()
	if len(edits) == 0 {
		return raw, nil
	}
	var text []byte
	copied, count := 0, scan.count
	for _, e := range edits {
		cell, err := s.cellFor(e, cells)
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
func (s *Sheet) cellFor(e Edit, cells *Writer) (string, error) {
	cell := e.Text
	if !cells.escape && literal(cell) != cell {
		cell = asLiteral(cell)
	}
	cell = string(cells.appendCell(nil, cell))
	if _, err := s.charset.encoder().String(cell); err != nil {
		return "", &EditError{e, fmt.Sprintf("%s holds a character that the encoding of the sheet does not have; leave it out, or save the sheet as CSV UTF-8", quoted(e.Text))}
	}
	return cell, nil
}
