package change

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/sheet"
)

// A dateForm is one way of writing a date: the order of its parts and the
// character between them.
type dateForm struct {
	name      string
	order     [3]byte // 'y', 'm', 'd'
	separator byte
}

// dateForms are the six formats that an attribute of the API can have, and
// the one that Central European spreadsheets write.
var dateForms = []dateForm{
	{"mm/dd/yyyy", [3]byte{'m', 'd', 'y'}, '/'},
	{"mm-dd-yyyy", [3]byte{'m', 'd', 'y'}, '-'},
	{"dd/mm/yyyy", [3]byte{'d', 'm', 'y'}, '/'},
	{"dd-mm-yyyy", [3]byte{'d', 'm', 'y'}, '-'},
	{"yyyy/mm/dd", [3]byte{'y', 'm', 'd'}, '/'},
	{"yyyy-mm-dd", [3]byte{'y', 'm', 'd'}, '-'},
	{"dd.mm.yyyy", [3]byte{'d', 'm', 'y'}, '.'},
}

func findDateForm(name string) (dateForm, bool) {
	for _, f := range dateForms {
		if strings.EqualFold(f.name, strings.TrimSpace(name)) {
			return f, true
		}
	}
	return dateForm{}, false
}

// DateFormats returns the names of the date formats that a rule can have.
func DateFormats() []string {
	names := make([]string, len(dateForms))
	for i, f := range dateForms {
		names[i] = f.name
	}
	return names
}

func dateFormNames() string { return strings.Join(DateFormats(), ", ") }

// DateRule rewrites the dates of one attribute from one form to another.
type DateRule struct {
	UID     string // the attribute
	in, out dateForm
}

// ParseDateRule reads FIELD=IN:OUT, e.g.
// attributes.end_date=yyyy-mm-dd:mm/dd/yyyy.
func ParseDateRule(s string) (DateRule, error) {
	at := strings.LastIndexByte(s, '=')
	if at < 0 {
		return DateRule{}, fmt.Errorf("%q is not FIELD=IN:OUT, e.g. attributes.end_date=yyyy-mm-dd:mm/dd/yyyy", s)
	}
	field, uid, ok := sheet.ParseField(strings.TrimSpace(s[:at]))
	if !ok || field != sheet.Attribute {
		return DateRule{}, fmt.Errorf("%q is not an attribute; dates are rewritten in attributes only: attributes.UID=IN:OUT", s[:at])
	}
	in, out, ok := strings.Cut(s[at+1:], ":")
	if !ok {
		return DateRule{}, fmt.Errorf("%q names one date format; two are needed, IN:OUT", s[at+1:])
	}
	rule := DateRule{UID: uid}
	if rule.in, ok = findDateForm(in); !ok {
		return DateRule{}, fmt.Errorf("%q is not a date format; the formats are %s", in, dateFormNames())
	}
	if rule.out, ok = findDateForm(out); !ok {
		return DateRule{}, fmt.Errorf("%q is not a date format; the formats are %s", out, dateFormNames())
	}
	return rule, nil
}

// MissingDates returns the attributes of date rules that no column has.
func (r Rules) MissingDates(columns []sheet.Column) []string {
	var missing []string
	for _, d := range r.Dates {
		if !slices.ContainsFunc(columns, func(c sheet.Column) bool { return c.Field == sheet.Attribute && c.UID == d.UID }) {
			missing = append(missing, "attributes."+d.UID)
		}
	}
	return missing
}

func (r Rules) dateRule(uid string) *DateRule {
	for i := range r.Dates {
		if r.Dates[i].UID == uid {
			return &r.Dates[i]
		}
	}
	return nil
}

// dateParts are the three numbers of what may be a date, in the order in which
// they stand.
type dateParts struct {
	value     [3]int
	digits    [3]int
	separator byte
}

// splitDate takes numbers of one to four digits with one character between
// them apart.
func splitDate(s string) (d dateParts, ok bool) {
	for i := range d.value {
		n := digits(s)
		if n == 0 || n > 4 {
			return d, false
		}
		for _, c := range []byte(s[:n]) {
			d.value[i] = d.value[i]*10 + int(c-'0')
		}
		d.digits[i] = n
		if s = s[n:]; i == 2 {
			break
		}
		if s == "" || i > 0 && s[0] != d.separator {
			return d, false
		}
		d.separator, s = s[0], s[1:]
	}
	return d, s == ""
}

// read gives the date that the parts are in this form. Days and months may
// have one digit; the date must exist.
func (f *dateForm) read(d *dateParts) (year, month, day int, ok bool) {
	if d.separator != f.separator {
		return 0, 0, 0, false
	}
	for i, part := range f.order {
		switch value, n := d.value[i], d.digits[i]; {
		case part == 'y' && n == 4:
			year = value
		case part == 'm' && n <= 2:
			month = value
		case part == 'd' && n <= 2:
			day = value
		}
	}
	// What has the wrong number of digits is 0, which no date has.
	return year, month, day, isDate(year, month, day)
}

func isDate(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= 28 || day <= time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (f dateForm) format(year, month, day int) string {
	var b strings.Builder
	for i, part := range f.order {
		if i > 0 {
			b.WriteByte(f.separator)
		}
		switch part {
		case 'y':
			fmt.Fprintf(&b, "%04d", year)
		case 'm':
			fmt.Fprintf(&b, "%02d", month)
		default:
			fmt.Fprintf(&b, "%02d", day)
		}
	}
	return b.String()
}

// rewrite turns a date of the rule's input form into its output form.
func (r DateRule) rewrite(s string) (string, bool) {
	parts, ok := splitDate(s)
	if !ok {
		return "", false
	}
	year, month, day, ok := r.in.read(&parts)
	if !ok {
		return "", false
	}
	return r.out.format(year, month, day), true
}

// allForms is the set of all dateForms, as bits by their index.
var allForms = uint8(1<<len(dateForms) - 1)

// formsOf returns those forms of a set that a cell could be a date of, 0 when
// it is no date of any of them.
func formsOf(s string, among uint8) uint8 {
	if len(s) < len("1/1/2026") || len(s) > len("01/01/2026") {
		return 0
	}
	parts, ok := splitDate(s)
	if !ok {
		return 0
	}
	var set uint8
	for left := among; left != 0; left &= left - 1 {
		i := bits.TrailingZeros8(left)
		if _, _, _, ok := dateForms[i].read(&parts); ok {
			set |= 1 << i
		}
	}
	return set
}

// dateColumn follows the dates of one column, to find out whether they can
// all be of one form.
type dateColumn struct {
	possible uint8 // forms that every date so far could be of
	row      int   // of the last date that narrowed the choice
	example  string
	mixed    bool // no form fits all of them; reported once
}

// add takes in one cell. It returns false at the first cell that leaves no
// form for the column.
func (d *dateColumn) add(row int, cell string) bool {
	if d.mixed || cell == d.example {
		return true
	}
	if d.example == "" {
		if set := formsOf(cell, allForms); set != 0 {
			d.possible, d.row, d.example = set, row, cell
		}
		return true
	}
	switch left := formsOf(cell, d.possible); {
	case left == 0:
		d.mixed = formsOf(cell, allForms) != 0
		return !d.mixed
	case left != d.possible:
		d.possible, d.row, d.example = left, row, cell
	}
	return true
}
