package change

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Attributes is what is known of a tenant's attributes. It does not change
// while it is used, so that many may use it at once. A nil *Attributes knows
// nothing and checks nothing.
type Attributes struct {
	list    []api.Attribute
	labels  *sheet.Labels
	byUID   map[string]*api.Attribute
	choices map[string]*choices // by uid, of those that have options
}

// NewAttributes indexes a tenant's attributes, which it keeps.
func NewAttributes(list []api.Attribute) *Attributes {
	a := &Attributes{list: list, byUID: make(map[string]*api.Attribute, len(list)), choices: map[string]*choices{}}
	names := make([]sheet.Label, len(list))
	for i := range list {
		one := &list[i]
		names[i] = sheet.Label{UID: one.UID, Label: one.Label, Archived: one.Archived, Attachment: kindOf(one) == "attachment"}
		if a.byUID[one.UID] != nil {
			continue
		}
		a.byUID[one.UID] = one
		if one.HasOptions() && len(one.Options) > 0 {
			a.choices[one.UID] = newChoices(one.Options, one.Multiple || kindOf(one) == "checkboxes")
		}
	}
	a.labels = sheet.NewLabels(names)
	return a
}

// kindOf returns an attribute's type as one word: dropdown, profilesearch.
func kindOf(a *api.Attribute) string {
	return strings.TrimSuffix(sheet.NormalizeName(cmp.Or(a.DataType, a.Type)), "attribute")
}

// isPeople reports whether an attribute's values are profiles or users.
func isPeople(kind string) bool {
	role, isSelect := strings.CutSuffix(kind, "select")
	role, isSearch := strings.CutSuffix(role, "search")
	return (isSelect || isSearch) && (role == "profile" || role == "owner" || role == "contributor")
}

// SheetFields returns the names for the reading of a sheet's header: the
// table's, and those of the attributes.
func (a *Attributes) SheetFields() sheet.Fields {
	names := SheetFields()
	if a != nil {
		names.Labels = a.labels
	}
	return names
}

// WithOptions returns the attributes whose options a sheet needs, to be completed:
// NewAttributes is to follow.
func (a *Attributes) WithOptions(columns []sheet.Column) (wanted []*api.Attribute) {
	if a == nil {
		return nil
	}
	for _, c := range columns {
		if found := a.byUID[c.UID]; c.Field == sheet.Attribute && found != nil && found.HasOptions() && found.ID != "" {
			wanted = append(wanted, found)
		}
	}
	return wanted
}

// field returns the field of one attribute: more than text only where it is
// known what its cells may hold.
func (a *Attributes) field(uid string) *Field {
	if a == nil || a.byUID[uid] == nil {
		return &attribute
	}
	f, one := attribute, a.byUID[uid]
	kind := kindOf(one)
	form := findDateForm(one.DateFormat)
	switch choices := a.choices[uid]; {
	case choices != nil:
		f.parse, f.words = choices.parser(), true
		if choices.several {
			f.same = sameChoices
		}
	case kind == "date" && form != nil:
		f.parse, f.dated = form.parser(uid), true
	case isPeople(kind) && !one.Multiple:
		f.one = true
		return &f
	default:
		return &attribute
	}
	f.fix = func(cell string) string {
		text, wrong := f.parse(cell, nil)
		if wrong != nil || sameText(cell, text) {
			return cell
		}
		return text
	}
	return &f
}

// field returns the field of a column; nil where the table has none.
func (r *Rules) field(c sheet.Column) *Field {
	if c.Field != sheet.Attribute {
		return fieldOf(c.Field)
	}
	if d := r.dateRule(c); d != nil {
		f := attribute
		f.parse, f.dated = d.parse, true
		return &f
	}
	return r.Attributes.field(c.UID)
}

// TemplateColumns returns the columns of a workbook to fill in: one for each
// field that is sent, and one for each of the attributes.
func (a *Attributes) TemplateColumns(uids []string) ([]sheet.TemplateColumn, error) {
	var columns []sheet.TemplateColumn
	for _, f := range fields {
		if f.Help != "" {
			columns = append(columns, sheet.TemplateColumn{Header: f.Name, Note: f.Help, Rule: sheet.Rule{
				Choices: f.Choices, Help: "Choose one of the list, or leave the cell empty to change nothing.",
			}})
		}
	}
	seen := map[string]bool{}
	for _, uid := range uids {
		if seen[uid] {
			return nil, fmt.Errorf("%s is named twice", text.Line(uid, 0))
		}
		seen[uid] = true
		column, err := a.templateColumn(uid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quote(uid), err)
		}
		columns = append(columns, column)
	}
	return columns, nil
}

