// Command manual writes the manual pages: one for the tool and one for each
// command (section 1), one for each help topic (section 7). The same date and
// version give the same pages.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"nermbulk/internal/cli"
)

func main() {
	dir := flag.String("o", "man", "the `directory` to write into")
	version := flag.String("version", "devel", "the version that the pages name")
	date := flag.String("date", time.Now().UTC().Format(time.DateOnly), "the date that the pages name")
	flag.Parse()
	if err := write(*dir, *version, *date); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func write(dir, version, date string) error {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return fmt.Errorf("read the date: %w", err)
	}
	pages, err := manual(cli.NewRoot(cli.Streams{}), at, version)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// manual returns the pages by their file names.
func manual(root *cobra.Command, date time.Time, version string) (map[string]string, error) {
	pages := map[string]string{}
	var add func(*cobra.Command) error
	add = func(c *cobra.Command) error {
		header := doc.GenManHeader{Section: "1", Date: &date, Source: "nermbulk " + version, Manual: "User Commands"}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-")
		text := markdown(c.Long)
		if c.IsAdditionalHelpTopicCommand() {
			header.Section, header.Manual = "7", "Overviews"
			c = &cobra.Command{Use: name, Short: c.Short, DisableFlagsInUseLine: true}
			c.Flags().Bool("help", false, "")
			c.Flags().Lookup("help").Hidden = true
		} else {
			text += environment
		}
		c.Long, c.DisableAutoGenTag = text, true
		c.Flags().SortFlags = false
		c.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = plain(f.Usage) })
		var page bytes.Buffer
		if err := doc.GenMan(c, &header, &page); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		text = dashes(page.String())
		if header.Section == "7" { // what is typed for it
			text = strings.Replace(text, `SYNOPSIS
\fBnermbulk\-`, `SYNOPSIS
\fBnermbulk help `, 1)
		}
		pages[name+"."+header.Section] = text
		for _, sub := range c.Commands() {
			if !sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
				continue
			}
			if err := add(sub); err != nil {
				return err
			}
		}
		return nil
	}
	return pages, add(root)
}

const environment = `

Every option has an environment variable, NERMBULK\_ and its name in capitals with \_ for -
(NERMBULK\_MAX\_ATTEMPTS=3), and can be set in nermbulk.yaml: see **nermbulk-settings(7)**. An
option wins. For columns and cells see **nermbulk-sheet(7)**, for credentials **nermbulk-auth(7)**,
for runs **nermbulk-resume(7)**, for exit codes **nermbulk-exit-codes(7)**.
`

// markdown turns help into Markdown: indented lines, a table or an example,
// keep their form, all others are prose.
func markdown(help string) string {
	var b strings.Builder
	verbatim := false
	for line := range strings.Lines(help) {
		indented := strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
		if indented != verbatim && line != "\n" {
			b.WriteByte('\n')
			verbatim = indented
		}
		if verbatim && line != "\n" {
			b.WriteString("    " + line)
		} else {
			b.WriteString(plain(line))
		}
	}
	return b.String()
}

// dashes keeps what is copied from a page fit to be typed: a plain - becomes a
// hyphen on the page.
func dashes(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, ".") {
			line = strings.ReplaceAll(strings.ReplaceAll(line, `\-`, "-"), "-", `\-`)
		}
		b.WriteString(line)
	}
	return b.String()
}

// plain takes their meaning from the signs of Markdown.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "<", `\<`, ">", `\>`, "[", `\[`, "]", `\]`, "`", "\\`").Replace(text)
}
