package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// A dateForm is one way of writing a date.
type dateForm struct {
	name      string
	separator string
	read      string // layout of input, where days and months may have one digit
	write     string
}

// dateForms are the six formats that an attribute of the API can have, and
// the one that Central European spreadsheets write.
var dateForms = []dateForm{
	{"mm/dd/yyyy", "/", "1/2/2006", "01/02/2006"},
	{"mm-dd-yyyy", "-", "1-2-2006", "01-02-2006"},
	{"dd/mm/yyyy", "/", "2/1/2006", "02/01/2006"},
	{"dd-mm-yyyy", "-", "2-1-2006", "02-01-2006"},
	{"yyyy/mm/dd", "/", "2006/1/2", "2006/01/02"},
	{"yyyy-mm-dd", "-", "2006-1-2", "2006-01-02"},
	{"dd.mm.yyyy", ".", "2.1.2006", "02.01.2006"},
}

// parse reads a date of this form, which must exist.
func (f *dateForm) parse(s string) (time.Time, bool) {
	// What is no date at all, like most numbers, costs no error.
	if len(s) < len("1/1/2026") || len(s) > len("01/01/2026") || strings.Count(s, f.separator) != 2 {
		return time.Time{}, false
	}
	date, err := time.Parse(f.read, s)
	return date, err == nil && date.Year() > 0
}

// findDateForm returns the form of a name; nil if there is none.
func findDateForm(name string) *dateForm {
	at := slices.IndexFunc(dateForms, func(f dateForm) bool { return strings.EqualFold(f.name, strings.TrimSpace(name)) })
	if at < 0 {
		return nil
	}
	return &dateForms[at]
}

// DateFormats returns the names of the date formats that a rule can have.
func DateFormats() []string {
	names := make([]string, len(dateForms))
	for i, f := range dateForms {
		names[i] = f.name
	}
	return names
}

// DateRule rewrites the dates of one attribute from one form to another.
type DateRule struct {
	target
	in, out *dateForm
}

// String returns the rule as it is parsed.
func (d DateRule) String() string { return d.label() + "=" + d.in.name + ":" + d.out.name }

// ParseDateRule reads FIELD=IN:OUT, e.g.
// attributes.end_date=yyyy-mm-dd:mm/dd/yyyy.
func ParseDateRule(s string) (DateRule, error) {
	at := strings.LastIndexByte(s, '=')
	if at < 0 {
		return DateRule{}, fmt.Errorf("%q is not FIELD=IN:OUT, e.g. attributes.end_date=yyyy-mm-dd:mm/dd/yyyy", s)
	}
	field, uid, ok := (sheet.Fields{}).Parse(strings.TrimSpace(s[:at]))
	if !ok || field != sheet.Attribute {
		return DateRule{}, fmt.Errorf("%q is not an attribute; dates are rewritten in attributes only: attributes.UID=IN:OUT", s[:at])
	}
	in, out, ok := strings.Cut(s[at+1:], ":")
	if !ok {
		return DateRule{}, fmt.Errorf("%q names one date format; two are needed, IN:OUT", s[at+1:])
	}
	for _, name := range []string{in, out} {
		if findDateForm(name) == nil {
			return DateRule{}, fmt.Errorf("%q is not a date format; the formats are %s", name, strings.Join(DateFormats(), ", "))
		}
	}
	return DateRule{target: target{Field: field, UID: uid}, in: findDateForm(in), out: findDateForm(out)}, nil
}

func (r Rules) dateRule(c sheet.Column) *DateRule {
	for i := range r.Dates {
		if r.Dates[i].isOf(c) {
			return &r.Dates[i]
		}
	}
	return nil
}

// DateLayouts returns for each column of a sheet the layout (of package time) in
// which its dates are read; empty where no rule rewrites them.
func (r Rules) DateLayouts(columns []sheet.Column) []string {
	r = r.Fitting(columns)
	layouts := make([]string, len(columns))
	for i, c := range columns {
		if d := r.dateRule(c); d != nil {
			layouts[i] = d.in.write
		}
	}
	return layouts
}

// parse turns a date of the rule's input form into its output form.
func (d DateRule) parse(cell string, _ *Rules) (string, *sheet.Problem) {
	date, ok := d.in.parse(cell)
	if !ok {
		return "", &sheet.Problem{Kind: sheet.BadDate, Message: quote(cell) + " is not a date of the form " + d.in.name}
	}
	return date.Format(d.out.write), nil
}

// iso is the form of a workbook's real dates.
var iso = findDateForm("yyyy-mm-dd")

