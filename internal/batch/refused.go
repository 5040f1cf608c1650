package batch

import (
	"strings"

	"nermbulk/internal/sheet"
)

// Refused reports whether a check would find a cell of a field wrong, under
// the rules that hold without flags. A status may be any text: there is a flag
// for those that the list does not hold.
func Refused(f sheet.Field, cell string) bool {
	cell = sheet.Trim(cell)
	switch {
	case cell == "":
		return false
	case isSpreadsheetError(cell), strings.EqualFold(cell, DefaultClearMarker), strings.ContainsRune(cell, 0):
		return true
	}
	switch f {
	case sheet.RequesterType:
		_, ok := parseRequesterType(cell)
		return !ok
	case sheet.WorkflowID, sheet.RequesterID, sheet.ProfileID:
		_, ok := parseUUID(cell)
		return !ok
	case sheet.ProfileIDs:
		for part := range strings.FieldsFuncSeq(cell, isProfileSeparator) {
			if part = sheet.Trim(part); part != "" {
				if _, ok := parseUUID(part); !ok {
					return true
				}
			}
		}
	}
	return false
}
