package change

import (
	"fmt"
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
const nearestBudget = 1 << 20

// parser returns the parse of a field, for one goroutine.
func (c *choices) parser() func(string, *Rules) (string, *fault) {
	budget := nearestBudget
	return func(cell string, _ *Rules) (string, *fault) {
		text, wrong, ok := c.find(cell)
		if ok {
			return text, nil
		}
		if c.several && strings.Contains(cell, ",") {
			if text, wrong, ok = c.list(cell); ok {
				return text, nil
			}
		}
		message := quote(wrong) + " is not an option of the attribute"
		if wrong != cell {
			message += " (in a list of several)"
		}
		near := -1
		if budget > 0 {
			budget -= len(c.texts)
			near = c.words().Nearest(wrong)
		}
		return "", &fault{sheet.BadOption, message + c.advice(wrong, near)}
	}
}

// find returns the option of which a text is a spelling, or the text.
func (c *choices) find(text string) (option, wrong string, ok bool) {
	switch at, ok := c.folded[sheet.Fold(text)]; {
	case !ok:
	case at >= 0:
		return c.texts[at], "", true
	default:
		if _, ok := c.exact[text]; ok {
			return text, "", true
		}
	}
	return "", text, false
}

// list divides a cell at its commas, where they belong to no option, or returns
// the first part that is none. An option that has commas goes before its parts.
func (c *choices) list(cell string) (text, wrong string, ok bool) {
	parts := strings.Split(cell, ",")
	// ends[i] is how many parts the option takes that begins at part i, if what
	// is behind it can be divided too.
	ends := make([]int, len(parts)+1)
	ends[len(parts)] = 1
	found := make([]string, len(parts))
	for i := len(parts) - 1; i >= 0; i-- {
		for n := min(c.commas+1, len(parts)-i); n > 0 && ends[i] == 0; n-- {
			if ends[i+n] == 0 {
				continue
			}
			typed := sheet.Trim(strings.Join(parts[i:i+n], ","))
			if option, _, ok := c.find(typed); ok || typed == "" {
				found[i], ends[i] = option, n
			}
		}
	}
	if ends[0] == 0 {
		return "", c.firstWrong(parts), false
	}
	var options []string
	for i := 0; i < len(parts); i += ends[i] {
		if found[i] != "" && !slices.Contains(options, found[i]) {
			options = append(options, found[i])
		}
	}
	return strings.Join(options, ","), cell, len(options) > 0
}

// firstWrong returns the first part of a list that begins no option.
func (c *choices) firstWrong(parts []string) string {
	for i := 0; i < len(parts); {
		taken := 0
		for n := min(c.commas+1, len(parts)-i); n > 0 && taken == 0; n-- {
			typed := sheet.Trim(strings.Join(parts[i:i+n], ","))
			if _, _, ok := c.find(typed); ok || typed == "" {
				taken = n
			}
		}
		if taken == 0 {
			return sheet.Trim(parts[i])
		}
		i += taken
	}
	return sheet.Trim(strings.Join(parts, ","))
}

// fewChoices is how many options a message lists.
const fewChoices = 10

// advice is the end of a message about a text that is not an option: the
// nearest one, or -1, and all if they are few.
func (c *choices) advice(wrong string, near int) string {
	if key := sheet.Fold(wrong); c.folded[key] < 0 {
		var same []string
		for _, text := range c.texts {
			if sheet.Fold(text) == key {
				same = append(same, quote(text))
			}
		}
		return "; write it exactly as one of " + strings.Join(same, ", ")
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
	all := make([]string, len(c.texts))
	for i, text := range c.texts {
		all[i] = quote(text)
	}
	if near < 0 {
		return "; use one of " + strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s The options are %s", advice, strings.Join(all, ", "))
}

// sameChoices compares lists of options, whose order says nothing. A tenant may
// show another space after the comma.
func sameChoices(held, sent string) bool {
	return sameText(held, sent) || slices.Equal(set(held), set(sent))
}