// Fillable returns the uids of what a sheet can set, which is not archived.
func (a *Attributes) Fillable() (uids []string) {
	if a == nil {
		return nil
	}
	for i := range a.list {
		one := &a.list[i]
		if !one.Archived && kindOf(one) != "attachment" && a.byUID[one.UID] == one {
			uids = append(uids, one.UID)
		}
	}
	return uids
}

// templateColumn is that of one attribute. Its rule only warns: the marker that
// empties the attribute is of no list, and no date.
func (a *Attributes) templateColumn(uid string) (c sheet.TemplateColumn, err error) {
	c.Header = Label(sheet.Attribute, uid)
	if field, read, ok := SheetFields().Parse(c.Header); !ok || field != sheet.Attribute || read != uid {
		return c, errors.New("no column can have that name; use the attribute's UID, such as end_date")
	}
	note := "text"
	if a != nil {
		one := a.byUID[uid]
		switch {
		case one == nil:
			return c, a.missing(uid)
		case kindOf(one) == "attachment":
			return c, errors.New("it is an attachment, which no sheet can set")
		}
		c.Header = a.header(one)
		c.Rule, note = a.cells(one)
	}
	c.Note = note + "; " + DefaultClearMarker + " empties the attribute"
	return c, nil
}

func (a *Attributes) missing(uid string) error {
	if near, ok := a.labels.Nearest(uid); ok {
		return fmt.Errorf("the tenant has no such attribute; did you mean %s?", near)
	}
	return errors.New("the tenant has no such attribute; `nermbulk attributes` lists those that it has")
}

// header is an attribute's label with its uid, or its uid alone where that would
// not be read as the attribute.
func (a *Attributes) header(one *api.Attribute) string {
	header := one.Label + " (" + one.UID + ")"
	if field, uid, _ := a.SheetFields().Parse(header); field == sheet.Attribute && uid == one.UID {
		return header
	}
	return Label(sheet.Attribute, one.UID)
}

// cells returns what the attribute's cells may hold, and how that is said above
// them.
func (a *Attributes) cells(one *api.Attribute) (rule sheet.Rule, note string) {
	const help, empties = "This is none of the list. ", DefaultClearMarker + " empties the attribute."
	switch choices := a.choices[one.UID]; {
	case choices != nil && choices.several:
		return sheet.Rule{Choices: choices.texts, Loose: true, Help: help + "Several are separated by commas; " + empties}, "one or more of the list, separated by commas"
	case choices != nil:
		return sheet.Rule{Choices: choices.texts, Loose: true, Help: help + empties}, "one of the list"
	case a.field(one.UID).dated:
		return sheet.Rule{Dates: true, Loose: true, Help: "This is not a date. " + empties}, "a date, sent as " + one.DateFormat
	case isPeople(kindOf(one)):
		return rule, one.DataType + ": ids or names"
	}
	return rule, "text"
}

// choices are the options of an attribute, as the tenant spells them.
type choices struct {
	texts   []string
	several bool                // a cell may hold more than one, with commas between
	folded  map[string]int      // by sheet.Fold, what has one spelling; else -1
	exact   map[string]struct{} // only those that are -1 in folded
	commas  int                 // the most that an option has
	words   func() sheet.Words
}

func newChoices(texts []string, several bool) *choices {
	c := &choices{texts: texts, several: several, folded: make(map[string]int, len(texts)), exact: map[string]struct{}{}}
	for i, text := range texts {
		c.commas = max(c.commas, strings.Count(text, ","))
		key := sheet.Fold(text)
		other, twice := c.folded[key]
		switch {
		case !twice:
			c.folded[key] = i
		case other < 0:
			c.exact[text] = struct{}{}
		case texts[other] != text:
			c.exact[text], c.exact[texts[other]] = struct{}{}, struct{}{}
			c.folded[key] = -1
		}
	}
	c.words = sync.OnceValue(func() sheet.Words { return sheet.NewWords(texts) })
	return c
}

