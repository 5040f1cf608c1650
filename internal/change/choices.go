package change

import (
	"slices"
	"strings"
	"sync"

	"nermbulk/internal/sheet"
)

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
func (c *choices) parser() func(string, *Rules) (string, *fault) {
	budget := nearestBudget
	return func(cell string, _ *Rules) (string, *fault) {
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
	switch at, ok := c.folded[sheet.Fold(text)]; {
	case !ok:
	case at >= 0:
		return c.texts[at], true
	default:
		if _, ok := c.exact[text]; ok {
			return text, true
		}
	}
	return "", false
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
func (c *choices) fault(parts []string, at, near int) *fault {
	wrong := sheet.Trim(parts[at])
	message := quote(wrong) + " is not an option of the attribute"
	if len(parts) > 1 {
		message += " (in a list of several)"
	}
	found := &fault{kind: sheet.BadOption, message: message + c.advice(wrong, near)}
	if near >= 0 {
		found.suggested = c.texts[near]
		if len(parts) > 1 {
			corrected := slices.Clone(parts)
			corrected[at] = found.suggested
			options, _ := c.list(corrected)
			found.suggested = strings.Join(options, ",")
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
