package api

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// grant is one authorisation: what goes into the header, and until when.
type grant struct {
	header  []string  // the Authorization header's value; never changed
	renew   time.Time // from when a new one is fetched in the background; zero: never
	expires time.Time // from when it is no longer used; zero: never
}

// credentials hands out the grant to use. All workers share it, and of those
// that need a new one at the same time only one fetches it.
type credentials struct {
	fetch func() (*grant, error) // nil for a token that stands
	log   *slog.Logger

	now atomic.Pointer[grant]

	mu      sync.Mutex
	renewal *renewal  // the one under way
	quiet   time.Time // no renewal in the background before
	running sync.WaitGroup
}

// renewal is one fetch that any number of workers wait for.
type renewal struct {
	done  chan struct{}
	grant *grant
	err   error
}

// renewalPause is the least time between two renewals that nobody waits for,
// when they fail.
const renewalPause = 5 * time.Second

// newStaticCredentials is for a token that stands.
func newStaticCredentials(header string) *credentials {
	c := &credentials{}
	c.now.Store(&grant{header: []string{header}})
	return c
}

// current returns the grant to use, fetching one if there is none that is
// good. The error is the context's, or what fetch returned.
func (c *credentials) current(ctx context.Context) (*grant, error) {
	g := c.now.Load()
	if g == nil {
		return c.wait(ctx, c.start(nil))
	}
	if g.renew.IsZero() {
		return g, nil
	}
	switch now := time.Now(); {
	case now.Before(g.renew):
		return g, nil
	case now.Before(g.expires):
		c.renewInBackground(g, now)
		return g, nil
	}
	return c.wait(ctx, c.start(g))
}

// discard takes a grant that the tenant turned away out of use, so that the
// next call of current fetches another, for all workers together. It reports
// whether there can be another.
func (c *credentials) discard(stale *grant) bool {
	if c.fetch == nil {
		return false
	}
	c.now.CompareAndSwap(stale, nil)
	return true
}

// renewInBackground begins a renewal that nobody waits for: the grant in use
// is good for a while.
func (c *credentials) renewInBackground(g *grant, now time.Time) {
	c.mu.Lock()
	early := now.Before(c.quiet)
	if !early {
		c.quiet = now.Add(renewalPause)
	}
	c.mu.Unlock()
	if !early {
		c.start(g)
	}
}

// start begins a renewal, or joins the one under way. If somebody else has
// replaced the stale grant already, it is a finished one.
func (c *credentials) start(stale *grant) *renewal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.now.Load(); g != nil && g != stale {
		r := &renewal{done: make(chan struct{}), grant: g}
		close(r.done)
		return r
	}
	if c.renewal != nil {
		return c.renewal
	}
	r := &renewal{done: make(chan struct{})}
	c.renewal = r
	c.running.Go(func() {
		g, err := c.fetch()
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.grant, r.err = g, err; err == nil {
			c.now.Store(g)
			c.log.Debug("access token renewed", "expires", g.expires)
		} else {
			c.log.Debug("access token not renewed", "error", err.Error())
		}
		c.renewal = nil
		close(r.done)
	})
	return r
}

func (c *credentials) wait(ctx context.Context, r *renewal) (*grant, error) {
	select {
	case <-r.done:
		return r.grant, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close waits for a renewal under way, which is bounded by its timeout.
func (c *credentials) close() { c.running.Wait() }
