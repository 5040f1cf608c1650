package job

import (
	"context"
	"sync"
)

// Control steers one job while it sends. Whoever drives the job makes one and
// puts it into its Options. The zero value is ready. Its methods may be called
// from any goroutine and at any time: before the job sends they hold for when it
// does, and after it they do nothing.
type Control struct {
	mu      sync.Mutex
	sender  steered // nil unless rows are being sent
	stop    context.CancelFunc
	stopped bool
	paused  bool
	rate    *float64 // nil while it is the job's own
}

// steered is what a Control steers: an *api.Client.
type steered interface {
	Pause()
	Continue()
	SetRate(perSecond float64)
}

// Pause holds requests back until Continue. Those in flight finish. It is no
// outage and says nothing about what the tenant grants.
func (c *Control) Pause() {
	c.change(func() { c.paused = true })
}

// Continue ends a pause. What was not sent meanwhile is not made up for.
func (c *Control) Continue() {
	c.change(func() { c.paused = false })
}

// SetRate permits so many requests per second from now on, in the place of the
// job's own rate; 0 is no ceiling. What the tenant grants is kept to as before.
func (c *Control) SetRate(perSecond float64) {
	perSecond = max(0, perSecond)
	c.change(func() { c.rate = &perSecond })
}

func (c *Control) change(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
	c.apply()
}

// apply passes on what is in force. The caller has the lock.
func (c *Control) apply() {
	if c.sender == nil {
		return
	}
	if c.rate != nil {
		c.sender.SetRate(*c.rate)
	}
	if c.paused {
		c.sender.Pause()
	} else {
		c.sender.Continue()
	}
}

// steer has the Control steer a sender, nil for none any more.
func (c *Control) steer(s steered) {
	c.change(func() { c.sender = s })
}

// Stop ends the job as an interrupt does: requests in flight finish, the files
// are written, and it can be resumed. Its exit code is ExitStopped. Before rows
// are sent, Run returns context.Canceled.
func (c *Control) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.stop != nil {
		c.stop()
	}
}

// bound returns a context that ends with ctx, and when the job is asked to stop.
func (c *Control) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, c.stop = context.WithCancel(ctx)
	if c.stopped {
		c.stop()
	}
	return ctx, c.stop
}

// Stopped reports whether the job was asked to stop.
func (c *Control) Stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// Paused reports whether requests are held back.
func (c *Control) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// Rate returns the requests per second that are permitted: own, unless another
// rate was set.
func (c *Control) Rate(own float64) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rate == nil {
		return own
	}
	return *c.rate
}
