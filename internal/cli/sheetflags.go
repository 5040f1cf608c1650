package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// sheetFlags are those that decide what the sheet's cells mean: of run and
// check alike.
type sheetFlags struct {
	as                             job.Sheet // which sheet completes
	delimiter, unknown, duplicates string
	maps, dates, values, where     []string
	shard                          string // of run alone
	maxAge                         ageValue
	given                          *pflag.FlagSet // those of register
}

func (f *sheetFlags) register(flags *pflag.FlagSet) {
	f.given = flags
	flags.StringArrayVar(&f.maps, "map", nil, "a sheet's own header for a field, 'COLUMN=FIELD', or 'COLUMN=ignore' to leave it out; repeatable")
	flags.StringVar(&f.unknown, "unknown-columns", "error", "a column that is neither a field nor mapped: error, attribute or ignore")
	flags.StringArrayVar(&f.dates, "date", nil, "rewrite an attribute's dates, 'FIELD=IN:OUT', e.g. attributes.end_date=yyyy-mm-dd:mm/dd/yyyy; repeatable")
	flags.StringArrayVar(&f.values, "value", nil, "a sheet's own word for a value, 'FIELD:CELL=VALUE', e.g. status:Abgelehnt=rejected; repeatable")
	flags.StringArrayVar(&f.where, "where", nil, "only the rows whose cell is that, 'COLUMN=VALUE'; the others are not of the run; repeatable")
	flags.StringVar(&f.as.Attributes, "attributes", job.AttributesAuto, "check the sheet against the tenant's attributes: auto (where there is a tenant), off, or a file that nermbulk attributes -o wrote")
	flags.StringVar(&f.as.Rules.ClearMarker, "clear-marker", change.DefaultClearMarker, "a cell that empties an attribute")
	flags.StringVar(&f.duplicates, "duplicates", "error", "the same id in two rows: error, or in-order to send them one after another")
	flags.BoolVar(&f.as.Rules.RunSessions, "run-sessions", false, "run=true for every row whose run cell is empty")
	flags.BoolVar(&f.as.Rules.AllowUnknownStatus, "allow-unknown-status", false, "send a status that the list does not hold, as typed")
	flags.BoolVar(&f.as.Rules.AllowReformatted, "allow-reformatted", false, "send cells that a spreadsheet program changed by itself as they stand now")
	flags.StringVar(&f.as.Options.Encoding, "encoding", "", "read the sheet in this encoding, e.g. windows-1252 (default: auto, by what the file holds)")
	flags.StringVar(&f.delimiter, "delimiter", "", "what divides the cells, one character or tab (default: auto, by the header)")
	flags.StringVar(&f.as.Options.Worksheet, "worksheet", "", "which worksheet of a workbook (default: the only visible one with data)")
	flags.StringVar((*string)(&f.as.Options.HiddenRows), "hidden-rows", "", "rows that are hidden or filtered out in a workbook: send or skip (default: they are a problem)")
	flags.Var(&f.maxAge, "max-sheet-age", "refuse a sheet whose file was last changed longer ago than this, e.g. 20h or 1d")
	flags.BoolVar(&f.as.Rules.Strict, "strict", false, "warnings are errors")
}

// ageValue is a flag that holds a length of time, which may begin with days.
type ageValue time.Duration

// String implements pflag.Value; no time is no text.
func (a *ageValue) String() string {
	if *a == 0 {
		return ""
	}
	return time.Duration(*a).String()
}

// Set implements pflag.Value.
func (a *ageValue) Set(text string) error {
	age, err := parseAge(text)
	*a = ageValue(age)
	return err
}

// Type implements pflag.Value.
func (a *ageValue) Type() string { return "duration" }

// detected is the word for what happens without --encoding and --delimiter.
const detected = "auto"

// withSheet calls do with the sheet at path, which is read as the flags say.
// Standard input is kept in a file meanwhile, since a sheet is read more than
// once.
func (f *sheetFlags) withSheet(ctx context.Context, s Streams, path string, do func(job.Sheet) error) (err error) {
	sh, err := f.sheet()
	if err != nil {
		return err
	}
	sh.Name, sh.Path = path, path
	if f.maxAge > 0 {
		sh.NotBefore = s.Now().Add(-time.Duration(f.maxAge))
	}
	if path == "-" {
		sh.Name, sh.Path = stdinName, ""
		if sh.File, err = keepInput(ctx, s.In); err != nil {
			return err
		}
		defer func() { err = cmp.Or(err, sh.File.Close()) }()
	}
	return do(sh)
}

// stdinName is what a sheet from standard input is called.
const stdinName = "stdin"

