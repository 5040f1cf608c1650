package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Where a sheet's attributes are known from, unless it is a file that
// `nermbulk attributes` wrote.
const (
	AttributesAuto = "auto" // the run that goes on, or else the tenant, if there is one
	AttributesOff  = "off"
)

// attributesFile is what a run directory keeps of the tenant's attributes: a
// resume checks the sheet by the same ones.
const attributesFile = "attributes.json"

// learnAttributes finds out what is known of the tenant's attributes, and reads
// the sheet's header by it. Where the tenant does not give them, that is
// reported once, and the sheet is not checked against them.
func (j *job) learnAttributes(ctx context.Context) (err error) {
	if j.attributes, err = j.findAttributes(ctx); err != nil {
		return err
	}
	if err := j.resolve(ctx); err != nil {
		return err
	}
	if err := j.readOptions(ctx); err != nil {
		return err
	}
	if j.denied != "" && (j.offline() || len(j.sheet.Problems()) > 0) {
		return j.deniedError()
	}
	if j.earlier != nil {
		last := j.earlier.Last
		j.same = last.SHA256 == j.hash && last.FileSHA256 == j.sheet.CopySHA256() && last.Rules == j.rules()
	}
	return nil
}

// findAttributes returns the attributes without the options that are still to be
// read; nil where nothing is known.
func (j *job) findAttributes(ctx context.Context) (*api.AttributesFile, error) {
	switch from := j.Sheet.Attributes; from {
	case AttributesOff:
		return nil, nil
	case "", AttributesAuto:
	default:
		return j.givenAttributes(from)
	}
	if j.dir != nil {
		switch kept, err := keptAttributes(j.dir.Dir()); {
		case kept != nil:
			return kept, nil
		case err != nil:
			j.Observer.Event(Warning{fmt.Sprintf("the attributes that the run keeps are passed over: %s", err)})
		}
	}
	switch {
	case !j.mayHaveAttributes():
	case j.hasSentWithout():
		j.Observer.Event(Note{"the sheet is not checked against the tenant's attributes: the run began without them, and what it sent would be sent again in another spelling; --new begins another run"})
	case j.client != nil:
		return j.askAttributes(ctx)
	case j.Tenant.NoSignIn != nil:
		j.Observer.Event(Note{fmt.Sprintf("the sheet is not checked against the tenant's attributes: %s", j.Tenant.NoSignIn)})
	}
	return nil, nil
}

// givenAttributes returns those of a file that the user names.
func (j *job) givenAttributes(path string) (*api.AttributesFile, error) {
	f, err := ReadAttributesFile(path)
	switch {
	case err != nil:
		return nil, err
	case f.Incomplete:
		j.Observer.Event(Warning{fmt.Sprintf("the sheet is not checked against the tenant's attributes: %s holds only some of them, since the tenant gave no more", path)})
		return nil, nil
	case f.Host != "" && j.Tenant.Host != "" && f.Host != j.Tenant.Host && !j.Tenant.Sandbox:
		j.Observer.Event(Warning{fmt.Sprintf("%s holds the attributes of %s, not of %s", path, text.Line(f.Host, 0), j.Tenant.Host)})
	}
	for i := range f.Attributes { // what the file does not have, a resume does not look for
		noOptions(&f.Attributes[i])
	}
	return f, nil
}

// hasSentWithout reports whether the run that goes on has sent a row, or may
// have, without knowing what its columns' attributes are.
func (j *job) hasSentWithout() bool {
	if j.earlier == nil || !strings.HasSuffix(j.earlier.Last.Rules, withoutAttributes) {
		return false
	}
	for range j.earlier.Known() {
		return true
	}
	return false
}

// mayHaveAttributes reports whether any column is an attribute's, or could be by
// its label.
func (j *job) mayHaveAttributes() bool {
	return slices.ContainsFunc(j.sheet.Columns(), func(c sheet.Column) bool {
		return c.Field == sheet.Attribute || c.Field == sheet.Ignored && sheet.Trim(c.Name) != ""
	})
}

// ReadAttributesFile reads a file that `nermbulk attributes` wrote, or a run.
func ReadAttributesFile(path string) (*api.AttributesFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, invalid("the tenant's attributes cannot be read: %w", err)
	}
	f, err := api.ParseAttributesFile(content)
	if err != nil {
		return nil, invalid("%s is no file of a tenant's attributes, as `nermbulk attributes -o FILE.json` writes it: %w", path, err)
	}
	return &f, nil
}

