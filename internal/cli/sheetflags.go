package cli

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
)

// sheetFlags are those that decide what the sheet's cells mean: of run and
// check alike.
type sheetFlags struct {
	encoding, delimiter, unknown, clearMarker, duplicates string
	maps, dates                                           []string
	runSessions, allowUnknownStatus, strict               bool
}

func (f *sheetFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.maps, "map", nil, "a sheet's own header for a field, 'COLUMN=FIELD'; repeatable")
	flags.StringVar(&f.unknown, "unknown-columns", "error", "a column that is neither a field nor mapped: error, attribute or ignore")
	flags.StringArrayVar(&f.dates, "date", nil, "rewrite an attribute's dates, 'FIELD=IN:OUT', e.g. attributes.end_date=yyyy-mm-dd:mm/dd/yyyy; repeatable")
	flags.StringVar(&f.clearMarker, "clear-marker", change.DefaultClearMarker, "a cell that empties an attribute")
	flags.StringVar(&f.duplicates, "duplicates", "error", "the same id in two rows: error, or in-order to send them one after another")
	flags.BoolVar(&f.runSessions, "run-sessions", false, "run=true for every row whose run cell is empty")
	flags.BoolVar(&f.allowUnknownStatus, "allow-unknown-status", false, "send a status that the list does not hold, as typed")
	flags.StringVar(&f.encoding, "encoding", "", "read the sheet in this encoding, e.g. windows-1252 (default: auto, by what the file holds)")
	flags.StringVar(&f.delimiter, "delimiter", "", "what divides the cells, one character or tab (default: auto, by the header)")
	flags.BoolVar(&f.strict, "strict", false, "warnings are errors")
}

// detected is the word for what happens without --encoding and --delimiter.
const detected = "auto"

// options turns the flags into what the sheet package takes.
func (f *sheetFlags) options() (sheet.Options, error) {
	o := sheet.Options{Fields: change.SheetFields(), Encoding: f.encoding}
	if strings.EqualFold(f.encoding, detected) {
		o.Encoding = ""
	}
	switch {
	case strings.EqualFold(f.delimiter, detected):
	case strings.EqualFold(f.delimiter, "tab") || f.delimiter == `\t`:
		o.Delimiter = '\t'
	case utf8.RuneCountInString(f.delimiter) == 1:
		o.Delimiter, _ = utf8.DecodeRuneInString(f.delimiter)
	case f.delimiter != "":
		return o, usage("--delimiter %q: use one character, or the word tab", f.delimiter)
	}
	switch f.unknown {
	case "error":
	case "attribute":
		o.Unknown = sheet.UnknownAttribute
	case "ignore":
		o.Unknown = sheet.UnknownIgnore
	default:
		return o, usage("--unknown-columns %q: use error, attribute or ignore", f.unknown)
	}
	for _, m := range f.maps {
		mapping, err := o.Fields.ParseMapping(m)
		if err != nil {
			return o, &failure{ExitUsage, err}
		}
		o.Columns = append(o.Columns, mapping)
	}
	return o, nil
}

// rules turns the flags into what a row means.
func (f *sheetFlags) rules() (change.Rules, error) {
	r := change.Rules{
		ClearMarker: sheet.Trim(f.clearMarker), RunSessions: f.runSessions,
		AllowUnknownStatus: f.allowUnknownStatus, Strict: f.strict,
	}
	if r.ClearMarker == "" {
		return r, usage("--clear-marker is empty: an empty cell changes nothing, so it cannot empty an attribute too")
	}
	switch f.duplicates {
	case "error":
	case "in-order":
		r.InOrder = true
	default:
		return r, usage("--duplicates %q: use error or in-order", f.duplicates)
	}
	seen := map[string]bool{}
	for _, d := range f.dates {
		rule, err := change.ParseDateRule(d)
		if err != nil {
			return r, usage("--date %w", err)
		}
		if seen[rule.UID] {
			return r, usage("--date %q: attributes.%s has a rule already", d, rule.UID)
		}
		seen[rule.UID] = true
		r.Dates = append(r.Dates, rule)
	}
	return r, nil
}

// sheet is the sheet of an input, to be read as the flags say.
func (f *sheetFlags) sheet(in *input) (job.Sheet, error) {
	o, err := f.options()
	if err != nil {
		return job.Sheet{}, err
	}
	rules, err := f.rules()
	return job.Sheet{Name: in.name, Path: in.path, Unnamed: in.stdin, Options: o, Rules: rules}, err
}
