package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"nermbulk/internal/job"
)

// The steps of the page.
const (
	stepTenant = iota + 1
	stepSheet
	stepPreview
	stepSend
	stepResults
)

var stepNames = []string{stepTenant: "Tenant", stepSheet: "Sheet", stepPreview: "Preview", stepSend: "Send", stepResults: "Results"}

// workspace is what the page works on: one tenant, one sheet and one run at a
// time, the same for every tab. mu guards all of it.
type workspace struct {
	o       Options
	ctx     context.Context // ends when the page is to stop; of what is served
	working sync.WaitGroup  // checks and runs

	mu        sync.Mutex
	changed   chan struct{} // closed at each change
	revision  int           // grows with each change of what the page shows
	tick      int           // likewise of the progress alone
	step      int
	tenant    *tenant    // nil before one is chosen
	sheet     *openSheet // nil before one is open
	checks    int        // that were begun
	questions int        // that were asked
	run       *running   // the one that goes on, or the last one
	preview   *outcome   // of the sheet as it is; nil before one was made
	results   *outcome   // that are shown
}

// wait returns when everything that was started has ended, and whether a run
// was going on.
func (w *workspace) wait() (interrupted bool) {
	w.mu.Lock()
	interrupted = w.run.Busy()
	w.mu.Unlock()
	w.working.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sheet.close()
	w.preview.close()
	w.results.close()
	return interrupted
}

// touch has the page read itself again. The caller has the lock.
func (w *workspace) touch() {
	w.revision++
	w.wake()
}

func (w *workspace) wake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// update changes the workspace and has the page read itself again.
func (w *workspace) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.touch()
}

// apart does without the lock what takes long, and takes it again. The caller has
// the lock.
func (w *workspace) apart(do func()) {
	w.mu.Unlock()
	defer w.mu.Lock()
	do()
}

var errBusy = errors.New("a run is going on, or waits for your answer under 4. Send: let it end, or stop it first")

// tenant is a tenant that was chosen.
type tenant struct {
	name  string // of the choice
	Host  string
	flags map[string]string
	token string  // typed; empty for the environment's
	Rate  float64 // that its settings permit, in requests per second
}

// Practice reports whether nothing that is sent to it leaves this machine.
func (t *tenant) Practice() bool { return t.flags["sandbox"] != "" }

// chosenTenant is an offer that was chosen, or the tenant that was typed.
func (w *workspace) chosenTenant(r *http.Request) (*tenant, error) {
	t := &tenant{name: r.PostFormValue("choice"), flags: map[string]string{}, token: strings.TrimSpace(r.PostFormValue("token"))}
	for _, offer := range w.o.Offers {
		if offer.Name == t.name {
			maps.Copy(t.flags, offer.Flags)
			if !offer.NeedsToken {
				t.token = ""
			}
		}
	}
	if t.token != "" {
		t.flags["auth-scheme"] = cmp.Or(r.PostFormValue("scheme"), "bearer")
	}
	name := strings.TrimSpace(r.PostFormValue("name"))
	switch {
	case t.name != "typed":
		return t, nil
	case name == "":
		return nil, errors.New("type the tenant's name, the first part of its address: acme for acme.nonemployee.com")
	case t.token == "":
		return nil, errors.New("type or paste a token: an administrator makes one in the tenant, under its API settings")
	case strings.ContainsAny(name, ":/"): // an address, such as that of a tenant elsewhere
		t.flags["base-url"] = name
	default:
		t.flags["tenant"] = name
	}
	return t, nil
}

func (w *workspace) doTenant(r *http.Request) error {
	t, err := w.chosenTenant(r)
	if err != nil {
		return err
	}
	o, err := w.o.Job("", t.flags, t.token)
	if err != nil {
		return err
	}
	t.Host, t.Rate = o.Tenant.Host, o.Tenant.Client.Rate
	if w.run.Busy() {
		return errBusy
	}
	w.tenant, w.step = t, stepSheet
	w.preview.close()
	w.results.close()
	w.run, w.preview, w.results = nil, nil, nil
	if w.sheet != nil { // which another tenant has checked
		w.check(w.sheet.again(w.sheet.path, w.sheet.flags))
	}
	return nil
}

// doStep shows a step that can be shown.
func (w *workspace) doStep(r *http.Request) error {
	step, _ := strconv.Atoi(r.PostFormValue("step"))
	if step < stepTenant || step > w.reached() {
		return fmt.Errorf("step %d comes later", step)
	}
	w.step = step
	return nil
}

// reached is the last step that can be shown. The caller has the lock.
func (w *workspace) reached() int {
	switch {
	case w.results != nil:
		return stepResults
	case w.run != nil && !w.run.Dry:
		return stepSend
	case w.preview != nil && w.preview.sendable():
		return stepSend
	case w.sheet != nil && w.sheet.Sendable():
		return stepPreview
	case w.tenant != nil:
		return stepSheet
	}
	return stepTenant
}

// options returns the job of a sheet with more flags than those of the tenant
// and of the sheet. The caller has the lock.
func (w *workspace) options(path string, more ...map[string]string) (job.Options, error) {
	if w.tenant == nil {
		return job.Options{}, errors.New("choose a tenant first")
	}
	flags := maps.Clone(w.tenant.flags)
	for _, m := range more {
		maps.Copy(flags, m)
	}
	return w.o.Job(path, flags, w.tenant.token)
}
