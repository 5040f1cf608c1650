package sheet

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/text"
)

// Bounds of what is read of a workbook, whatever it claims to hold.
const (
	maxToken = 4 << 20 // bytes of one XML element or text, and of a part that is read whole
	maxText  = 1 << 20 // bytes of one cell's text; Excel's own limit is 32,767 characters
	maxParts = 20_000  // files in the package
)

// workbook is an Office Open XML workbook (ECMA-376, transitional or strict)
// opened for reading as a stream.
type workbook struct {
	ctx        context.Context      // of the one call that reads it
	parts      map[string]*zip.File // by name in lower case, without a leading slash
	scratch    func() (*os.File, error)
	unpacked   int64          // bytes read of all parts so far
	date1904   bool           // day 0 is 1904-01-01
	stale      bool           // formulas are to be calculated when it is opened: their values are not to be relied on
	worksheets []worksheet    // in the order of the tabs
	formats    []numberFormat // by the index that cells have as their style
	strings    *sharedStrings // nil without any
}

// worksheet is one tab of a workbook.
type worksheet struct {
	name   string
	part   string
	hidden bool
	own    bool // written by this tool, such as the list of problems
}

// openWorkbook reads everything of a workbook but its rows. What is wrong with
// the file is a *fault. What is too much for memory is kept in files made by
// scratch.
func openWorkbook(ctx context.Context, r io.ReaderAt, size int64, scratch func() (*os.File, error)) (*workbook, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, damaged(err)
	}
	if len(archive.File) > maxParts {
		return nil, damaged(errors.New("it has too many parts"))
	}
	w := &workbook{ctx: ctx, scratch: scratch, parts: make(map[string]*zip.File, len(archive.File))}
	var claimed uint64
	for _, f := range archive.File {
		name := partName(f.Name)
		if _, twice := w.parts[name]; twice && !strings.HasSuffix(name, "/") {
			return nil, damaged(fmt.Errorf("its part %s is there twice", path.Base(name)))
		}
		if claimed += min(f.UncompressedSize64, 2*maxUnpacked); claimed > maxUnpacked {
			return nil, tooLarge()
		}
		w.parts[name] = f
	}
	if err := w.readPackage(); err != nil {
		return nil, errors.Join(damaged(err), w.close())
	}
	return w, nil
}

func (w *workbook) readPackage() error {
	root, err := w.relations("")
	if err != nil {
		return err
	}
	main := partOf(root, "/officeDocument")
	if main == "" {
		return errors.New("what it holds is not listed in it")
	}
	related, err := w.relations(main)
	if err != nil {
		return err
	}
	if err := w.readMain(main, related); err != nil {
		return err
	}
	if len(w.worksheets) == 0 {
		return errors.New("it has no worksheet")
	}
	if err := w.readStyles(partOf(related, "/styles")); err != nil {
		return err
	}
	return w.readStrings(partOf(related, "/sharedStrings"))
}

func (w *workbook) close() error {
	if w.strings == nil {
		return nil
	}
	return w.strings.close()
}

// damaged makes of what is wrong within a workbook the sheet's fault. Errors of
// another origin stay as they are.
func damaged(err error) error {
	_, disk := errors.AsType[*ScratchError](err)
	_, option := errors.AsType[*OptionError](err)
	if err == nil || isFault(err) || disk || option || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &fault{-1, NotASheet, fmt.Sprintf("this is a damaged workbook (%s); open it in the spreadsheet program and save it again", text.Line(err.Error(), 200))}
}

func tooLarge() *fault {
	return &fault{-1, NotASheet, "this is a workbook that holds more than 4 GiB; remove what is not needed, or " + saveAsCSVRemedy}
}

// saveAsCSVRemedy is for a workbook that is beyond what can be read as one.
const saveAsCSVRemedy = "save the worksheet as CSV UTF-8"

func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// partOf returns the part that a relation names whose type ends so; empty when
// there is none. Transitional and strict workbooks have other beginnings of it.
func partOf(relations []relation, kind string) string {
	at := slices.IndexFunc(relations, func(r relation) bool { return strings.HasSuffix(r.Type, kind) })
	if at < 0 {
		return ""
	}
	return relations[at].Target
}

type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
	Mode   string `xml:"TargetMode,attr"`
}

// relations reads the relations of a part, targets as part names. Targets
// outside the package are left out: nothing is ever fetched.
func (w *workbook) relations(part string) ([]relation, error) {
	dir, base := path.Split(part)
	var list struct {
		Relations []relation `xml:"Relationship"`
	}
	if err := w.decode(dir+"_rels/"+base+".rels", &list); err != nil {
		return nil, err
	}
	inside := list.Relations[:0]
	for _, r := range list.Relations {
		if strings.EqualFold(r.Mode, "External") {
			continue
		}
		if !strings.HasPrefix(r.Target, "/") {
			r.Target = path.Join(dir, r.Target)
		}
		r.Target = partName(path.Clean(r.Target))
		inside = append(inside, r)
	}
	return inside, nil
}

// decode reads a small part whole.
func (w *workbook) decode(part string, v any) error {
	in, err := w.open(part)
	if err != nil {
		return err
	}
	defer in.release()
	d := xml.NewDecoder(io.LimitReader(in, maxToken))
	d.CharsetReader = refuseCharset
	return cutOff(d.Decode(v))
}

