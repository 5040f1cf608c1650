package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/sandbox"
	"nermbulk/internal/text"
)

type sandboxFlags struct {
	sandbox.Options
	sheetFlags
	addr, path, fail, drop, state string
}

// sandboxTokenFlag holds a secret of nobody. It is no setting all the same: a
// settings file has no key for a token.
const sandboxTokenFlag = "token"

func newSandboxCommand(s Streams) *cobra.Command {
	f := &sandboxFlags{}
	return withFlags(&cobra.Command{
		Use:   "sandbox",
		Short: "Serve a simulated tenant on loopback, to rehearse against",
		Args:  exactly(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return serveSandbox(s, f) },
	},
		group("The tenant", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.addr, "addr", "127.0.0.1:8787", "address to serve on; loopback only")
			flags.StringVar(&f.path, "sheet", "", "a sheet whose ids become sessions; - for standard input")
			flags.StringVar(&f.state, "state", "", "keep the sessions in this file, and begin with those in it")
			flags.StringVar(&f.Token, sandboxTokenFlag, "", "the one token that it accepts, beside those of its /oauth/token (default: any)")
			flags.DurationVar(&f.TokenLife, "token-ttl", 0, "how long a token of its /oauth/token is valid (default: 12m29s)")
			flags.BoolVar(&f.Nulls, "nulls", false, "answer null where a session has no profile_id, or a page no next, instead of leaving it out")
			flags.BoolVar(&f.NoAttributes, "no-attributes", false, "refuse to list the attributes (403)")
		}),
		group("How the sheet is read, as by check", f.register),
		group("Its faults", func(flags *pflag.FlagSet) {
			flags.Float64Var(&f.RateLimit, "rate-limit", 0, "requests per second that it grants; 0 = no limit")
			flags.DurationVar(&f.Latency, "latency", 0, "how long each answer takes")
			flags.StringVar(&f.fail, "fail", "0%", "share of requests that end in a 5xx, nothing applied")
			flags.StringVar(&f.drop, "drop", "0%", "share of changes that are applied and then get no answer")
			flags.Uint64Var(&f.Seed, "seed", 1, "the same seed makes the same faults")
		}),
	)
}

// share parses a percentage, with or without its sign.
func share(flag, text string) (float64, error) {
	share, ok := percentage(strings.TrimSuffix(text, "%"))
	if !ok {
		return 0, usage("--%s %q: use a percentage from 0%% to 100%%", flag, text)
	}
	return share, nil
}

func serveSandbox(s Streams, f *sandboxFlags) (err error) {
	ctx, _, stop := s.Signals()
	defer stop()
	if f.Fail, err = share("fail", f.fail); err != nil {
		return err
	}
	if f.Drop, err = share("drop", f.drop); err != nil {
		return err
	}
	if f.RateLimit < 0 || f.Latency < 0 || f.TokenLife < 0 {
		return usage("--rate-limit, --latency and --token-ttl may not be below 0")
	}
	t := sandbox.New(f.Options)
	if f.state != "" {
		if err := t.KeepState(f.state); err != nil {
			return usage("--state %s: %w", f.state, cause(err))
		}
		defer func() {
			if closeErr := t.CloseState(); closeErr != nil {
				err = cmp.Or(err, fmt.Errorf("--state %s: the file does not have all that the sessions have: %w", f.state, closeErr))
			}
		}()
	}
	if f.path != "" {
		if err := f.seed(ctx, s, t); err != nil {
			return err
		}
	}
	l, err := sandbox.Listen(f.addr)
	if err != nil {
		return &failure{ExitUsage, err}
	}
	fmt.Fprintf(s.Err, "a simulated tenant with %s: --base-url http://%s/api\nits page: http://%s/ (stop it with Ctrl-C)\n", text.Count(t.Sessions(), "session"), l.Addr(), l.Addr())
	return t.Serve(ctx, l)
}

func (f *sandboxFlags) seed(ctx context.Context, s Streams, t *sandbox.Tenant) error {
	return f.withSheet(ctx, s, f.path, func(source job.Sheet) error {
		sh, err := source.Open(ctx, source.Path)
		if err != nil {
			return explain(err, "")
		}
		return cmp.Or(job.SeedSandbox(ctx, t, sh), sh.Close())
	})
}
