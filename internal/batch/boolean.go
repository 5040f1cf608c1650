package batch

import "strings"

// booleans are the words for true and false: in English, and as Excel writes
// them into a CSV in German, French, Spanish and Italian.
var booleans = map[string]bool{
	"true": true, "yes": true, "1": true,
	"false": false, "no": false, "0": false,
	"wahr": true, "falsch": false,
	"vrai": true, "faux": false,
	"verdadero": true, "vero": true, "falso": false,
}

// parseBoolean reads the cell of a run column, without regard to case.
func parseBoolean(s string) (value, ok bool) {
	if len(s) > len("verdadero") {
		return false, false
	}
	value, ok = booleans[strings.ToLower(s)]
	return value, ok
}
