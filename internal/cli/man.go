package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ManPages returns the manual pages by their file names: one for the tool, one
// for each command (section 1) and one for each topic of help (section 7). The
// same date and version give the same pages.
func ManPages(date time.Time, version string) map[string]string {
	root := newRoot(Streams{})
	m := manual{root: root, version: version, date: date.UTC().Format(time.DateOnly)}
	pages := map[string]string{}
	for _, c := range append(root.Commands(), root) {
		if c.Name() != "help" {
			pages[manName(c)+"."+manSection(c)] = m.page(c)
		}
	}
	return pages
}

// manual writes pages in the man macros. Their text may be reflowed where a
// command's help is prose, and keeps its lines where it is a table.
type manual struct {
	root          *cobra.Command
	version, date string
	b             strings.Builder
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manSection is that of commands, or that of overviews for a topic of help,
// which cannot be run.
func manSection(c *cobra.Command) string {
	if c.Runnable() || c.HasSubCommands() {
		return "1"
	}
	return "7"
}

func (m *manual) page(c *cobra.Command) string {
	m.b.Reset()
	title := map[string]string{"1": "User Commands", "7": "Overviews"}[manSection(c)]
	m.macro("TH", strings.ToUpper(manName(c)), manSection(c), m.date, "nermbulk "+m.version, title)
	m.macro("SH", "NAME")
	m.lines(manName(c) + " - " + strings.ToLower(c.Short[:1]) + c.Short[1:])
	if manSection(c) == "1" {
		m.macro("SH", "SYNOPSIS")
		if c.HasSubCommands() {
			m.lines(c.CommandPath() + " command [flags]")
		} else {
			m.lines(c.UseLine())
		}
	}
	m.macro("SH", "DESCRIPTION")
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	m.prose(text)
	m.commands(c)
	m.options(c)
	if c.Example != "" {
		m.macro("SH", "EXAMPLES")
		m.verbatim(c.Example)
	}
	if manSection(c) == "1" {
		m.macro("SH", "ENVIRONMENT")
		m.prose("Every option has an environment variable, NERMBULK_ and its name in capitals with _ for - (NERMBULK_MAX_ATTEMPTS=3); an option wins. Credentials: see nermbulk-auth(7).")
		m.macro("SH", "EXIT STATUS")
		m.verbatim(exitCodeTable())
	}
	m.seeAlso(c)
	return m.b.String()
}

// commands lists the commands of one that has some.
func (m *manual) commands(c *cobra.Command) {
	var listed []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && manSection(sub) == "1" {
			listed = append(listed, sub)
		}
	}
	if len(listed) == 0 {
		return
	}
	m.macro("SH", "COMMANDS")
	for _, sub := range listed {
		m.macro("TP")
		m.b.WriteString(`\fB` + roff(sub.Name()) + "\\fR\n")
		m.lines(sub.Short)
	}
}

// options lists a command's own flags below the headings of its help.
func (m *manual) options(c *cobra.Command) {
	if !c.LocalFlags().HasAvailableFlags() {
		return
	}
	m.macro("SH", "OPTIONS")
	heading := ""
	c.LocalFlags().SortFlags = false
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if title := f.Annotations[groupAnnotation]; len(title) == 1 && title[0] != heading {
			heading = title[0]
			m.macro("SS", heading)
		}
		value, usage := pflag.UnquoteUsage(f)
		m.macro("TP")
		if f.Shorthand != "" {
			m.b.WriteString(`\fB\-` + f.Shorthand + `\fR, `)
		}
		m.b.WriteString(`\fB` + roff("--"+f.Name) + `\fR`)
		if value != "" {
			m.b.WriteString(` \fI` + roff(value) + `\fR`)
		}
		m.b.WriteByte('\n')
		switch f.DefValue {
		case "", "0", "0s", "false", "[]":
		default:
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		m.lines(usage)
	})
}

func (m *manual) seeAlso(c *cobra.Command) {
	m.macro("SH", "SEE ALSO")
	var others []string
	for _, other := range append([]*cobra.Command{m.root}, m.root.Commands()...) {
		if other != c && other.Name() != "help" {
			others = append(others, manName(other)+"("+manSection(other)+")")
		}
	}
	m.lines(strings.Join(others, ",\n"))
}

// prose writes paragraphs. One with an indented line is a table or an example.
func (m *manual) prose(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			m.macro("PP")
		}
		if strings.HasPrefix(paragraph, "  ") || strings.Contains(paragraph, "\n  ") {
			m.verbatim(paragraph)
		} else {
			m.lines(paragraph)
		}
	}
}

func (m *manual) verbatim(text string) {
	m.macro("nf")
	m.lines(strings.Trim(text, "\n"))
	m.macro("fi")
}

// lines writes text in which no line is taken for a macro.
func (m *manual) lines(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			m.b.WriteString(`\&`)
		}
		m.b.WriteString(roff(line) + "\n")
	}
}

// macro writes a macro. In its arguments, a name or a date, a - is meant as it
// stands.
func (m *manual) macro(name string, args ...string) {
	m.b.WriteString("." + name)
	for _, arg := range args {
		m.b.WriteString(` "` + strings.NewReplacer(`\`, `\e`, `"`, `\(dq`).Replace(arg) + `"`)
	}
	m.b.WriteByte('\n')
}

// roff writes text so that it reads the same on the page, and so that what is
// copied from there can be typed: a plain - would become a hyphen.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
}
