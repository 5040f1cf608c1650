package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/spf13/pflag"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// These flags say where the other ones are read from: they are typed, or set in
// the environment, and never in a settings file.
const (
	configFlag  = "config"
	profileFlag = "profile"
)

// settingsFile is the settings file of the working directory.
const settingsFile = "nermbulk.yaml"

// profilesKey is the one key of a settings file that is no flag.
const profilesKey = "profiles"

// What a settings file may hold at most: the parser takes time that grows with
// the square of what is nested.
const (
	maxSettings = 64 << 10 // bytes
	maxNested   = 50       // brackets
)

func registerSettings(flags *pflag.FlagSet) {
	flags.String(configFlag, "", "read settings from this file (default: nermbulk.yaml here, if there is one)")
	flags.String(profileFlag, "", "use this profile of the settings file")
}

// profileOf says which profile is used, and what chose the tenant if that did
// not; empty without a profile.
func profileOf(flags *pflag.FlagSet) string {
	name, _ := flags.GetString(profileFlag)
	if name == "" {
		return ""
	}
	said := "profile " + text.Line(name, 0)
	for _, tenant := range tenantNames {
		switch f := flags.Lookup(tenant); sourceOf(f) {
		case sourceFlag:
			return said + ", but --" + tenant
		case sourceEnv:
			return said + ", but " + f.Annotations[filled][1]
		}
	}
	return said
}

// A settingsGroup holds the settings of one level of a file: those of a profile,
// or those that hold for all of them.
type settingsGroup map[string]setting

// source returns the group as a source of flags.
func (g settingsGroup) source(kind string) source {
	return source{kind, func(flag string) setting { return g[flag] }}
}

// configFile is what a settings file holds.
type configFile struct {
	known    *pflag.FlagSet // of all commands, to try values on
	path     string
	all      settingsGroup
	profiles map[string]settingsGroup
	names    []string // of the profiles, in the file's order
	place    string   // of the profiles; the file where there are none
}

// settingsFor reads the settings file that the flags choose, which is empty if there
// is none. The flags are filled from the command line and the environment already.
func settingsFor(flags *pflag.FlagSet) (*configFile, error) {
	for _, name := range []string{configFlag, profileFlag} {
		if f := flags.Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return nil, usage("--%s is empty: name one, or leave it out", name)
		}
	}
	path, _ := flags.GetString(configFlag)
	data, err := readSettings(cmp.Or(path, settingsFile))
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return &configFile{}, nil
	}
	if err != nil {
		return nil, usage("the settings file cannot be read: %w", err)
	}
	path = cmp.Or(path, settingsFile)
	s := &configFile{known: everyFlag(), path: path, place: text.Line(path, 0), profiles: map[string]settingsGroup{}}
	if err := s.read(data); err != nil {
		return nil, err
	}
	return s, nil
}

func readSettings(path string) (_ []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, maxSettings+1))
	if err == nil && len(data) > maxSettings {
		err = fmt.Errorf("%s is larger than %d KiB: is it another file?", text.Line(path, 0), maxSettings>>10)
	}
	return data, err
}

// profile returns the settings of a profile.
func (s *configFile) profile(name string) (settingsGroup, error) {
	hint := "; it has none"
	if near, ok := sheet.Nearest(name, s.names); ok {
		hint = fmt.Sprintf("; did you mean %q?", near)
	} else if len(s.names) > 0 {
		hint = "; it has " + strings.Join(s.names, ", ")
	}
	group, ok := s.profiles[name]
	switch {
	case ok:
		return group, nil
	case s.path == "":
		return nil, usage("--profile %s: there is no settings file here that has profiles: write %s, or name one with --config", text.Line(name, 0), settingsFile)
	}
	return nil, usage("--profile %s: %s: there is no such profile%s", text.Line(name, 0), s.place, hint)
}

// everyFlag returns the flags of all commands, to try values on. A file serves
// every command, and what is wrong in it is wrong for each.
func everyFlag() *pflag.FlagSet {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, c := range NewRoot(Streams{}).Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if all.Lookup(f.Name) == nil && !slices.Contains([]string{"help", "version", configFlag, profileFlag, sandboxTokenFlag}, f.Name) {
				f.Shorthand = ""
				all.AddFlag(f)
			}
		})
	}
	return all
}

