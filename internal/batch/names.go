package batch

import (
	"slices"
	"strings"
)

// proofOf judges a difference of two attribute values. Profile, owner and
// contributor attributes are written as ids or names and read back as names, a
// user's with the mail address in brackets, so that a name in the place of an
// id proves nothing.
func proofOf(sent, held string) proof {
	if sent == "" || held == "" {
		return certain
	}
	sentNames, heldNames := plainNames(sent), plainNames(held)
	if slices.Equal(sentNames, heldNames) {
		return shownAsName // the mail address is all that differs
	}
	sentIDs, sentOthers := onlyIn(sentNames, heldNames)
	heldIDs, heldOthers := onlyIn(heldNames, sentNames)
	switch {
	case sentIDs > 0 && sentOthers == 0 && heldIDs == 0 && heldOthers > 0:
		return shownAsName
	case sentIDs > 0 && heldOthers > 0, sentOthers > 0 && heldIDs > 0:
		return unproven
	}
	return certain
}

// onlyIn counts the values of a list that the other one has not: ids, and
// whatever else.
func onlyIn(list, other []string) (ids, others int) {
	for _, value := range list {
		if slices.Contains(other, value) {
			continue
		}
		if _, ok := parseUUID(value); ok {
			ids++
		} else {
			others++
		}
	}
	return ids, others
}

// plainNames takes a list of names or ids apart. Ids are in lower case, and
// " (user@example.com)" is cut off a name.
func plainNames(s string) []string {
	names := list(s)
	for i, name := range names {
		if _, ok := parseUUID(name); ok {
			names[i] = lowerUUID(name)
			continue
		}
		if at := strings.LastIndex(name, " ("); at > 0 && strings.HasSuffix(name, ")") && strings.Contains(name[at:], "@") {
			names[i] = name[:at]
		}
	}
	return names
}
