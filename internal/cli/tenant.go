package cli

import (
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/job"
	"nermbulk/internal/text"
)

// tenantFlags say where to send, with which credentials and how fast.
type tenantFlags struct {
	baseURL, tenant, tokenFile, authScheme, caFile string
	clientIDFile, clientSecretFile                 string
	sandbox                                        bool
	client                                         api.Options // how fast and how patiently
	warnings                                       []string    // of resolveTenant
}

func (f *tenantFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.baseURL, "base-url", "", "the API's root, e.g. https://acme.nonemployee.com/api (default: NERM_BASE_URL)")
	flags.StringVar(&f.tenant, "tenant", "", "short for https://NAME.nonemployee.com/api (default: NERM_TENANT)")
	flags.StringVar(&f.tokenFile, "token-file", "", "read the token from a file (default: NERM_TOKEN, or NERM_CLIENT_ID, NERM_CLIENT_SECRET and NERM_TOKEN_URL)")
	flags.StringVar(&f.clientSecretFile, "client-secret-file", "", "sign in by OAuth2 client credentials, whose secret is in this file (the id is in NERM_CLIENT_ID, the token URL in NERM_TOKEN_URL)")
	flags.StringVar(&f.clientIDFile, "client-id-file", "", "read the client id from a file (default: NERM_CLIENT_ID)")
	flags.StringVar(&f.authScheme, "auth-scheme", "bearer", "bearer, or token for the older 'Authorization: Token token=T'")
	flags.StringVar(&f.caFile, "ca-file", "", "trust the root certificates in this PEM file too")
}

// registerRate adds the flags of all that send requests.
func (f *tenantFlags) registerRate(flags *pflag.FlagSet, timeout string) {
	flags.Float64Var(&f.client.Rate, "rate", 10, "requests per second, every attempt counted; 0 = no ceiling")
	flags.DurationVar(&f.client.Timeout, "timeout", 30*time.Second, timeout)
}

// registerPace adds the flags for the client; an attempt is one request of what.
func (f *tenantFlags) registerPace(flags *pflag.FlagSet, what string) {
	f.registerRate(flags, "for one attempt")
	flags.IntVar(&f.client.MaxAttempts, "max-attempts", 5, "attempts for one "+what)
	flags.DurationVar(&f.client.OutageWait, "outage-wait", 5*time.Minute, "how long to wait for a tenant that cannot be reached, or grants nothing but 429, before stopping")
}

func (f *tenantFlags) validate() error {
	switch c := f.client; {
	case c.Rate < 0 || math.IsNaN(c.Rate) || math.IsInf(c.Rate, 0):
		return usage("--rate %g: use a number of requests per second, or 0 for no ceiling", c.Rate)
	case c.Timeout <= 0:
		return usage("--timeout %s: use a time above 0, such as 30s", c.Timeout)
	case c.MaxAttempts < 1:
		return usage("--max-attempts %d: it takes at least 1 attempt", c.MaxAttempts)
	case c.OutageWait < 0:
		return usage("--outage-wait %s: use a time of 0 or more, such as 5m", c.OutageWait)
	case f.tokenFile != "" && f.clientSecretFile != "":
		return usage("both --token-file and --client-secret-file are given: use one of them")
	}
	return oneOf("auth-scheme", f.authScheme, "bearer", "token")
}

// The flags that name a tenant, and those together with the ones that sign in there.
var (
	tenantNames = []string{"base-url", "tenant", "sandbox"}
	signIn      = append([]string{"token-file", "client-secret-file", "client-id-file", "auth-scheme", "ca-file"}, tenantNames...)
)

// namesTenant reports whether the command line or a profile names a tenant. One
// that a variable names must not make a command wait for the network that works
// without.
func namesTenant(flags *pflag.FlagSet) bool {
	return slices.ContainsFunc(tenantNames, func(name string) bool {
		f := flags.Lookup(name)
		return f != nil && (sourceOf(f) == sourceFlag || sourceOf(f) == sourceProfile)
	})
}

// tenantWords returns the flags that named a tenant, for the next command.
func tenantWords(flags *pflag.FlagSet) []string {
	return flagWords(flags, func(f *pflag.Flag) bool {
		return f.Changed && slices.Contains(signIn, f.Name)
	})
}

// sandboxHost is the name of the simulated tenant in this process, wherever it
// listens.
const sandboxHost = "sandbox"

