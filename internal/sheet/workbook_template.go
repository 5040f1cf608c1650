package sheet

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rule says what may be typed into the cells of a column, below its header.
type Rule struct {
	Choices []string // offered as a list; none for any text
	Dates   bool     // real dates alone, which the cells show as yyyy-mm-dd
	Loose   bool     // what is none of that is warned of instead of refused
	Help    string   // shown with the refusal
}

// TemplateColumn is a column of a workbook to fill in.
type TemplateColumn struct {
	Header string
	Note   string // of the header's cell
	Rule   Rule
}

// maxInlineList is how many characters a list may have within a rule. A longer
// one is in cells.
const maxInlineList = 255

const (
	templateName = "Sessions"
	listsName    = "Lists"
)

// WriteTemplate writes a workbook to fill in. Lists that a rule cannot hold are
// in a hidden worksheet.
func WriteTemplate(to io.Writer, columns []TemplateColumn) error {
	main := &worksheetPart{Name: templateName}
	var header []string
	var notes []Mark
	var long [][]string // the header and the choices of each
	for i, c := range columns {
		header = append(header, c.Header)
		main.Widths = append(main.Widths, width(c))
		notes = append(notes, Mark{Column: i, Note: c.Note})
		rule := columnRule{Rule: c.Rule, Column: i, Header: c.Header, Kind: `type="list"`}
		switch list := strings.Join(c.Rule.Choices, ","); {
		case len(c.Rule.Choices) == 0 && !c.Rule.Dates:
			continue
		case len(c.Rule.Choices) == 0:
			rule.Kind, rule.Formula = `type="date" operator="greaterThanOrEqual"`, "1" // 1900-01-01, or a day of 1904
		case units(list) <= maxInlineList && !strings.ContainsAny(list, `"`) && strings.Count(list, ",") == len(c.Rule.Choices)-1:
			rule.Formula = `"` + list + `"`
		default:
			column := Letter(len(long))
			rule.Formula = reference(listsName, fmt.Sprintf("$%s$2:$%[1]s$%d", column, len(c.Rule.Choices)+1))
			long = append(long, append([]string{c.Header}, c.Rule.Choices...))
		}
		main.Rules = append(main.Rules, rule)
	}
	w := newWorkbookWriter(to)
	if err := w.begin(main); err != nil {
		return err
	}
	if err := w.write(header, notes...); err != nil {
		return err
	}
	if long != nil {
		if err := w.writeLists(long); err != nil {
			return err
		}
	}
	return w.close()
}

func (w *workbookWriter) writeLists(lists [][]string) error {
	if err := w.begin(&worksheetPart{Name: listsName, Own: true, Hidden: true}); err != nil {
		return err
	}
	longest := slices.MaxFunc(lists, func(a, b []string) int { return len(a) - len(b) })
	for row := range longest {
		line := make([]string, len(lists))
		for i, list := range lists {
			if row < len(list) {
				line[i] = list[row]
			}
		}
		if err := w.write(line); err != nil {
			return err
		}
	}
	return nil
}

// width is enough for the header with its filter's button, and for what may be
// typed in; a UUID where nothing is known.
func width(c TemplateColumn) int {
	n := 36
	switch {
	case c.Rule.Dates:
		n = len("yyyy-mm-dd")
	case len(c.Rule.Choices) > 0:
		n = 0
		for _, choice := range c.Rule.Choices {
			n = max(n, utf8.RuneCountInString(choice))
		}
	}
	return max(n, utf8.RuneCountInString(c.Header)+2)
}

// columnRule is a rule as a worksheet has it.
type columnRule struct {
	Rule
	Column        int // from 0
	Header        string
	Kind, Formula string // in the words of Office Open XML
}

// head returns the beginning of a text, of at most n UTF-16 units.
func head(s string, n int) string {
	for units(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
