package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stateID = "33f072dd-13b4-41e1-8ea0-16f2a59b57c8"

func kept(t *testing.T, path string) *Tenant {
	t.Helper()
	tenant := New(Options{})
	if err := tenant.KeepState(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tenant.CloseState() })
	return tenant
}

// TestStateIsKept stops a tenant, once as a kill would in the middle of a line.
func TestStateIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.jsonl")
	first := kept(t, path)
	if err := first.AddID(stateID); err != nil {
		t.Fatal(err)
	}
	if err := first.AddUID("S-1"); err != nil {
		t.Fatal(err)
	}
	first.AddAttribute("shoe_size")
	id, _ := parseID(stateID)
	first.apply(id, []field{{fieldStatus, "closed"}, {attributePrefix + "shoe_size", "44\n"}}, true)
	was := first.apply(id, []field{{attributePrefix + "badge", ""}}, false)
	if err := first.CloseState(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, `{"id":"33f0`...), 0o600); err != nil {
		t.Fatal(err)
	}
	second := kept(t, path)
	if err := second.AddID(stateID); err != nil { // as a sheet would once more
		t.Fatal(err)
	}
	got, _ := second.Record(stateID)
	if got.Patches != 2 || got.Runs != 1 || got.Session.Status != "closed" || got.Session.Attributes["shoe_size"] != "44\n" || !got.Session.UpdatedAt.Equal(was.UpdatedAt) {
		t.Errorf("it has %+v, not %+v", got, was)
	}
	if value, ok := got.Session.Attributes["badge"]; !ok || value != "" || second.Sessions() != 2 || second.attribute("shoe_size") == nil {
		t.Errorf("%d sessions, badge %q (%v)", second.Sessions(), value, ok)
	}
	if second.Applied() != 0 {
		t.Errorf("%d were applied by what was kept", second.Applied())
	}
	second.apply(id, []field{{fieldStatus, "approved"}}, false)
	if err := second.CloseState(); err != nil {
		t.Fatal(err)
	}
	if third, _ := kept(t, path).Record(stateID); third.Session.Status != "approved" || third.Patches != 3 {
		t.Errorf("after the torn line it has %+v", third)
	}
}

func TestStateRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a sheet":               "id,status\n",
		"a token":               "s3cr3t",
		"a journal":             `{"t":"start","id":"` + stateID + `"}` + "\n",
		"a session it lacks":    `{"id":"` + stateID + `","at":17}` + "\n",
		"damage in the middle":  "{\"uid\":\"S-1\"}\n{\"uid\"\n{\"uid\":\"S-2\"}\n",
		"a line that is no one": "{}\n",
	} {
		path := filepath.Join(t.TempDir(), "state.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := New(Options{}).KeepState(path); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("%s: it was changed (%v): %q", name, err, after)
		}
	}
	if err := New(Options{}).KeepState(t.TempDir()); err == nil {
		t.Error("a directory was taken for a file")
	}
}