// sheet is how the flags have a sheet read.
func (f *sheetFlags) sheet() (job.Sheet, error) {
	s := f.as
	s.Options.Fields, s.AsOf = change.SheetFields(), sheetOfRun
	if hidden := s.Options.HiddenRows; hidden != sheet.HiddenRefused {
		if err := oneOf("hidden-rows", string(hidden), string(sheet.HiddenSent), string(sheet.HiddenSkipped)); err != nil {
			return s, err
		}
	}
	if strings.EqualFold(s.Options.Encoding, detected) {
		s.Options.Encoding = ""
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
	policies := []string{sheet.UnknownError: "error", sheet.UnknownAttribute: "attribute", sheet.UnknownIgnore: "ignore"}
	if err := oneOf("unknown-columns", f.unknown, policies...); err != nil {
		return s, err
	}
	s.Options.Unknown = sheet.UnknownColumns(slices.Index(policies, f.unknown))
	for _, m := range f.maps {
		mapping, err := s.Options.Fields.ParseMapping(m)
		if err != nil {
			return s, &failure{ExitUsage, err}
		}
		mapping.Optional = f.optional("map")
		s.Options.Columns = append(s.Options.Columns, mapping)
	}
	for _, w := range f.where {
		s.Options.Where = append(s.Options.Where, sheet.Condition{Text: w, Optional: f.optional("where")})
	}
	var ok bool
	if s.Options.Part, ok = sheet.ParsePart(f.shard); !ok {
		return s, usage("--shard %q: use I/N, such as 2/4 for the second of four parts, or auto/N where a cluster numbers its jobs", f.shard)
	}
	return s, f.complete(&s.Rules)
}

// optional reports whether a flag holds for the sheets alone that have such a
// column: nobody typed it for this one.
func (f *sheetFlags) optional(flag string) bool { return !isTyped(f.given.Lookup(flag)) }

// complete adds to the rules what no flag sets by itself.
func (f *sheetFlags) complete(r *change.Rules) error {
	if r.ClearMarker = sheet.Trim(r.ClearMarker); r.ClearMarker == "" {
		return usage("--clear-marker is empty: an empty cell changes nothing, so it cannot empty an attribute too")
	}
	r.InOrder = f.duplicates == "in-order"
	if err := oneOf("duplicates", f.duplicates, "error", "in-order"); err != nil {
		return err
	}
	for _, d := range f.dates {
		rule, err := change.ParseDateRule(d)
		if err != nil {
			return usage("--date %w", err)
		}
		if slices.ContainsFunc(r.Dates, func(other change.DateRule) bool { return sheet.SameUID(other.UID, rule.UID) }) {
			return usage("--date %q: attributes.%s has a rule already", d, rule.UID)
		}
		rule.Optional = f.optional("date")
		r.Dates = append(r.Dates, rule)
	}
	for _, v := range f.values {
		rule, err := change.ParseValueRule(v)
		if err == nil {
			rule.Optional = f.optional("value")
			err = r.AddValue(rule)
		}
		if err != nil {
			return usage("--value %s: %w", text.ShellQuote(text.Line(v, 0)), err)
		}
	}
	return nil
}

const (
	shardFlag = "shard"
	autoShard = "auto/"
)

// jobNumbers are the variables in which a cluster numbers the jobs of an array,
// and those that hold the number of the first job; without one, that is 0.
var jobNumbers = []struct{ variable, first string }{
	{variable: "JOB_COMPLETION_INDEX"},      // Kubernetes
	{variable: "AWS_BATCH_JOB_ARRAY_INDEX"}, // AWS Batch
	{variable: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN"},
}

// findShard replaces auto in --shard by the number of this job, so that what is
// kept and printed holds elsewhere too.
func (r *runner) findShard() error {
	all, auto := strings.CutPrefix(r.shard, autoShard)
	if !auto {
		return nil
	}
	parts, err := strconv.ParseUint(all, 10, 31)
	if err != nil || parts == 0 {
		return usage("--shard %q: use auto/N with a number of parts, such as auto/4", r.shard)
	}
	number, from, err := numberOfJob(r.Env)
	switch {
	case err != nil:
		return usage("--shard %s: %w", r.shard, err)
	case number > parts:
		return usage("--shard %s: this is job %d by %s, and there are only %d parts: the array must have as many jobs as there are parts", r.shard, number, from, parts)
	}
	// Not as if it were typed.
	return r.flags.Lookup(shardFlag).Value.Set(strconv.FormatUint(number, 10) + "/" + all)
}

// numberOfJob returns the number of this job of an array, from 1 on, and the
// variable that says so.
func numberOfJob(env func(string) string) (number uint64, from string, err error) {
	for _, job := range jobNumbers {
		if env(job.variable) == "" {
			continue
		}
		n, err := wholeNumber(env, job.variable)
		first := uint64(0)
		if job.first != "" && err == nil {
			first, err = wholeNumber(env, job.first)
		}
		switch {
		case err != nil:
			return 0, "", err
		case n < first:
			return 0, "", usage("%s=%d is below %s=%d", job.variable, n, job.first, first)
		case from != "" && number != n-first+1:
			return 0, "", usage("this is job %d by %s and job %d by %s: unset the one that is not meant", number, from, n-first+1, job.variable)
		}
		number, from = n-first+1, job.variable
	}
	if from == "" {
		return 0, "", usage("nothing says which job of an array this is: JOB_COMPLETION_INDEX (Kubernetes), AWS_BATCH_JOB_ARRAY_INDEX (AWS Batch) and SLURM_ARRAY_TASK_ID (Slurm) are not set; use --shard I/N")
	}
	return number, from, nil
}

// wholeNumber reads a variable, which must be set.
func wholeNumber(env func(string) string, variable string) (uint64, error) {
	n, err := strconv.ParseUint(env(variable), 10, 31)
	if err != nil {
		return 0, usage("%s=%s is not a whole number from 0 on", variable, text.ShellQuote(text.Line(env(variable), 0)))
	}
	return n, nil
}
