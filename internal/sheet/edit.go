package sheet

// Edit gives one cell another text. An edit in the header's row renames a
// column.
type Edit struct {
	Row    int    // as Excel shows it
	Column int    // from 0
	Text   string // as it is to be read again: without quotes or a formula escape
}
