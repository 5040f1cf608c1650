package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/sandbox"
	"nermbulk/internal/sheet"
)

// tenantFlags say where to send, and as whom.
type tenantFlags struct {
	baseURL, tenant, tokenFile, authScheme, caFile string
	sandbox                                        bool
}

func (f *tenantFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.baseURL, "base-url", "", "the API's root, e.g. https://acme.nonemployee.com/api (default: NERM_BASE_URL)")
	flags.StringVar(&f.tenant, "tenant", "", "short for https://NAME.nonemployee.com/api (default: NERM_TENANT)")
	flags.StringVar(&f.tokenFile, "token-file", "", "read the token from a file (default: NERM_TOKEN, or NERM_CLIENT_ID, NERM_CLIENT_SECRET and NERM_TOKEN_URL)")
	flags.StringVar(&f.authScheme, "auth-scheme", "bearer", "bearer, or token for the older 'Authorization: Token token=T'")
	flags.StringVar(&f.caFile, "ca-file", "", "trust the root certificates in this PEM file too")
}

func (f *tenantFlags) validate() error {
	if f.authScheme != "bearer" && f.authScheme != "token" {
		return usage("--auth-scheme %q: use bearer or token", f.authScheme)
	}
	return nil
}

// sandboxHost is the name of the simulated tenant in this process, wherever it
// listens.
const sandboxHost = "sandbox"

// endpoint is where a run sends to.
type endpoint struct {
	base string // the API's root; empty for the sandbox, which is not started yet
	host string // the only host that is sent to, for people and for resuming
	name string // what a person types to confirm
}

// endpoint decides where to send. A flag wins over the environment; base URL
// and tenant name of the same origin contradict each other.
func (f *tenantFlags) endpoint(env func(string) (string, bool)) (endpoint, error) {
	if f.sandbox {
		if f.baseURL != "" || f.tenant != "" {
			return endpoint{}, usage("--sandbox is a tenant of its own: leave out --base-url and --tenant")
		}
		return endpoint{host: sandboxHost, name: sandboxHost}, nil
	}
	base, tenant := f.baseURL, f.tenant
	if base == "" && tenant == "" {
		base, _ = env("NERM_BASE_URL")
		tenant, _ = env("NERM_TENANT")
	}
	switch {
	case base != "" && tenant != "":
		return endpoint{}, usage("both a base URL and a tenant name are given: use one of them")
	case base == "" && tenant == "":
		return endpoint{}, usage("no tenant is named: use --tenant NAME or --base-url URL (or NERM_TENANT, NERM_BASE_URL), or --sandbox to rehearse")
	case tenant != "":
		var err error
		if base, err = api.TenantURL(tenant); err != nil {
			return endpoint{}, &failure{ExitUsage, err}
		}
	}
	u, err := api.ParseBaseURL(base)
	if err != nil {
		return endpoint{}, &failure{ExitUsage, err}
	}
	return endpoint{base: u.String(), host: u.Host, name: tenantName(u)}, nil
}

// tenantName is the first part of a tenant's host name, or the whole host of
// any other address.
func tenantName(u *url.URL) string {
	host := u.Hostname()
	for _, domain := range []string{".nonemployee.com", ".mynonemployee.com"} {
		if name, ok := strings.CutSuffix(host, domain); ok {
			return name
		}
	}
	return host
}

// auth finds the credentials. None of them ever stands on the command line,
// where other users of the machine could read it.
func (f *tenantFlags) auth(env func(string) (string, bool)) (api.Auth, error) {
	if f.sandbox {
		return api.StaticToken("rehearsal-token", "bearer")
	}
	a, err := f.credentials(env)
	if err != nil {
		return a, &failure{ExitUsage, err}
	}
	return a, nil
}

func (f *tenantFlags) credentials(env func(string) (string, bool)) (api.Auth, error) {
	if f.tokenFile != "" {
		token, err := api.ReadToken(f.tokenFile)
		if err != nil {
			return api.Auth{}, err
		}
		return api.StaticToken(token, f.authScheme)
	}
	if token, ok := env("NERM_TOKEN"); ok && token != "" {
		a, err := api.StaticToken(token, f.authScheme)
		if err != nil {
			return a, fmt.Errorf("NERM_TOKEN: %w", err)
		}
		return a, nil
	}
	id, _ := env("NERM_CLIENT_ID")
	secret, _ := env("NERM_CLIENT_SECRET")
	tokenURL, _ := env("NERM_TOKEN_URL")
	if id == "" && secret == "" && tokenURL == "" {
		return api.Auth{}, fmt.Errorf("no token: set NERM_TOKEN, or use --token-file FILE, or set NERM_CLIENT_ID, NERM_CLIENT_SECRET and NERM_TOKEN_URL; --sandbox needs none")
	}
	return api.ClientCredentials(id, secret, tokenURL)
}

// roots reads the private root certificates, if any.
func (f *tenantFlags) roots() (*x509.CertPool, error) {
	if f.caFile == "" {
		return nil, nil
	}
	pool, err := api.ReadRoots(f.caFile)
	if err != nil {
		return nil, &failure{ExitUsage, err}
	}
	return pool, nil
}

// startSandbox starts a simulated tenant that knows the sheet's ids, and
// returns its base URL and what stops it.
func startSandbox(ctx context.Context, sh *sheet.Sheet) (base string, stop func() error, err error) {
	t := sandbox.New(sandbox.Options{})
	if _, err := addIDs(ctx, t, sh); err != nil {
		return "", nil, err
	}
	l, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var served sync.WaitGroup
	var serveErr error
	served.Go(func() { serveErr = t.Serve(ctx, l) })
	return "http://" + l.Addr().String() + "/api", func() error {
		cancel()
		served.Wait()
		return serveErr
	}, nil
}
