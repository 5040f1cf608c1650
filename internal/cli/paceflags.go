package cli

import (
	"math"
	"time"

	"github.com/spf13/pflag"
)

// paceFlags say how fast and how patiently requests are sent.
type paceFlags struct {
	rate                float64
	timeout, outageWait time.Duration
	maxAttempts         int
}

// register adds the flags; an attempt is one request of what.
func (f *paceFlags) register(flags *pflag.FlagSet, what string) {
	flags.Float64Var(&f.rate, "rate", 10, "requests per second, every attempt counted; 0 = no ceiling")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "for one attempt")
	flags.IntVar(&f.maxAttempts, "max-attempts", 5, "attempts for one "+what)
	flags.DurationVar(&f.outageWait, "outage-wait", 5*time.Minute, "how long to wait for a tenant that cannot be reached before stopping")
}

func (f *paceFlags) validate() error {
	switch {
	case f.rate < 0 || math.IsNaN(f.rate) || math.IsInf(f.rate, 0):
		return usage("--rate %g: use a number of requests per second, or 0 for no ceiling", f.rate)
	case f.timeout <= 0:
		return usage("--timeout %s: use a time above 0, such as 30s", f.timeout)
	case f.maxAttempts < 1:
		return usage("--max-attempts %d: it takes at least 1 attempt", f.maxAttempts)
	case f.outageWait < 0:
		return usage("--outage-wait %s: use a time of 0 or more, such as 5m", f.outageWait)
	}
	return nil
}