// nearestBudget is how many options the wrong cells of one column are held
// against: looking for the nearest of 20,000 takes milliseconds.
const nearestBudget = 1 << 19

// parser returns the parse of a field, for one goroutine.
func (c *choices) parser() func(string, *Rules) (string, *sheet.Problem) {
	budget := nearestBudget
	return func(cell string, _ *Rules) (string, *sheet.Problem) {
		if option, ok := c.find(cell); ok {
			return option, nil
		}
		parts, at := []string{cell}, 0
		if c.several && strings.Contains(cell, ",") {
			parts = strings.Split(cell, ",")
			options, wrong := c.list(parts)
			if len(options) > 0 {
				return strings.Join(options, ","), nil
			}
			if at = wrong; sheet.Trim(parts[at]) == "" { // nothing but commas
				parts, at = []string{cell}, 0
			}
		}
		near := -1
		if budget > 0 {
			budget -= len(c.texts)
			near = c.words().Nearest(parts[at])
		}
		return "", c.fault(parts, at, near)
	}
}

// find returns the option of which a text is a spelling.
func (c *choices) find(text string) (option string, ok bool) {
	if at, ok := c.folded[sheet.Fold(text)]; ok && at >= 0 {
		return c.texts[at], true
	}
	_, ok = c.exact[text]
	return text, ok
}

// list returns the options of a cell that is divided at its commas, each once.
// A comma may be an option's own: one that has commas goes before its parts.
// Without any, wrong is the part up to which all are options.
func (c *choices) list(parts []string) (options []string, wrong int) {
	// taken[i] is how many parts the option has that ends before part i, if what
	// is before it can be divided too; else 0.
	taken, found := make([]int, len(parts)+1), make([]string, len(parts)+1)
	taken[0] = 1
	for i := 1; i <= len(parts); i++ {
		for n := min(c.commas+1, i); n > 0 && taken[i] == 0; n-- {
			if taken[i-n] == 0 {
				continue
			}
			typed := sheet.Trim(strings.Join(parts[i-n:i], ","))
			if option, ok := c.find(typed); ok || typed == "" {
				found[i], taken[i], wrong = option, n, i
			}
		}
	}
	if taken[len(parts)] == 0 {
		return nil, wrong
	}
	for i := len(parts); i > 0; i -= taken[i] {
		if found[i] != "" && !slices.Contains(options, found[i]) {
			options = append(options, found[i])
		}
	}
	slices.Reverse(options)
	return options, 0
}

// fault is that of a cell one part of which is no option, nor is it part of one.
func (c *choices) fault(parts []string, at, near int) *sheet.Problem {
	wrong := sheet.Trim(parts[at])
	message := quote(wrong) + " is not an option of the attribute"
	if len(parts) > 1 {
		message += " (in a list of several)"
	}
	found := &sheet.Problem{Kind: sheet.BadOption, Message: message + c.advice(wrong, near)}
	if near >= 0 {
		found.Suggested = c.texts[near]
		if len(parts) > 1 {
			corrected := slices.Clone(parts)
			corrected[at] = found.Suggested
			options, _ := c.list(corrected)
			found.Suggested = strings.Join(options, ",")
		}
	}
	return found
}

// fewChoices is how many options a message lists.
const fewChoices = 10

// advice is the end of a message about a text that is not an option: the
// nearest one, or -1, and all if they are few.
func (c *choices) advice(wrong string, near int) string {
	if key := sheet.Fold(wrong); c.folded[key] < 0 {
		same := slices.DeleteFunc(slices.Clone(c.texts), func(text string) bool { return sheet.Fold(text) != key })
		return "; write it exactly as one of " + quoteAll(same)
	}
	var advice string
	if near >= 0 {
		advice = "; did you mean " + quote(c.texts[near]) + "?"
	}
	if len(c.texts) > fewChoices {
		if near < 0 {
			advice += "; `nermbulk attributes` lists them"
		}
		return advice
	}
	if near < 0 {
		return "; use one of " + quoteAll(c.texts)
	}
	return advice + " The options are " + quoteAll(c.texts)
}

func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return strings.Join(quoted, ", ")
}

// sameChoices compares lists of options, whose order says nothing. A tenant may
// show another space after the comma.
func sameChoices(held, sent string) bool {
	return sameText(held, sent) || slices.Equal(set(held), set(sent))
}
