package sheet

import (
	"encoding/xml"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// numberFormat is what a cell's format says of the number in it.
type numberFormat struct {
	date bool // a date, with or without a time of day, or a time alone
	// digits is a format of zeros and literal characters, such as 000 or
	// 000-00, a zero as digitPlace; empty for any other.
	digits string
}

// digitPlace is where a digit is shown: a character that XML cannot hold.
const digitPlace = '\x00'

// Bounds of what cells can refer to as their style.
const (
	maxFormats = 1 << 17 // twice what Excel allows
	maxFormat  = 4 * 255 // bytes of a format's code, which has 255 characters in Excel
)

// readStyles reads which formats cells refer to by their style.
func (w *workbook) readStyles(part string) error {
	if part == "" {
		return nil
	}
	t, err := w.tokens(part)
	if err != nil {
		return err
	}
	defer t.release()
	custom, ofCells := map[int]numberFormat{}, false
	for token, err := range t.all() {
		switch e := token.(type) {
		case xml.EndElement:
			ofCells = ofCells && e.Name.Local != "cellXfs"
		case xml.StartElement:
			id, _ := strconv.Atoi(attribute(e, "numFmtId")) // without one it is General
			switch {
			case e.Name.Local == "cellXfs":
				ofCells = true
			case e.Name.Local == "numFmt":
				custom[id] = parseFormat(attribute(e, "formatCode"))
			case e.Name.Local == "xf" && ofCells:
				f, ok := custom[id]
				if !ok {
					f = builtInFormat(id)
				}
				w.formats = append(w.formats, f)
			}
			if len(custom)+len(w.formats) > maxFormats {
				return errors.New("it has too many formats")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// builtInFormat is a format that every workbook has without naming it
// (ECMA-376 part 1, 18.8.30).
func builtInFormat(id int) numberFormat {
	switch {
	case id == 1:
		return numberFormat{digits: string(digitPlace)}
	case id >= 14 && id <= 22, id >= 27 && id <= 36, id >= 45 && id <= 47, id >= 50 && id <= 58:
		return numberFormat{date: true}
	}
	return numberFormat{}
}

// parseFormat classifies a format code by its first section.
func parseFormat(code string) numberFormat {
	if strings.EqualFold(code, "General") || len(code) > maxFormat {
		return numberFormat{}
	}
	var digits []rune
	only := true // digits and literal characters
	rest := []rune(code)
	for i := 0; i < len(rest) && rest[i] != ';'; i++ {
		switch c := rest[i]; c {
		case '"':
			end := slices.Index(rest[i+1:], '"')
			if end < 0 {
				return numberFormat{}
			}
			digits = append(digits, rest[i+1:i+1+end]...)
			i += end + 1
		case '\\':
			if i++; i < len(rest) {
				digits = append(digits, rest[i])
			}
		case '_', '*':
			i++ // a gap as wide as the next character, or filled with it
		case '[':
			end := slices.Index(rest[i:], ']')
			if end < 0 {
				return numberFormat{}
			}
			if strings.Trim(strings.ToLower(string(rest[i+1:i+end])), "hms") == "" {
				return numberFormat{date: true} // hours beyond a day
			}
			i += end // a color, a condition or a locale
		case '0':
			digits = append(digits, digitPlace)
		case '#':
			only = only && len(digits) == 0 // before all others it changes nothing
		case '-', ' ', '(', ')', ':':
			digits = append(digits, c)
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return numberFormat{date: true}
		default:
			only = false
		}
	}
	if !only || !slices.Contains(digits, digitPlace) {
		return numberFormat{}
	}
	return numberFormat{digits: string(digits)}
}

// number returns a number as the format shows it, if that is digits alone, and
// otherwise in full: never with an exponent, with at most the 15 significant
// digits that Excel has.
func (f numberFormat) number(v float64) string {
	if short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64); err == nil {
		v = short
	}
	if f.digits != "" {
		return f.padded(v)
	}
	if v == 0 {
		return "0" // also of a negative zero
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// padded fills the places of the format from the right; digits that are too
// many come before the first.
func (f numberFormat) padded(v float64) string {
	v = math.Round(v)
	digits := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	places := strings.Count(f.digits, string(digitPlace))
	digits = strings.Repeat("0", max(places-len(digits), 0)) + digits
	var out strings.Builder
	if v < 0 {
		out.WriteByte('-')
	}
	for _, c := range f.digits {
		if c != digitPlace {
			out.WriteRune(c)
			continue
		}
		n := len(digits) - places + 1 // more than one at the first place alone
		out.WriteString(digits[:n])
		digits, places = digits[n:], places-1
	}
	return out.String()
}

// serialCell is a cell formatted as a date, by the number of days since the
// workbook's day 0.
func serialCell(serial float64, date1904 bool) workbookCell {
	const (
		lastDay    = 2958465 // 9999-12-31
		offset1904 = 1462
		noSuchDay  = 60 // 1900-02-29, a day that Excel alone knows
	)
	days, seconds := serial, 0.0
	if date1904 {
		days += offset1904
	}
	seconds = math.Round(days * 86400)
	days = math.Floor(seconds / 86400)
	switch {
	case serial < 0 || days > lastDay: // shown as ####
		return workbookCell{text: numberFormat{}.number(serial), kind: TimeCell}
	case days == noSuchDay && !date1904:
		return workbookCell{text: "1900-02-29", kind: TimeCell}
	}
	zero := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if days < noSuchDay {
		zero = zero.AddDate(0, 0, 1)
	}
	at := zero.AddDate(0, 0, int(days)).Add(time.Duration(seconds-days*86400) * time.Second)
	if days == 0 {
		return workbookCell{text: at.Format(time.TimeOnly), kind: TimeCell}
	}
	return momentCell(at)
}

// momentCell is the cell of a date, with a time of day where it has one.
func momentCell(at time.Time) workbookCell {
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return workbookCell{text: at.Format(time.DateOnly), kind: DateCell, day: at}
	}
	return workbookCell{text: at.Format(time.DateTime), kind: TimeCell}
}
