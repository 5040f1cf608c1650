package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readSettingsOf reads a settings file of this content.
func readSettingsOf(t *testing.T, content string) (*configFile, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := everyFlag()
	registerSettings(flags)
	if err := flags.Set(configFlag, path); err != nil {
		t.Fatal(err)
	}
	return settingsFor(flags)
}

func TestSettingsAreTakenAsTyped(t *testing.T) {
	for _, test := range []struct{ name, content, flag, want string }{
		{"a number", "workers: 16", "workers", "16"},
		{"a number with zeros before it", "worksheet: 007", "worksheet", "007"},
		{"a word", "encoding: windows-1252 # old", "encoding", "windows-1252"},
		{"a percentage", "max-failures: 5%", "max-failures", "5%"},
		{"true", "compare: true", "compare", "true"},
		{"the word no", "worksheet: no", "worksheet", "no"},
		{"quotes", `worksheet: "a: b # c"`, "worksheet", "a: b # c"},
		{"several lines", "worksheet: |\n  one\n", "worksheet", "one"},
		{"a list", "map:\n  - A=status\n  - B=run", "map", "A=status\nB=run"},
		{"a mapping", "map: {A: status, 'B: C': run}", "map", "A=status\nB: C=run"},
		{"line ends and mark of Windows", "\ufeffworkers: 3\r\nrate: 4\r\n", "rate", "4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := readSettingsOf(t, test.content)
			if err != nil {
				t.Fatal(err)
			}
			if got := file.all[test.flag].text; got != test.want {
				t.Errorf("%s is %q, want %q", test.flag, got, test.want)
			}
		})
	}
}

// What is wrong with a file is named by its line, and no file ends the process.
func FuzzSettings(f *testing.F) {
	for _, content := range []string{
		"workers: 16\nmap: {Contract End: attributes.end_date}\nprofiles:\n  prod: {tenant: acme}\n",
		"# nothing", "---\n", "a: &a [*a]\n<<: *a", "? a\n: b", "\t", "map:\n- a\n- {b: c}\n", "a: |\n", "!!x y: z", "profiles: {a: }", "'", "[",
	} {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		file, err := readSettingsOf(t, content)
		switch {
		case err == nil && file == nil:
			t.Error("neither settings nor an error")
		case err != nil && exitCodeOf(err) != ExitUsage:
			t.Errorf("exit code %d: %s", exitCodeOf(err), err)
		case err != nil && strings.ContainsAny(err.Error(), "\x1b\n\r"):
			t.Errorf("the error has control characters: %q", err)
		}
	})
}

// TestSandboxTokenIsNoSetting keeps a token out of the settings file, though a
// flag of the sandbox has that name.
func TestSandboxTokenIsNoSetting(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("nermbulk.yaml", []byte("token: s3cr3t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	got.wantCode(t, ExitUsage)
	wantText(t, got.err, `nermbulk.yaml, line 1, column 1: "token" is no setting`)
	if strings.Contains(got.err, "s3cr3t") {
		t.Error("it shows the token")
	}
}