// keptAttributes returns those that the run in dir was checked by; nil where it keeps
// none.
func keptAttributes(dir string) (*api.AttributesFile, error) {
	kept, err := ReadAttributesFile(filepath.Join(dir, attributesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return kept, err
}

// useKept has a sheet read by the attributes that a run directory keeps, if it
// keeps any.
func (s *Sheet) useKept(dir string) error {
	kept, err := keptAttributes(dir)
	if kept != nil {
		s.Rules.Attributes = change.NewAttributes(kept.Attributes)
	}
	return err
}

func (j *job) askAttributes(ctx context.Context) (_ *api.AttributesFile, err error) {
	defer j.watchAsking(ctx)(&err)
	list, err := j.client.Attributes(ctx)
	if err != nil {
		return nil, j.goWithout(ctx, "the sheet is not checked against the tenant's attributes", err)
	}
	return &api.AttributesFile{Host: j.Tenant.Host, ReadAt: j.Now().UTC().Truncate(time.Second), Attributes: list}, nil
}

// resolve reads the header by what is known of the attributes.
func (j *job) resolve(ctx context.Context) error {
	if j.Sheet.Rules.Attributes = nil; j.attributes != nil {
		j.Sheet.Rules.Attributes = change.NewAttributes(j.attributes.Attributes)
	}
	rules := &j.Sheet.Rules
	if err := j.sheet.Resolve(ctx, rules.Attributes.SheetFields()); err != nil {
		return &Error{Kind: Invalid, Err: err}
	}
	j.keepFitting()
	if len(j.sheet.Problems()) > 0 {
		return nil
	}
	if err := rules.Missing(j.sheet.Columns()); err != nil {
		return &Error{Kind: Invalid, Err: err}
	}
	return nil
}

// readOptions reads the options of those attributes of the sheet of which they
// are not known. What a file does not have is not looked for elsewhere.
func (j *job) readOptions(ctx context.Context) (err error) {
	if j.client == nil || j.denied != "" || !j.Sheet.asksTenant() {
		return nil
	}
	defer j.watchAsking(ctx)(&err)
	wanted, read := j.Sheet.Rules.Attributes.WithOptions(j.sheet.Columns()), false
	for i, a := range wanted {
		if a.Options != nil {
			continue
		}
		options, err := j.client.AttributeOptions(ctx, a.ID)
		if err == nil {
			a.Options, read = options, true
			continue
		}
		if err := j.goWithout(ctx, fmt.Sprintf("cells of %s are not checked against the tenant's options", text.Line(a.UID, 60)), err); err != nil {
			return err
		}
		if j.denied != "" {
			break
		}
		// The tenant is waited for once, and a resume knows no more than the run:
		// what was sent would be sent again in another spelling.
		unread := wanted[i:]
		if _, incomplete := errors.AsType[*api.IncompleteError](err); incomplete {
			unread = unread[:1]
		}
		for _, a := range unread {
			noOptions(a)
		}
	}
	if read {
		j.Sheet.Rules.Attributes = change.NewAttributes(j.attributes.Attributes)
	}
	return nil
}

// noOptions notes that the options of an attribute are not known and are not to be
// read.
func noOptions(a *api.Attribute) {
	if a.HasOptions() && a.Options == nil {
		a.Options = []string{}
	}
}

// asksTenant reports whether the tenant is asked for its attributes, if there is
// one.
func (s *Sheet) asksTenant() bool { return s.Attributes == "" || s.Attributes == AttributesAuto }

// goWithout reports that a list could not be read, and what is not checked for
// it. Where the tenant does not accept the sign-in, no row will be sent either.
// The error is that of an interrupt.
func (j *job) goWithout(ctx context.Context, unchecked string, err error) error {
	reason := err.Error()
	list, unread := errors.AsType[*api.ListError](err)
	if unread {
		reason = list.Answer.Message
		if status := fmt.Sprintf("HTTP %d", list.Answer.Status); list.Answer.Status > 0 && !strings.Contains(reason, status) {
			reason = status + ": " + reason
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case unread && list.Answer.Verdict == api.Denied && list.Answer.Status != http.StatusForbidden:
		j.denied = reason
		return nil
	}
	j.Observer.Event(Warning{unchecked + ": " + reason})
	j.client.StartOver()
	return nil
}

// deniedError is the error of a job that has nothing to send its rows for.
func (j *job) deniedError() error {
	if j.denied == "" {
		return nil
	}
	return &Error{NoAnswer, fmt.Errorf("the tenant's attributes cannot be read: %s", j.denied)}
}

// slowAfter is how long something is read before that is reported.
const slowAfter = 3 * time.Second

// watchAsking reports that the tenant is slow, or cannot be reached, until the
// function that it returns is called: see startClock.
func (j *job) watchAsking(ctx context.Context) (stop func(*error)) {
	begun := time.Now()
	return j.startClock(ctx, func(last bool) {
		if last {
			return
		}
		if !j.offline() {
			j.noteOutage()
		}
		if !j.slow && time.Since(begun) > slowAfter {
			j.slow = true
			j.Observer.Event(Note{"reading the attributes of " + j.Tenant.Host})
		}
	})
}

// keepAttributes keeps in the run directory what the sheet was checked by.
func (j *job) keepAttributes() error {
	path := filepath.Join(j.dir.Dir(), attributesFile)
	if j.attributes == nil {
		return removeFile(path)
	}
	return journal.Replace(path, j.attributes.Write)
}

// withoutAttributes is in the rules of a run that did not know the attributes of
// its columns.
const withoutAttributes = " attributes=none"

// rules returns all that decides what rows mean: a resume under others has
// another sheet before it.
func (j *job) rules() string {
	rules := rulesOf(j.Settings)
	switch {
	case j.attributes != nil:
	case j.mayHaveAttributes():
		return rules + withoutAttributes
	default:
		return rules
	}
	sum := sha256.New()
	_ = json.NewEncoder(sum).Encode(j.attributes.Attributes) // a hash takes everything
	return rules + " attributes=" + hex.EncodeToString(sum.Sum(nil)[:8])
}
