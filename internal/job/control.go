package job

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
)

// Control steers one job while it sends. Whoever drives the job makes one and
// puts it into its Options. The zero value is ready. Its methods may be called
// from any goroutine and at any time: before the job sends they hold for when it
// does, and after it they do nothing.
type Control struct {
	stopped, paused atomic.Bool
	rate            atomic.Pointer[float64] // nil while it is the job's own

	mu     sync.Mutex // is held by what changes any of it
	sender steered    // nil unless rows are being sent
	stop   context.CancelFunc
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
	c.change(func() { c.paused.Store(true) })
}

// Continue ends a pause. What was not sent meanwhile is not made up for.
func (c *Control) Continue() {
	c.change(func() { c.paused.Store(false) })
}

// SetRate permits so many requests per second from now on, in the place of the
// job's own rate; 0 is no ceiling. What the tenant grants is kept to as before.
func (c *Control) SetRate(perSecond float64) {
	perSecond = max(0, perSecond)
	c.change(func() { c.rate.Store(&perSecond) })
}

// steer has the Control steer a sender, nil for none any more.
func (c *Control) steer(s steered) {
	c.change(func() { c.sender = s })
}

// change changes what is in force, and passes it on.
func (c *Control) change(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
	if c.sender == nil {
		return
	}
	if rate := c.rate.Load(); rate != nil {
		c.sender.SetRate(*rate)
	}
	if c.Paused() {
		c.sender.Pause()
	} else {
		c.sender.Continue()
	}
}

// Stop ends the job as an interrupt does: requests in flight finish, the files
// are written, and it can be resumed. Its exit code is ExitStopped. Before rows
// are sent, Run returns context.Canceled.
func (c *Control) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped.Store(true)
	if c.stop != nil {
		c.stop()
	}
}

// bound returns a context that ends with ctx, and when the job is asked to stop.
func (c *Control) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, c.stop = context.WithCancel(ctx)
	if c.Stopped() {
		c.stop()
	}
	return ctx, c.stop
}

// Stopped reports whether the job was asked to stop.
func (c *Control) Stopped() bool { return c.stopped.Load() }

// Paused reports whether requests are held back.
func (c *Control) Paused() bool { return c.paused.Load() }

// Rate returns the requests per second that are permitted: own, unless another
// rate was set.
func (c *Control) Rate(own float64) float64 { return *cmp.Or(c.rate.Load(), &own) }
