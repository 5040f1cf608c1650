package job

import "nermbulk/internal/sheet"

// Edit gives one cell of a sheet another text; one of the header's row renames
// its column.
type Edit = sheet.Edit
