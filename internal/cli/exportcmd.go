package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/sheet"
)

// exportFlags are the flags of export.
type exportFlags struct {
	tenantFlags
	paceFlags
	logFlags
	status, workflowID, requesterID, profileID, output string
}

func newExportCommand(s Streams) *cobra.Command {
	f := &exportFlags{}
	c := &cobra.Command{
		Use:   "export -o FILE",
		Short: "Write the tenant's sessions as a sheet that run accepts",
		Long: `Export reads the tenant's list of sessions and writes it as a sheet that run accepts:
edit cells, remove the rows that are not to change, and send it back. A cell that is
left as it is sends the value that the session has already; with --compare such rows
are not sent at all. What a run would refuse or take for something else is left
empty, and told.

FILE is replaced once the whole list has been read, never half; - is standard output.`,
		Example: `  nermbulk export --tenant acme --status pending_approval -o pending.csv
  nermbulk run pending.csv --tenant acme --compare`,
		Args: exactly(0, "no arguments"),
	}
	setFlags(c,
		group("Which sessions (all of them must hold)", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.status, "status", "", "those of this status")
			flags.StringVar(&f.workflowID, "workflow-id", "", "those of this workflow")
			flags.StringVar(&f.requesterID, "requester-id", "", "those of this requester")
			flags.StringVar(&f.profileID, "profile-id", "", "those of this profile")
		}),
		group("The tenant", f.tenantFlags.register),
		group("How fast", func(flags *pflag.FlagSet) { f.paceFlags.register(flags, "page") }),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVarP(&f.output, "output", "o", "", "the sheet to write; - for standard output")
			f.logFlags.register(flags)
		}),
	)
	c.RunE = func(c *cobra.Command, _ []string) error {
		e := &exporter{Streams: s, exportFlags: f, flags: c.Flags()}
		return e.run()
	}
	return c
}

func (f *exportFlags) validate() error {
	if f.output == "" {
		return usage("no file is named: use -o FILE, or -o - for standard output")
	}
	return firstOf(f.tenantFlags.validate(), f.paceFlags.validate(), f.logFlags.validate())
}

var uuidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// query makes the filters from the flags. A status that is misspelt would
// only find nothing.
func (f *exportFlags) query() (api.Query, error) {
	var q api.Query
	if f.status != "" {
		known, ok := batch.KnownStatus(f.status)
		if !ok {
			hint := "; `nermbulk help sheet` lists them"
			if near, ok := sheet.Nearest(f.status, batch.Statuses()); ok {
				hint = "; did you mean " + near + "?"
			}
			return q, usage("--status %q is not a status%s", f.status, hint)
		}
		q.Status = known
	}
	for _, id := range []struct {
		flag, value string
		to          *string
	}{
		{"workflow-id", f.workflowID, &q.WorkflowID},
		{"requester-id", f.requesterID, &q.RequesterID},
		{"profile-id", f.profileID, &q.ProfileID},
	} {
		value := sheet.Trim(id.value)
		if value != "" && !uuidForm.MatchString(value) {
			return q, usage("--%s %q is not a UUID; one looks like 33f072dd-13b4-41e1-8ea0-16f2a59b57c8", id.flag, id.value)
		}
		*id.to = strings.ToLower(value)
	}
	return q, nil
}