// read parses the file and checks every setting in it. Nothing is taken from it
// that is not understood.
func (s *configFile) read(data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if line := firstOddLine(data); line > 0 {
		return s.wrong(&token.Token{Position: &token.Position{Line: line, Column: 1}}, "this is not UTF-8 text: save the file as UTF-8")
	}
	if nested(data) > maxNested {
		return usage("%s: brackets are nested more than %d deep: settings need no more than two", s.path, maxNested)
	}
	file, err := parseYAML(data)
	if err != nil {
		return s.syntaxError(err)
	}
	for i, doc := range file.Docs {
		if doc.Body == nil {
			continue // comments alone
		}
		for _, sort := range []ast.NodeType{ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType} {
			for _, n := range ast.Filter(sort, doc.Body) {
				return s.wrong(n.GetToken(), "anchors, aliases and tags (&, *, << and !) are not read: write the value out, in quotes if it begins with such a character")
			}
		}
		body, ok := doc.Body.(*ast.MappingNode)
		switch {
		case !ok:
			return s.wrong(doc.Body.GetToken(), "settings are written as key: value, such as workers: 16")
		case i > 0:
			return s.wrong(body.GetToken(), "a second document begins here: a settings file has one, without ---")
		}
		if s.all, err = s.group(body, true); err != nil {
			return err
		}
	}
	return nil
}

// parseYAML is the library's parser, where a panic of its own is an error.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = errors.New("it cannot be parsed")
		}
	}()
	return parser.ParseBytes(data, 0)
}

// firstOddLine returns the first line that is no text, 0 for none.
func firstOddLine(data []byte) int {
	return 1 + slices.IndexFunc(bytes.Split(data, []byte("\n")), func(line []byte) bool {
		return !utf8.Valid(line) || bytes.ContainsRune(line, 0)
	})
}

// nested is how deep lists and mappings are nested in one another at most,
// without regard to quotes.
func nested(data []byte) int {
	deepest, brackets, dashes := 0, 0, 0 // dashes: of a line that has several, "- - -"
	for i, c := range data {
		switch {
		case c == '[' || c == '{':
			brackets++
		case c == ']' || c == '}':
			brackets--
		case c == '\n':
			dashes = 0
		case (c == '-' || c == '?') && i+1 < len(data) && data[i+1] == ' ':
			dashes++
		}
		deepest = max(deepest, brackets, dashes)
	}
	return deepest
}

// syntaxError says what is wrong with a file that is no YAML.
func (s *configFile) syntaxError(err error) error {
	wrong, ok := errors.AsType[yaml.Error](err)
	if !ok || wrong.GetToken() == nil {
		return usage("%s is no YAML: %s", s.path, text.Line(err.Error(), 200))
	}
	at, message := wrong.GetToken(), wrong.GetMessage()
	switch {
	case strings.Contains(message, "'\t'"):
		message = "a tab indents the line: indent with spaces"
	case strings.Contains(message, "already defined"):
		message = fmt.Sprintf("%s is set twice: remove one of the two", text.Quote(at.Value, 60))
	default:
		message = "this is no YAML: " + text.Line(message, 200)
	}
	return s.wrong(at, "%s", message)
}

func (s *configFile) wrong(at *token.Token, format string, args ...any) error {
	return usage("%s: %s", s.at(at), fmt.Sprintf(format, args...))
}

func (s *configFile) at(at *token.Token) string {
	return fmt.Sprintf("%s, line %d, column %d", text.Line(s.path, 0), at.Position.Line, at.Position.Column)
}

// each calls visit with the keys of a mapping and what they hold.
func (s *configFile) each(m *ast.MappingNode, visit func(key string, entry *ast.MappingValueNode) error) error {
	for _, entry := range m.Values {
		key, ok := entry.Key.(*ast.StringNode)
		if !ok {
			return s.wrong(entry.Key.GetToken(), "the name of a setting is plain text, such as workers")
		}
		if err := visit(key.Value, entry); err != nil {
			return err
		}
	}
	return nil
}

// group reads the settings of one level. The highest has the profiles too.
func (s *configFile) group(m *ast.MappingNode, highest bool) (settingsGroup, error) {
	group := settingsGroup{}
	err := s.each(m, func(key string, entry *ast.MappingValueNode) (err error) {
		if highest && key == profilesKey {
			return s.readProfiles(entry)
		}
		group[key], err = s.setting(key, entry)
		return err
	})
	return group, err
}

func (s *configFile) readProfiles(entry *ast.MappingValueNode) error {
	profiles, ok := entry.Value.(*ast.MappingNode)
	if !ok {
		return s.wrong(entry.Key.GetToken(), "below profiles: come their names, each with settings of its own")
	}
	s.place = s.at(entry.Key.GetToken())
	return s.each(profiles, func(name string, entry *ast.MappingValueNode) (err error) {
		m, ok := entry.Value.(*ast.MappingNode)
		if !ok {
			return s.wrong(entry.Key.GetToken(), "the profile %s has no settings: write them below it, as key: value", text.Quote(name, 60))
		}
		s.names = append(s.names, name)
		s.profiles[name], err = s.group(m, false)
		return err
	})
}

