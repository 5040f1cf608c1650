package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/sandbox"
	"nermbulk/internal/ui"
)

func newUICommand(s Streams) *cobra.Command {
	p := &pageCommand{Streams: s, addr: anyPort}
	return withFlags(&cobra.Command{
		Use:   "ui",
		Short: "Serve the page to work from, for this machine alone",
		Args:  exactly(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return p.serve() },
	}, group("Flags", func(flags *pflag.FlagSet) {
		flags.StringVar(&p.addr, "addr", anyPort, "where to listen; loopback only, port 0 for any that is free")
		flags.BoolVar(&p.noOpen, "no-open", false, "do not open the browser")
	}))
}

// anyPort is the page's address unless another is named.
const anyPort = "127.0.0.1:0"

// pageCommand serves the page to work from: it makes jobs of what the page
// gives, as the run command makes them of its flags.
type pageCommand struct {
	Streams
	addr     string
	noOpen   bool
	practice *sandbox.Tenant // one for all jobs, so that an undo finds what was sent
}

func (p *pageCommand) serve() error {
	ctx, caught, stop := p.Signals()
	defer stop()
	p.practice = sandbox.New(sandbox.Options{})
	page, err := ui.Listen(p.addr, ui.Options{
		Offers: p.offers(), Job: p.job, AsOf: sheetOfRun, Explain: explain, Interrupted: caught,
	})
	if err != nil {
		return &failure{ExitUsage, err}
	}
	address := page.Address()
	fmt.Fprintf(p.Err, "the page to work from: %s\nit can be opened once; press Enter for a new address, Ctrl-C to end nermbulk\n", address)
	if !p.noOpen {
		if err := openBrowser(address); err != nil {
			fmt.Fprintf(p.Err, "the browser could not be opened (%s): open the address in one\n", err)
		}
	}
	go func() { // ends with its input, or with the process
		lines := bufio.NewScanner(p.In)
		for lines.Scan() {
			fmt.Fprintf(p.Err, "a new address, good once: %s\n", page.Address())
		}
	}()
	defer context.AfterFunc(ctx, func() { fmt.Fprintln(p.Err, "ending: what is in flight is waited for") })()
	interrupted, err := page.Serve(ctx)
	if err == nil && interrupted {
		fmt.Fprintln(p.Err, "nermbulk: interrupted: what was sent is recorded; start `nermbulk ui` here again to go on with the run, or see `nermbulk runs`")
		return said(caught(), "interrupted")
	}
	return err
}

// openBrowser has the system open an address.
func openBrowser(address string) error {
	command, ok := map[string][]string{
		"windows": {"rundll32", "url.dll,FileProtocolHandler"}, "darwin": {"open"},
	}[runtime.GOOS]
	if !ok {
		command = []string{"xdg-open"}
	}
	started := exec.Command(command[0], append(command[1:], address)...)
	if err := started.Start(); err != nil {
		return err
	}
	go func() { _ = started.Wait() }() // a browser that fails is seen not to open
	return nil
}

// offers are the tenants whose names are known here: the environment's, those of
// the profiles, and the practice tenant.
func (p *pageCommand) offers() (offers []ui.Offer) {
	add := func(name, note string, flags map[string]string) {
		o, err := p.job("", flags, "")
		needs := err != nil
		if needs {
			o, err = p.job("", flags, "typed-later")
		}
		if err == nil && !o.Tenant.Sandbox {
			offers = append(offers, ui.Offer{Name: name, Label: o.Tenant.Host, Note: note, Flags: flags, NeedsToken: needs})
		}
	}
	add("environment", "From the settings of this machine.", nil)
	if r, err := p.runner(nil); err == nil {
		if file, err := settingsFor(r.flags); err == nil {
			for _, name := range file.names {
				add("profile "+name, "The profile "+name+" of the settings file.", map[string]string{profileFlag: name})
			}
		}
	}
	return append(offers, ui.Offer{
		Name: "practice", Label: "Practice tenant", Note: "A simulated tenant inside nermbulk, to try everything out: nothing leaves this machine.",
		Flags: map[string]string{"sandbox": "true"},
	})
}

// runner is the run command with these flags typed, and the environment's.
func (p *pageCommand) runner(flags map[string]string) (*runner, error) {
	r := newRunner(p.Streams)
	registerSettings(r.flags)
	err := fill(r.flags, typed(flags))
	if err == nil {
		err = fillAll(r.flags, p.Env)
	}
	if err == nil {
		err = r.validate()
	}
	return r, err
}

// job is ui.Options.Job.
func (p *pageCommand) job(path string, flags map[string]string, token string) (job.Options, error) {
	r, err := p.runner(flags)
	if err != nil {
		return job.Options{}, err
	}
	env := p.Env
	if token != "" {
		r.tokenFile, r.clientSecretFile, r.clientIDFile = "", "", ""
		env = func(name string) string {
			if name == "NERM_TOKEN" {
				return token
			}
			return p.Env(name)
		}
	}
	if r.Tenant, err = r.resolveTenant(env, false); err != nil && token != "" { // it is in no variable
		err = usage("%s", strings.TrimPrefix(err.Error(), "NERM_TOKEN: "))
	}
	if err != nil {
		return job.Options{}, err
	}
	if r.sandbox {
		r.Tenant.Kept = p.practice
	}
	r.Sheet, err = r.sheet()
	r.Sheet.Name, r.Sheet.Path = path, path
	return r.options(), err
}

// doubleClicked serves the page for somebody who has started the program from
// its icon. The console goes with the process, so an error waits to be read.
func doubleClicked(s Streams) error {
	fmt.Fprintln(s.Err, "nermbulk was started from its icon: it opens the page to work from, as `nermbulk ui` does in a terminal")
	p := &pageCommand{Streams: s, addr: anyPort}
	err := p.serve()
	if _, shown := errors.AsType[alreadySaid](err); err != nil && !shown {
		fmt.Fprintf(s.Err, "nermbulk: %s\npress Enter to close this window\n", err)
		_, _ = bufio.NewReader(s.In).ReadString('\n')
		return said(exitCodeOf(err), err.Error())
	}
	return err
}