// resolveTenant decides where to send to, and with which credentials. An offline
// run needs neither, and takes what is named.
func (f *tenantFlags) resolveTenant(env func(string) string, offline bool) (job.Tenant, error) {
	t, err := f.endpoint(env)
	switch {
	case offline && err != nil && !f.sandbox && f.baseURL == "" && f.tenant == "":
		return t, nil
	case err != nil:
		return t, err
	}
	if f.caFile != "" {
		t.Client.RootCAs, err = api.ReadRoots(f.caFile)
	}
	if err == nil {
		t.Client.Auth, err = f.credentials(env)
	}
	if offline {
		t.NoSignIn = err
	} else if err != nil {
		return t, &failure{ExitUsage, err}
	}
	return t, nil
}

// endpoint decides where to send to. A flag wins over the environment; base URL
// and tenant name of the same origin contradict each other.
func (f *tenantFlags) endpoint(env func(string) string) (job.Tenant, error) {
	t := job.Tenant{Client: f.client}
	t.Client.Env = env
	t.Client.UserAgent = "nermbulk/" + version()
	base, tenant := f.baseURL, f.tenant
	if f.sandbox {
		if base != "" || tenant != "" {
			return t, usage("--sandbox is a tenant of its own: leave out --base-url and --tenant")
		}
		t.Host, t.Name, t.Sandbox = sandboxHost, sandboxHost, true
		return t, nil
	}
	if base == "" && tenant == "" {
		base, tenant = env("NERM_BASE_URL"), env("NERM_TENANT")
	}
	switch {
	case base != "" && tenant != "":
		return t, usage("both a base URL and a tenant name are given: use one of them")
	case base == "" && tenant == "":
		return t, usage("no tenant is named: use --tenant NAME or --base-url URL (or NERM_TENANT, NERM_BASE_URL), or --sandbox to rehearse")
	case tenant != "":
		var err error
		if base, err = api.TenantURL(tenant); err != nil {
			return t, &failure{ExitUsage, err}
		}
	}
	u, err := api.ParseBaseURL(base)
	if err != nil {
		return t, &failure{ExitUsage, err}
	}
	t.Host, t.Name, t.Client.BaseURL = u.Host, tenantName(u), u.String()
	return t, nil
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

// credentials finds a token, or what one is fetched with. None of them is
// ever on the command line, where other users of the machine could read it.
func (f *tenantFlags) credentials(env func(string) string) (api.Auth, error) {
	token := env("NERM_TOKEN")
	id, secret, tokenURL := env("NERM_CLIENT_ID"), env("NERM_CLIENT_SECRET"), env("NERM_TOKEN_URL")
	switch {
	case f.sandbox:
		return api.StaticToken("rehearsal-token", "bearer")
	case f.tokenFile != "":
		f.warnIfOpen("token file", f.tokenFile)
		token, err := api.ReadToken(f.tokenFile)
		if err != nil {
			return api.Auth{}, err
		}
		return api.StaticToken(token, f.authScheme)
	case token != "" && f.clientSecretFile == "":
		a, err := api.StaticToken(token, f.authScheme)
		if err != nil {
			err = fmt.Errorf("NERM_TOKEN: %w", err)
		}
		return a, err
	case id == "" && secret == "" && tokenURL == "" && f.clientSecretFile == "" && f.clientIDFile == "":
		return api.Auth{}, fmt.Errorf("no token: set NERM_TOKEN, or use --token-file FILE, or set NERM_CLIENT_ID, NERM_CLIENT_SECRET and NERM_TOKEN_URL; --sandbox needs none")
	}
	var err error
	if f.clientSecretFile != "" {
		f.warnIfOpen("client secret file", f.clientSecretFile)
		secret, err = api.ReadSecret(f.clientSecretFile, "client secret file")
	}
	if f.clientIDFile != "" && err == nil {
		id, err = api.ReadSecret(f.clientIDFile, "client id file")
	}
	if err != nil {
		return api.Auth{}, err
	}
	return api.ClientCredentials(id, secret, tokenURL)
}

// warnIfOpen warns of a file with a secret that every user of the machine can
// read. Windows has no such modes.
func (f *tenantFlags) warnIfOpen(what, file string) {
	info, err := os.Stat(file)
	if err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		f.warnings = append(f.warnings, fmt.Sprintf("the %s %s can be read by other users of this machine: chmod 600 %s", what, text.Line(file, 0), text.ShellPath(file)))
	}
}

// warn says what resolveTenant found.
func (f *tenantFlags) warn(out *printer) {
	for _, warning := range f.warnings {
		out.say(slog.LevelWarn, "warning: "+warning, "warning", "text", warning)
	}
}