// setting reads the value of a flag, and tries it.
func (s *configFile) setting(key string, entry *ast.MappingValueNode) (setting, error) {
	f := s.known.Lookup(key)
	if f == nil {
		return setting{}, s.wrong(entry.Key.GetToken(), "%s", s.unknown(key))
	}
	values, err := s.values(f, entry)
	if err != nil {
		return setting{}, err
	}
	at := entry.Value.GetToken()
	for _, v := range values {
		if err := s.known.Set(key, v); err != nil {
			return setting{}, s.wrong(at, "%s %q %s", key, v, valueError(err))
		}
	}
	return setting{strings.Join(values, "\n"), s.at(at)}, nil
}

// unknown says what is wrong with a key that is no flag. Its value is shown
// nowhere: it may be a secret.
func (s *configFile) unknown(key string) string {
	name := sheet.NormalizeName(key)
	switch {
	case name == configFlag || name == profileFlag:
		return fmt.Sprintf("%s is typed, or set by %s: the file that it chooses cannot hold it", key, variableOf(key))
	case key == profilesKey:
		return "a profile holds no profiles of its own: move this one up, beside the others"
	case slices.ContainsFunc([]string{"token", "secret", "password", "authorization", "bearer"}, func(s string) bool { return strings.Contains(name, s) }):
		if near, ok := sheet.Nearest(key, []string{"token-file", "client-secret-file", "client-id-file"}); ok && strings.Contains(name, "file") {
			return fmt.Sprintf("%s is no flag; did you mean %q?", text.Quote(key, 60), near)
		}
		return text.Quote(key, 60) + " is no setting: a settings file holds no token and no secret. Remove it, and put it in a file that only you can read, with token-file or client-secret-file, or in NERM_TOKEN"
	}
	var names []string
	s.known.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	hint := "; `nermbulk help settings` says which there are"
	if near, ok := sheet.Nearest(key, append(names, profilesKey)); ok {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return text.Quote(key, 60) + " is no flag of any command" + hint
}

// pairFlags are the repeatable flags of the form NAME=VALUE, which a file may
// hold as a mapping.
var pairFlags = []string{"map", "date", "value", "where"}

// values returns what a key holds: one text, or several for a repeatable flag.
func (s *configFile) values(f *pflag.Flag, entry *ast.MappingValueNode) (values []string, err error) {
	_, repeatable := f.Value.(pflag.SliceValue)
	add := func(prefix string, n ast.Node) error {
		v, err := s.scalar(f, n)
		values = append(values, prefix+v)
		return err
	}
	switch n := entry.Value.(type) {
	case *ast.SequenceNode:
		if !repeatable {
			return nil, s.wrong(n.GetToken(), "%s takes one value, not a list", f.Name)
		}
		for _, one := range n.Values {
			if err := add("", one); err != nil {
				return nil, err
			}
		}
	case *ast.MappingNode:
		if !slices.Contains(pairFlags, f.Name) {
			return nil, s.wrong(entry.Key.GetToken(), "%s takes no settings of its own", f.Name)
		}
		err = s.each(n, func(name string, pair *ast.MappingValueNode) error { return add(name+"=", pair.Value) })
	default:
		if err = add("", n); repeatable && err == nil {
			err = s.wrong(n.GetToken(), "%s takes a list: write each value on a line of its own that begins with a dash", f.Name)
		}
	}
	if len(values) == 0 && err == nil {
		err = s.wrong(entry.Key.GetToken(), "%s is empty: write a value, or remove it", f.Name)
	}
	return values, err
}

// scalar returns the text of a plain value.
func (s *configFile) scalar(f *pflag.Flag, n ast.Node) (string, error) {
	value := ""
	switch n := n.(type) {
	case *ast.StringNode:
		value = n.Value
	case *ast.LiteralNode:
		value = strings.TrimRight(n.Value.Value, "\n")
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		value = n.GetToken().Value
	case *ast.BoolNode:
		if value = n.GetToken().Value; f.Value.Type() == "string" {
			return "", s.wrong(n.GetToken(), "%s is not true or false: if it is this word, write it in quotes", f.Name)
		}
	case *ast.NullNode:
	default:
		return "", s.wrong(n.GetToken(), "%s takes plain text, not a list or settings of its own", f.Name)
	}
	if value == "" {
		return "", s.wrong(n.GetToken(), "%s is empty: write a value, or remove it", f.Name)
	}
	return value, nil
}
