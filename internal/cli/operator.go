package cli

import (
	"os"
	"os/user"
	"strconv"

	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// operator returns who runs this process. A user without a name, as in a
// container, has a number.
func operator() journal.Operator {
	o := journal.Operator{User: "user " + strconv.Itoa(os.Getuid())}
	if u, err := user.Current(); err == nil {
		o.User = text.Line(u.Username, 0)
	}
	if machine, err := os.Hostname(); err == nil {
		o.Machine = text.Line(machine, 0)
	}
	return o
}
