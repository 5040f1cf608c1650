package cli

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// What the documents say besides commands: exit codes, flags, kinds of
// problems, names of tests, links.

func readDocument(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeHasTheExitCodes(t *testing.T) {
	t.Parallel()
	readme := readDocument(t, filepath.Join(repository, "README.md"))
	_, section, _ := strings.Cut(readme, "## Exit codes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var got, want []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(section, -1) {
		got = append(got, row[1]+" "+row[2])
	}
	var codes []ExitCode
	help := strings.ReplaceAll(readDocument(t, filepath.Join("help", "exit-codes.txt")), "\n        ", " ")
	for _, row := range regexp.MustCompile(`(?m)^  (\d+) +(.*)$`).FindAllStringSubmatch(help, -1) {
		want = append(want, row[1]+" "+row[2])
		code, _ := strconv.Atoi(row[1])
		codes = append(codes, ExitCode(code))
	}
	if all := []ExitCode{ExitOK, ExitRowsFailed, ExitUsage, ExitStopped, ExitLocked, ExitInternal, ExitHungUp, ExitInterrupted, ExitTerminated}; !slices.Equal(codes, all) {
		t.Errorf("the help has the codes %v, not %v", codes, all)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the README has\n%s\n\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAdminsAreShownTheQuestion(t *testing.T) {
	t.Parallel()
	admin := readDocument(t, filepath.Join(repository, "docs", "admin.md"))
	source := readDocument(t, "confirm.go")
	question := regexp.MustCompile(`"(Type the tenant's name[^"]*)"`).FindStringSubmatch(source)
	if question == nil {
		t.Fatal("the question is not where this test looks for it")
	}
	if want := strings.TrimSpace(fmt.Sprintf(question[1], "acme")); !strings.Contains(admin, want) {
		t.Errorf("docs/admin.md lacks %q", want)
	}
}

// inline returns the texts between single backticks outside fenced blocks.
func inline(document string) []string {
	var spans []string
	fenced := false
	for _, line := range strings.Split(document, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			fenced = !fenced
			continue
		}
		if fenced {
			continue
		}
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 {
				spans = append(spans, part)
			}
		}
	}
	return spans
}

// TestDocumentedFlagsExist parses every command line in the text and looks up
// every flag outside one; and every flag of run is documented.
func TestDocumentedFlagsExist(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for _, c := range NewRoot(Streams{}).Commands() {
		c.InitDefaultHelpFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) { all[f.Name] = true })
	}
	written := map[string]bool{}
	for _, path := range documents(t) {
		text := readDocument(t, path)
		for _, name := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(text, -1) {
			written[name[1]] = true
		}
		for _, span := range inline(text) {
			switch words := strings.Fields(span); {
			case strings.HasPrefix(span, "nermbulk "):
				if err := parseCommand(words[1:]); err != nil {
					t.Errorf("%s: `%s`: %v", path, span, err)
				}
			case strings.HasPrefix(span, "--"):
				for _, word := range words {
					name, flag := strings.CutPrefix(word, "--")
					name, _, _ = strings.Cut(name, "=")
					if flag && !all[name] {
						t.Errorf("%s: `%s`: there is no flag --%s", path, span, name)
					}
				}
			}
		}
	}
	run, _, err := NewRoot(Streams{}).Find([]string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	run.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !written[f.Name] && f.Name != "help" {
			t.Errorf("no document mentions --%s", f.Name)
		}
	})
}

// parseCommand finds the command that the words name and lets it read its flags.
func parseCommand(words []string) error {
	root := NewRoot(Streams{})
	if words[0] == "help" {
		c, rest, err := root.Find(words[1:])
		if err == nil && (c == root || len(rest) > 0) {
			err = fmt.Errorf("there is no such help")
		}
		return err
	}
	root.InitDefaultCompletionCmd(words...)
	c, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if c == root {
		return fmt.Errorf("there is no such command")
	}
	c.InitDefaultHelpFlag()
	return c.ParseFlags(rest)
}

// constants finds the string constants of a type in a package.
func constants(t *testing.T, dir, typeName string) []string {
	t.Helper()
	var values []string
	eachFile(t, dir, func(path string) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typeName {
				return true
			}
			for _, v := range spec.Values {
				if literal, ok := v.(*ast.BasicLit); ok {
					if text, err := strconv.Unquote(literal.Value); err == nil {
						values = append(values, text)
					}
				}
			}
			return true
		})
	})
	slices.Sort(values)
	return values
}

func eachFile(t *testing.T, dir string, do func(path string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") {
			do(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSheetDocumentHasEveryKind(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(
		problemsSection(readDocument(t, filepath.Join(repository, "docs", "sheet.md"))), -1) {
		got = append(got, row[1])
	}
	slices.Sort(got)
	want := constants(t, filepath.Join("..", "sheet"), "Kind")
	if !slices.Equal(got, want) {
		t.Errorf("docs/sheet.md has the kinds\n%v\nnot\n%v", got, want)
	}
	help := readDocument(t, filepath.Join("help", "sheet.txt"))
	for _, kind := range want {
		if !regexp.MustCompile(`[\s:]` + kind + `[\s,]`).MatchString(help) {
			t.Errorf("the help of the sheet does not have %s", kind)
		}
	}
}

func problemsSection(document string) string {
	_, section, _ := strings.Cut(document, "## Problems")
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// TestNamedTestsExist holds the names of tests in the documents against the
// code, so that no promise names a proof that is gone.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	existing := map[string]bool{}
	eachFile(t, "..", func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, f := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(readDocument(t, path), -1) {
				existing[f[1]] = true
			}
		}
	})
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		existing["TestScripts/"+strings.TrimSuffix(filepath.Base(path), ".txtar")] = true
	}
	name := regexp.MustCompile(`^(Test|Fuzz)[A-Z][\w/-]*$`)
	for _, path := range documents(t) {
		for _, span := range inline(readDocument(t, path)) {
			if name.MatchString(span) && !existing[span] {
				t.Errorf("%s names %s, which does not exist", path, span)
			}
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, path := range append(documents(t), filepath.Join(repository, "CHANGELOG.md")) {
		text := readDocument(t, path)
		for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(link[1])
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if u.IsAbs() {
				continue
			}
			target := path
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(path), u.Path)
			}
			info, err := os.Stat(target)
			if err != nil || info.Mode().IsRegular() && info.Size() == 0 {
				t.Errorf("%s: %s leads nowhere", path, link[1])
				continue
			}
			if u.Fragment != "" && !slices.Contains(anchors(readDocument(t, target)), u.Fragment) {
				t.Errorf("%s: %s: there is no such heading", path, link[1])
			}
		}
	}
}

// anchors are the names that headings can be linked by.
func anchors(document string) []string {
	var names []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(document, -1) {
		name := strings.ToLower(strings.ReplaceAll(heading[1], " ", "-"))
		names = append(names, regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(name, ""))
	}
	return names
}
