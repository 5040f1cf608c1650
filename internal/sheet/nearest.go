package sheet

import "strings"

// Nearest finds the candidate that the name was probably meant to be: the one
// with the fewest slips of the keyboard between them, spelling conventions
// (case, spaces, '_', '-') aside. It finds none rather than a far-fetched one.
func Nearest(name string, candidates []string) (string, bool) {
	typed := []rune(NormalizeName(name))
	if len(typed) == 0 || len(typed) > 100 {
		return "", false
	}
	best, found := 0, ""
	for _, candidate := range candidates {
		want := []rune(NormalizeName(candidate))
		allowed := max(1, max(len(typed), len(want))/3)
		if more := len(want) - len(typed); more > allowed || -more > allowed {
			continue // each character more is a slip of its own
		}
		if found != "" {
			allowed = min(allowed, best-1)
		}
		if d := distance(typed, want, allowed); d <= allowed && d < len(want) {
			best, found = d, candidate
		}
	}
	return found, found != ""
}

// NearestField finds the field that an unknown header was probably meant to
// be. Unlike Nearest it also knows the usual short and long forms.
func NearestField(name string) (string, bool) {
	name = Trim(name)
	if prefix, uid, dotted := strings.Cut(name, "."); dotted {
		if _, ok := Nearest(prefix, []string{"attributes", "attribute", "attr"}); ok && Trim(uid) != "" {
			return "attributes." + Trim(uid), true
		}
		if _, ok := Nearest(prefix, []string{"result"}); ok {
			return "result." + Trim(uid), true
		}
		return "", false
	}
	if near, ok := Nearest(name, fieldNames()); ok {
		return near, true
	}
	plain := NormalizeName(name)
	if strings.Contains(plain, "session") && strings.HasSuffix(plain, "id") {
		return "id", true
	}
	if len(plain) >= 4 {
		for _, k := range known {
			if strings.HasPrefix(k.plain, plain) {
				return k.name, true
			}
		}
	}
	return "", false
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// that turn a into b (Damerau-Levenshtein, each stretch edited once). It gives
// up with a number above most as soon as there are more than that.
func distance(a, b []rune, most int) int {
	width := len(b) + 1
	room := make([]int, 3*width)
	before, last, row := room[:width], room[width:2*width], room[2*width:]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		// A swap looks one row further back, where it costs one more.
		if least > most+1 {
			return least
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
