package journal

import "fmt"

// DamageError says that a journal holds a line that was not written so. The
// journal is then refused whole: a guess could send a row twice.
type DamageError struct {
	Path   string
	Line   int // from 1
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s, line %d: %s; put back an undamaged copy of the file, "+
		"or start a new run: what was recorded from this line on cannot be trusted", e.Path, e.Line, e.Reason)
}
