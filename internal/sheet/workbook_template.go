package sheet

import (
	"fmt"
	"io"
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
	main := Worksheet{Name: templateName, rules: make([]columnRule, len(columns))}
	lists := Worksheet{Name: listsName, Own: true, hidden: true}
	var long [][]string
	for i, c := range columns {
		main.Header = append(main.Header, c.Header)
		main.Widths = append(main.Widths, width(c))
		main.Marks = append(main.Marks, Mark{Column: i, Note: c.Note})
		rule := columnRule{Rule: c.Rule}
		switch list := strings.Join(c.Rule.Choices, ","); {
		case len(c.Rule.Choices) == 0:
		case units(list) <= maxInlineList && !strings.ContainsAny(list, `"`) && strings.Count(list, ",") == len(c.Rule.Choices)-1:
			rule.list = `"` + list + `"`
		default:
			column := Letter(len(long))
			rule.list = reference(listsName, fmt.Sprintf("$%s$2:$%[1]s$%d", column, len(c.Rule.Choices)+1))
			lists.Header = append(lists.Header, c.Header)
			long = append(long, c.Rule.Choices)
		}
		main.rules[i] = rule
	}
	w := NewWorkbookWriter(to)
	if err := w.Begin(main); err != nil {
		return err
	}
	if long != nil {
		if err := writeLists(w, lists, long); err != nil {
			return err
		}
	}
	return w.Close()
}

func writeLists(w *WorkbookWriter, s Worksheet, lists [][]string) error {
	if err := w.Begin(s); err != nil {
		return err
	}
	for row, more := 0, true; more; row++ {
		more = false
		line := make([]string, len(lists))
		for i, list := range lists {
			if row < len(list) {
				line[i] = list[row]
			}
			more = more || row+1 < len(list)
		}
		if err := w.Write(line); err != nil {
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
	list string // the choices, as a formula
}

// style is that of the column's cells.
func (r columnRule) style() int {
	if r.Dates {
		return styleDate()
	}
	return styleText
}

// writeRules writes the rules of the worksheet's columns.
func (s *worksheetPart) writeRules(to io.Writer) {
	var b strings.Builder
	n := 0
	for i, r := range s.rules {
		kind := ""
		switch {
		case r.list != "":
			kind = `type="list"`
		case r.Dates:
			kind = `type="date" operator="greaterThanOrEqual"`
		default:
			continue
		}
		n++
		severity := "stop"
		if r.Loose {
			severity = "warning"
		}
		fmt.Fprintf(&b, `<dataValidation %s errorStyle="%s" allowBlank="1" showInputMessage="1" showErrorMessage="1" errorTitle="%s" error="%s" sqref="%s2:%[5]s%d">`,
			kind, severity, xmlText(head(s.Header[i], 32)), xmlText(head(r.Help, 225)), Letter(i), MaxWorkbookRows+1)
		if r.list != "" {
			fmt.Fprintf(&b, `<formula1>%s</formula1></dataValidation>`, xmlText(r.list))
		} else {
			fmt.Fprint(&b, `<formula1>1</formula1></dataValidation>`) // 1900-01-01, or a day of 1904
		}
	}
	if n > 0 {
		fmt.Fprintf(to, `<dataValidations count="%d">%s</dataValidations>`, n, b.String())
	}
}

// head returns the beginning of a text, of at most n UTF-16 units.
func head(s string, n int) string {
	for units(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
