package cli

import (
	"slices"
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
	encoding, delimiter, unknown, duplicates string
	maps, dates                              []string
	rules                                    change.Rules
}

func (f *sheetFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.maps, "map", nil, "a sheet's own header for a field, 'COLUMN=FIELD'; repeatable")
	flags.StringVar(&f.unknown, "unknown-columns", "error", "a column that is neither a field nor mapped: error, attribute or ignore")
	flags.StringArrayVar(&f.dates, "date", nil, "rewrite an attribute's dates, 'FIELD=IN:OUT', e.g. attributes.end_date=yyyy-mm-dd:mm/dd/yyyy; repeatable")
	flags.StringVar(&f.rules.ClearMarker, "clear-marker", change.DefaultClearMarker, "a cell that empties an attribute")
	flags.StringVar(&f.duplicates, "duplicates", "error", "the same id in two rows: error, or in-order to send them one after another")
	flags.BoolVar(&f.rules.RunSessions, "run-sessions", false, "run=true for every row whose run cell is empty")
	flags.BoolVar(&f.rules.AllowUnknownStatus, "allow-unknown-status", false, "send a status that the list does not hold, as typed")
	flags.StringVar(&f.encoding, "encoding", "", "read the sheet in this encoding, e.g. windows-1252 (default: auto, by what the file holds)")
	flags.StringVar(&f.delimiter, "delimiter", "", "what divides the cells, one character or tab (default: auto, by the header)")
	flags.BoolVar(&f.rules.Strict, "strict", false, "warnings are errors")
}

// detected is the word for what happens without --encoding and --delimiter.
const detected = "auto"

// sheet is the sheet of an input, to be read as the flags say.
func (f *sheetFlags) sheet(in *input) (job.Sheet, error) {
	s := job.Sheet{Name: in.name, Path: in.path, Unnamed: in.stdin, Rules: f.rules, Options: sheet.Options{Fields: change.SheetFields()}}
	if !strings.EqualFold(f.encoding, detected) {
		s.Options.Encoding = f.encoding
	}
	delimiter, size := utf8.DecodeRuneInString(f.delimiter)
	switch {
	case f.delimiter == "" || strings.EqualFold(f.delimiter, detected):
	case strings.EqualFold(f.delimiter, "tab") || f.delimiter == `\t`:
		s.Options.Delimiter = '\t'
	case size == len(f.delimiter):
		s.Options.Delimiter = delimiter
	default:
		return s, usage("--delimiter %q: use one character, or the word tab", f.delimiter)
	}
	policy := slices.Index([]string{
		sheet.UnknownError: "error", sheet.UnknownAttribute: "attribute", sheet.UnknownIgnore: "ignore",
	}, f.unknown)
	if policy < 0 {
		return s, usage("--unknown-columns %q: use error, attribute or ignore", f.unknown)
	}
	s.Options.Unknown = sheet.UnknownColumns(policy)
	for _, m := range f.maps {
		mapping, err := s.Options.Fields.ParseMapping(m)
		if err != nil {
			return s, &failure{ExitUsage, err}
		}
		s.Options.Columns = append(s.Options.Columns, mapping)
	}
	return s, f.complete(&s.Rules)
}

// complete adds to the rules what no flag sets by itself.
func (f *sheetFlags) complete(r *change.Rules) error {
	if r.ClearMarker = sheet.Trim(r.ClearMarker); r.ClearMarker == "" {
		return usage("--clear-marker is empty: an empty cell changes nothing, so it cannot empty an attribute too")
	}
	if r.InOrder = f.duplicates == "in-order"; !r.InOrder && f.duplicates != "error" {
		return usage("--duplicates %q: use error or in-order", f.duplicates)
	}
	for _, d := range f.dates {
		rule, err := change.ParseDateRule(d)
		if err != nil {
			return usage("--date %w", err)
		}
		if slices.ContainsFunc(r.Dates, func(other change.DateRule) bool { return sheet.SameUID(other.UID, rule.UID) }) {
			return usage("--date %q: attributes.%s has a rule already", d, rule.UID)
		}
		r.Dates = append(r.Dates, rule)
	}
	return nil
}