func refuseCharset(charset string, _ io.Reader) (io.Reader, error) {
	return nil, fmt.Errorf("a part of it is in %s instead of UTF-8", charset)
}

// open opens a part. All parts together give at most maxUnpacked bytes.
func (w *workbook) open(part string) (*partReader, error) {
	f := w.parts[part]
	switch {
	case f == nil:
		return nil, fmt.Errorf("its part %s is missing", path.Base(part))
	case f.Flags&1 != 0:
		return nil, notASheet("a ZIP archive with a password", "unpack it, or save the workbook without one")
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("its part %s cannot be unpacked: %w", path.Base(part), err)
	}
	return &partReader{ReadCloser: in, w: w, name: path.Base(part)}, nil
}

// partReader reads one part and counts what it unpacks to.
type partReader struct {
	io.ReadCloser
	w     *workbook
	name  string
	since int // bytes read since the last token
}

// release is for a part that is read no further: closing it loses nothing.
func (r *partReader) release() { _ = r.Close() }

func (r *partReader) Read(p []byte) (int, error) {
	if err := r.w.ctx.Err(); err != nil {
		return 0, err
	}
	if r.since > maxToken { // more than any workbook needs, which is not to fill the memory
		return 0, errors.New("a cell or an element of it is too large")
	}
	n, err := r.ReadCloser.Read(p)
	r.since += n
	if r.w.unpacked += int64(n); r.w.unpacked > maxUnpacked {
		return n, tooLarge()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("its part %s cannot be unpacked: %w", r.name, err)
	}
	return n, err
}

// readMain reads the list of worksheets and the date system.
func (w *workbook) readMain(main string, related []relation) error {
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Calculation struct {
			OnLoad string `xml:"fullCalcOnLoad,attr"`
		} `xml:"calcPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"` // r:id, of one of two namespaces
		} `xml:"sheets>sheet"`
		Names []struct {
			Name string `xml:"name,attr"`
			Ref  string `xml:",chardata"`
		} `xml:"definedNames>definedName"`
	}
	if err := w.decode(main, &book); err != nil {
		return err
	}
	w.date1904, w.stale = isTrue(book.Properties.Date1904), isTrue(book.Calculation.OnLoad)
	relations := map[string]relation{}
	for _, r := range related {
		relations[r.ID] = r
	}
	own := map[string]bool{}
	for _, n := range book.Names {
		if name := worksheetOf(n.Ref); name != "" && strings.HasPrefix(n.Name, ownNamePrefix) {
			own[name] = true
		}
	}
	for _, s := range book.Sheets {
		r, ok := relations[s.ID]
		if !ok {
			return fmt.Errorf("the part of its worksheet %q is missing", s.Name)
		}
		if !strings.HasSuffix(r.Type, "/worksheet") {
			continue // a chart or a macro sheet
		}
		w.worksheets = append(w.worksheets, worksheet{name: s.Name, part: r.Target, hidden: s.State != "" && s.State != "visible", own: own[s.Name]})
	}
	return nil
}

// worksheetOf returns the worksheet that a reference such as 'My sheet'!$A$1
// names; empty if it names none.
func worksheetOf(ref string) string {
	name := ref[:max(strings.LastIndexByte(ref, '!'), 0)]
	if quoted, ok := strings.CutPrefix(name, "'"); ok {
		name = strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), "''", "'")
	}
	return name
}

func isTrue(attr string) bool { return attr == "1" || attr == "true" || attr == "on" }

// tokens reads a part's XML as a stream. Comments and processing instructions
// are passed over; a document type is refused, since entities are never needed.
type tokens struct {
	*partReader
	d    *xml.Decoder
	open []uint64 // the hashes of the names of elements that have begun and not ended: names may be long
}

// tokens opens a part; release follows.
func (w *workbook) tokens(part string) (*tokens, error) {
	in, err := w.open(part)
	if err != nil {
		return nil, err
	}
	t := &tokens{partReader: in, d: xml.NewDecoder(in)}
	t.d.CharsetReader = refuseCharset
	return t, nil
}

// next returns io.EOF where the part ends, if its elements have ended too.
func (t *tokens) next() (xml.Token, error) {
	for {
		t.since = 0
		token, err := t.d.RawToken()
		if err != nil && len(t.open) != 0 {
			return nil, cutOff(err)
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.CharData:
			return token, nil
		case xml.StartElement:
			t.open = append(t.open, xxhash.Sum64String(e.Name.Local))
			return token, nil
		case xml.EndElement:
			last := len(t.open) - 1
			if last < 0 || t.open[last] != xxhash.Sum64String(e.Name.Local) {
				return nil, fmt.Errorf("a part of it ends an element %q that is not the last begun", e.Name.Local)
			}
			t.open = t.open[:last]
			return token, nil
		case xml.Directive:
			if bytes.HasPrefix(bytes.TrimSpace(e), []byte("DOCTYPE")) {
				return nil, errors.New("a part of it declares entities")
			}
		}
	}
}

// all returns the tokens up to the part's end, or to an error.
func (t *tokens) all() iter.Seq2[xml.Token, error] {
	return func(yield func(xml.Token, error) bool) {
		for {
			token, err := t.next()
			if errors.Is(err, io.EOF) || !yield(token, err) {
				return
			}
		}
	}
}

// cutOff names the end of a part before its elements have ended.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("a part of it is cut off")
	}
	return err
}
