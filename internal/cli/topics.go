package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nermbulk/internal/change"
)

// helpTopics are pages of help that belong to no single command.
func helpTopics() []*cobra.Command {
	topic := func(name, short, text string) *cobra.Command {
		return &cobra.Command{Use: name, Short: short, Long: strings.TrimSpace(text)}
	}
	return []*cobra.Command{
		topic("sheet", "Columns and cells of a sheet", fmt.Sprintf(sheetTopic, fieldTable(), inTwoColumns(change.Statuses()))),
		topic("auth", "Tenants, tokens and certificates", authTopic),
		topic("resume", "Runs, resuming and what is guaranteed", resumeTopic),
		topic("exit-codes", "What the exit codes mean", "The exit codes:\n\n"+exitCodeTable()),
	}
}

// fieldTable is what a cell of each field holds, a line each.
func fieldTable() string {
	var b strings.Builder
	for _, f := range change.Fields() {
		if f.Help != "" {
			fmt.Fprintf(&b, "  %-16s %s\n", f.Name, f.Help)
		}
	}
	_, readOnly := fieldNames()
	b.WriteString("  attributes.UID   the text of one attribute; attr.UID is the same\n  " +
		strings.Join(readOnly, ", ") + ", result.*   accepted, never sent\n")
	return b.String()
}

func inTwoColumns(words []string) string {
	var b strings.Builder
	half := (len(words) + 1) / 2
	for i, left := range words[:half] {
		right := strings.Join(words[half:][i:min(i+1, len(words)-half)], "")
		b.WriteString("  " + strings.TrimRight(fmt.Sprintf("%-33s %s", left, right), " ") + "\n")
	}
	return b.String()
}

const sheetTopic = `
Columns are found by name, in any order; case, spaces, _ and - do not matter.

%s
An empty cell changes nothing. <clear> empties an attribute. A row that changes
nothing is a problem, and so is the same id in two rows, unless --duplicates
in-order sends them one after another.

A column of another name is a problem, unless it is mapped (--map 'Contract
End=attributes.end_date') or --unknown-columns says what it is.

The statuses:
%s`

const authTopic = `
The tenant is --tenant NAME (https://NAME.nonemployee.com/api) or --base-url URL;
NERM_TENANT and NERM_BASE_URL are asked otherwise. Only https is accepted, but for
loopback. Redirects are not followed: nothing is sent to another host.

Credentials, the first that is there:
  --token-file FILE      a token in a file
  NERM_TOKEN             a token in the environment
  NERM_CLIENT_ID, NERM_CLIENT_SECRET, NERM_TOKEN_URL
                         OAuth2 client credentials; tokens are renewed by themselves

There is no flag that takes a token: other users of the machine could read it.
--auth-scheme token sends the older 'Authorization: Token token=T'. --ca-file FILE
trusts a private root certificate too; verification cannot be switched off. The
proxy is taken from HTTPS_PROXY, else ALL_PROXY, unless NO_PROXY names the host.
`

const resumeTopic = `
A run is kept in a directory, runs/<sheet>-<UTC time> or --run-dir. Its journal
holds every intent and every outcome; results.csv, failed.csv, summary.json and
report.html are made from it, again at any time with 'nermbulk report RUN_DIR'.

However a run was stopped, --resume goes on with it:
  - a row that has an outcome is not sent again;
  - a row that was in flight is sent again, unless it runs its session: then the
    session is read back and compared, and sent again only if it was not applied;
  - an edited or re-sorted sheet is matched by id and content: what was applied
    is not sent again, what was changed is;
  - --retry-failed sends the failed rows again too.

A run belongs to a host and a sheet: to the same content, wherever the file lies,
or to the same file, edited or not. While its newest run is unfinished, a sheet is
refused without --resume; --new begins another run. --resume never goes back to an
older run than the newest.

One process at a time sends a sheet to a host; a second one exits 4. The first SIGINT
or SIGTERM lets requests in flight finish, the second ends the process at once.
`
