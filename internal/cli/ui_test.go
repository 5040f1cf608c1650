package cli

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOffersOfThePage(t *testing.T) {
	const profiles = "rate: 7\nprofiles:\n  prod: {tenant: acme, rate: 20}\n  test: {tenant: acme-test}\n"
	for name, c := range map[string]struct {
		env      map[string]string
		settings string
		want     []string // name, host, and whether its token is to be typed
	}{
		"nothing is known":    {want: []string{"practice Practice tenant"}},
		"a token alone":       {env: map[string]string{"NERM_TOKEN": "abc"}, want: []string{"practice Practice tenant"}},
		"a tenant":            {env: map[string]string{"NERM_TENANT": "acme", "NERM_TOKEN": "abc"}, want: []string{"environment acme.nonemployee.com", "practice Practice tenant"}},
		"a tenant, no token":  {env: map[string]string{"NERMBULK_TENANT": "acme"}, want: []string{"environment acme.nonemployee.com, token", "practice Practice tenant"}},
		"profiles":            {env: map[string]string{"NERM_TOKEN": "abc"}, settings: profiles, want: []string{"profile prod acme.nonemployee.com", "profile test acme-test.nonemployee.com", "practice Practice tenant"}},
		"profiles, no token":  {settings: profiles, want: []string{"profile prod acme.nonemployee.com, token", "profile test acme-test.nonemployee.com, token", "practice Practice tenant"}},
		"settings with fault": {settings: "rate: fast\n", want: []string{"practice Practice tenant"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if c.settings != "" {
				if err := os.WriteFile(settingsFile, []byte(c.settings), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := &pageCommand{Streams: Streams{Env: func(name string) string { return c.env[name] }, Now: time.Now}}
			var got []string
			for _, o := range p.offers() {
				if got = append(got, o.Name+" "+o.Label); o.NeedsToken {
					got[len(got)-1] += ", token"
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q are offered, not %q", got, c.want)
			}
		})
	}
}

func TestJobOfThePage(t *testing.T) {
	t.Chdir(t.TempDir())
	env := map[string]string{"NERM_TOKEN": "of-the-environment", "NERM_TENANT": "acme", "NERMBULK_TOKEN_FILE": "/nowhere"}
	p := &pageCommand{Streams: Streams{Env: func(name string) string { return env[name] }, Now: time.Now}}
	o, err := p.job("people.csv", map[string]string{"tenant": "other", "map": "A=status\nB=attributes.b", "dry-run": "true", "compare": "true"}, "typed")
	if err != nil {
		t.Fatal(err)
	}
	if o.Tenant.Host != "other.nonemployee.com" || o.Sheet.Path != "people.csv" || !o.Send.DryRun || !o.Send.Compare || len(o.Sheet.Options.Columns) != 2 {
		t.Errorf("the job is %+v", o)
	}
	for name, value := range o.Settings {
		if strings.Contains(value, "typed") {
			t.Errorf("the token is kept as %s", name)
		}
	}
	for flag, value := range map[string]string{"rate": "fast", "worksheet": "", "hidden-rows": "maybe", "tenant": "a/b"} {
		if _, err := p.job("people.csv", map[string]string{flag: value}, "typed"); (err == nil) != (value == "") {
			t.Errorf("--%s %q: %v", flag, value, err)
		} else if err != nil && strings.Contains(err.Error(), "typed") {
			t.Errorf("the token is in %q", err)
		}
	}
}
