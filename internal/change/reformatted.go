package change

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/sheet"
)

// Written is what a run wrote into the sheet that is read now, before it may
// have been through a spreadsheet program.
type Written struct {
	Columns []string // its headers
	// Row returns the cells of a row by its result.row, nil for one that was
	// not written. They are valid until the next call.
	Row func(number int) []string
}

// writtenColumn is where a column of the sheet is in what was written.
type writtenColumn struct {
	sheet.Column
	at int
}

// findWritten returns the columns that are held against what was written.
func findWritten(columns []sheet.Column, rules *Rules) (found []writtenColumn) {
	if rules.Written == nil || rules.AllowReformatted {
		return nil
	}
	for _, c := range columns {
		at := slices.Index(rules.Written.Columns, c.Name)
		if at >= 0 && (c.Field == sheet.ID || c.Field == sheet.UID || Acts(c.Field)) {
			found = append(found, writtenColumn{c, at})
		}
	}
	return found
}

// planWritten adds the problems of cells that a spreadsheet program has changed
// by itself. A row of another id is another row.
func (p *Planner) planWritten(row *sheet.Row) {
	number, err := strconv.Atoi(sheet.Trim(row.Cells[p.earlier.row]))
	if err != nil {
		return
	}
	cells := p.rules.Written.Row(number)
	if cells == nil {
		return
	}
	for _, c := range p.written {
		if c.Field == sheet.ID && !strings.EqualFold(sheet.Trim(cells[c.at]), sheet.Trim(row.Cells[c.Index])) {
			return
		}
	}
	for _, c := range p.written {
		was, is := sheet.Trim(cells[c.at]), sheet.Trim(row.Cells[c.Index])
		if was == is || !isReformatted(was, is) || p.meansSame(c.Column, was, is) {
			continue
		}
		p.problem(c.Column, sheet.Reformatted,
			"%s was %s when it was written, and a spreadsheet program changed it: put it back (in a column with the format Text), or send it as it stands with --allow-reformatted",
			quote(is), quote(was))
		p.suggest(was, false)
	}
}

// meansSame reports whether two cells of a column ask for the same.
func (p *Planner) meansSame(c sheet.Column, was, is string) bool {
	f := p.rules.field(c)
	if f == nil || f.parse == nil {
		return false
	}
	a, wrong := f.parse(was, &p.rules)
	b, too := f.parse(is, &p.rules)
	return wrong == nil && too == nil && a == b
}

// isReformatted reports whether a spreadsheet program makes the second text of
// the first one by itself, when it opens and saves a CSV.
func isReformatted(was, is string) bool {
	return was != is && (sameNumber(was, is) || sameDate(was, is) || sameTruth(was, is))
}

// A number as a spreadsheet reads it.
type number struct {
	value   float64
	digits  int // of the mantissa, from the first that is not 0
	exact   int // up to the last that is not 0
	rounded bool
}

func parseNumber(s string) (n number, ok bool) {
	if s == "" || strings.Trim(s, "0123456789.,+-eE") != "" {
		return n, false
	}
	s = strings.Replace(s, ",", ".", 1)
	var err error
	if n.value, err = strconv.ParseFloat(s, 64); err != nil {
		return n, false
	}
	end := strings.IndexAny(s, "eE")
	exponent := end >= 0
	if !exponent {
		end = len(s)
	}
	mantissa := strings.TrimLeft(strings.Replace(strings.TrimLeft(s[:end], "+-"), ".", "", 1), "0")
	n.digits, n.exact = len(mantissa), len(strings.TrimRight(mantissa, "0"))
	// A cell shows as many digits of a fraction as its width allows.
	n.rounded = exponent || strings.Contains(s, ".") && n.digits >= shownDigits
	return n, true
}

const (
	keptDigits  = 15 // that a spreadsheet keeps of a number
	shownDigits = 9  // that it shows of one at least, before it rounds
)

// sameNumber reports whether a spreadsheet reads the first text as a number
// that it can show as the second: without zeros in front, without the digits
// that it does not keep, in scientific notation or without it.
func sameNumber(was, is string) bool {
	b, ok := parseNumber(is)
	if !ok || b.exact > keptDigits {
		return false
	}
	a, ok := parseNumber(was)
	precision := keptDigits
	if b.rounded {
		precision = max(1, min(b.digits, keptDigits))
	}
	round := func(v float64) string { return strconv.FormatFloat(v, 'e', precision-1, 64) }
	if ok && round(a.value) == round(b.value) {
		return true
	}
	return grouped.MatchString(was) && notDigit.ReplaceAllString(was, "") == is || isCutShort(strings.TrimLeft(was, "0"), is)
}

// isCutShort reports whether the second text is the first, a long number, with
// zeros for the digits that a spreadsheet does not keep.
func isCutShort(was, is string) bool {
	return len(was) > keptDigits && len(was) == len(is) && digits(was) == len(was) &&
		was[:keptDigits] == is[:keptDigits] && strings.Trim(is[keptDigits:], "0") == ""
}

var (
	digit    = regexp.MustCompile(`[0-9]`)
	notDigit = regexp.MustCompile(`[^0-9]`)
	// grouped is a whole number in groups of three.
	grouped = regexp.MustCompile(`^[0-9]{1,3}([\x00-/:-\x7f][0-9]{3})+$`)
)

// Forms in which a spreadsheet takes and shows dates, besides those of a rule.
// What it takes may lack the year.
var (
	shownDates = []string{"1/2/06", "2/1/06", "2.1.06", "2-1-06", "06-1-2", "2-Jan-06", "2-Jan-2006", "2 Jan 06", "2 Jan 2006", "2. Jan 06", "January 2, 2006"}
	takenDates = []string{"1/2", "2/1", "1-2", "2-1", "2.1", "2.1.", "Jan2", "January2", "Jan-2", "2Jan"}
	shortDates = []string{"2-Jan", "2. Jan", "2 Jan"}
)

// sameDate reports whether both texts can be the same day, in two forms. Two
// dates that differ in their digits alone are two days.
func sameDate(was, is string) bool {
	const longest = len("September 30, 2026")
	if len(was) > longest || len(is) > longest || digit.ReplaceAllString(was, "0") == digit.ReplaceAllString(is, "0") {
		return false
	}
	shown := readDates(is, shownDates, shortDates)
	if len(shown) == 0 {
		return false
	}
	for _, a := range readDates(was, shownDates, takenDates) {
		for _, b := range shown {
			if a.Month() == b.Month() && a.Day() == b.Day() && (a.Year() == b.Year() || a.Year() == 0 || b.Year() == 0) {
				return true
			}
		}
	}
	return false
}

// readDates returns every day that a text can be. A form without a year gives
// the year 0.
func readDates(s string, forms ...[]string) (days []time.Time) {
	for i := range dateForms {
		if day, ok := dateForms[i].parse(s); ok {
			days = append(days, day)
		}
	}
	for _, form := range slices.Concat(forms...) {
		if day, err := time.Parse(form, s); err == nil {
			days = append(days, day)
		}
	}
	return days
}

// sameTruth reports whether the second text is how a spreadsheet shows the truth
// value of the first, which is in capitals and in its own language.
func sameTruth(was, is string) bool {
	const shortest = len("true")
	a, known := parseBoolean(was)
	b, too := parseBoolean(is)
	return known && too && a == b && len(was) >= shortest && len(is) >= shortest && is == strings.ToUpper(is)
}