// parser returns the parse of an attribute whose dates have the form. What is
// rewritten to it is certain: a date that begins with its year.
func (f *dateForm) parser(uid string) func(string, *Rules) (string, *sheet.Problem) {
	return func(cell string, _ *Rules) (string, *sheet.Problem) {
		if date, ok := f.parse(cell); ok && len(cell) == len(f.name) {
			return date.Format(f.write), nil // in two digits each: as it is
		}
		if date, ok := iso.parse(cell); ok && len(cell) == len(iso.name) {
			return date.Format(f.write), nil
		}
		found := &sheet.Problem{Kind: sheet.BadDate, Message: quote(cell) + " is not a date of the form " + f.name + ", which the attribute has"}
		f.advise(found, uid, cell)
		return "", found
	}
}

// advise adds to what is wrong with a cell what the cell could be.
func (f *dateForm) advise(found *sheet.Problem, uid, cell string) {
	var could, rules []string
	for i := range dateForms {
		other := &dateForms[i]
		if date, ok := other.parse(cell); ok {
			found.Suggested = date.Format(f.write)
			could = append(could, found.Suggested+" ("+other.name+")")
			rules = append(rules, "--date "+text.ShellWord(text.Line(Label(sheet.Attribute, uid), 0)+"="+other.name+":"+f.name))
		}
	}
	switch len(could) {
	case 0:
		example := time.Date(2027, time.December, 31, 0, 0, 0, 0, time.UTC)
		found.Message += "; write it like " + example.Format(f.write) + " or " + example.Format(iso.write)
	case 1:
		found.Message += "; it could be " + could[0] + ": write that, or have the column rewritten with " + rules[0]
	default:
		found.Message += "; it could be " + strings.Join(could, " or ") + ": write the one that is meant, or say how the column is written: " + strings.Join(rules, " or ")
		found.Suggested = "" // as likely as not
	}
}

// allDateForms is the set of dateForms, as bits by their index.
var allDateForms = uint8(1<<len(dateForms) - 1)

// isOddDate reports whether a cell looks like a date and is of none of the
// API's forms, or of a day that no calendar has. It looks like one if it has
// three numbers between points, slashes or hyphens, one of which can be a year.
// Nearly all cells of a column of dates are asked for in vain, so it makes no
// garbage.
func isOddDate(s string) bool {
	if len(s) < len("1/1/26") || len(s) > len("01/01/2026") {
		return false
	}
	at := strings.IndexAny(s, "/-.")
	if at < 0 {
		return false
	}
	separator := s[at : at+1]
	a := s[:at]
	b, c, _ := strings.Cut(s[at+1:], separator)
	if !isNumber(a) || !isNumber(b) || !isNumber(c) || len(b) > 2 {
		return false
	}
	point := separator == "."
	switch {
	case len(a) == 4 && len(c) <= 2 && isYear(a):
		return point || !isDay(a, b, c)
	case len(a) <= 2 && len(c) == 4 && isYear(c):
		return point || !isDay(c, a, b) && !isDay(c, b, a)
	case len(a) > 2 || len(c) != 2 || separator == "-":
		return false
	}
	// Versions and sections look like dates with a short year, too.
	const leap = "2024"
	return point && len(a)+len(b) == 4 && isDay(leap, b, a) || !point && (isDay(leap, a, b) || isDay(leap, b, a))
}

// isNumber reports whether s is of ASCII digits alone.
func isNumber(s string) bool { return s != "" && digits(s) == len(s) }

func isYear(s string) bool { return s >= "1900" && s < "2200" }

// isDay reports whether a calendar has the day; all three are numbers.
func isDay(year, month, day string) bool {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	return m >= 1 && m <= 12 && d >= 1 && time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Day() == d
}

// formsOf returns those forms of a set that a cell could be a date of.
func formsOf(cell string, among uint8) (forms uint8) {
	for i := range dateForms {
		if among&(1<<i) == 0 {
			continue
		}
		if _, ok := dateForms[i].parse(cell); ok {
			forms |= 1 << i
		}
	}
	return forms
}

// dateColumn follows the dates of one column, to find out whether they can
// all be of one form.
type dateColumn struct {
	possible uint8 // forms that every date so far could be of
	row      int   // of the last date that left fewer of them
	example  string
	mixed    bool // no form fits all of them; reported once
}

// add takes in one cell. It returns false at the first cell that leaves no
// form for the column.
func (d *dateColumn) add(row int, cell string) bool {
	if d.mixed || cell == d.example {
		return true
	}
	among := d.possible
	if d.example == "" {
		among = allDateForms
	}
	switch left := formsOf(cell, among); {
	case left == 0 && d.example != "":
		d.mixed = formsOf(cell, allDateForms) != 0
		return !d.mixed
	case left != 0 && left != among:
		d.possible, d.row, d.example = left, row, cell
	}
	return true
}
