package api

import (
	"context"
	"errors"
	"sync"
	"time"
)

// hold keeps requests back while the user pauses. Those in flight finish. It is
// safe for concurrent use; the zero value lets everything pass.
type hold struct {
	mu    sync.Mutex
	since time.Time
	ended chan struct{} // closed at the end of the pause; nil without one
}

// errHeld ends a wait for a turn when a pause has begun meanwhile.
var errHeld = errors.New("the user has paused")

// begin begins a pause, unless there is one.
func (h *hold) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended == nil {
		h.since, h.ended = time.Now(), make(chan struct{})
	}
}

// end ends the pause, if there is one, after before was called with its length.
func (h *hold) end(before func(length time.Duration)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended == nil {
		return
	}
	before(time.Since(h.since))
	close(h.ended)
	h.ended = nil
}

func (h *hold) pause() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

// on returns errHeld during a pause.
func (h *hold) on() error {
	if h.pause() != nil {
		return errHeld
	}
	return nil
}

// wait returns when there is no pause, or with the error of the context.
func (h *hold) wait(ctx context.Context) error {
	for ended := h.pause(); ended != nil; ended = h.pause() {
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Pause holds requests back until Continue, without ending any that is in
// flight. The time is none in which the tenant was out of reach or granted
// nothing, and nothing is learned from it.
func (c *Client) Pause() { c.held.begin() }

// Continue ends a pause. What was not sent meanwhile is not made up for.
func (c *Client) Continue() {
	c.held.end(func(length time.Duration) {
		c.outage.extend(length)
		c.starved.extend(length)
		c.limiter.Skip(length)
	})
}

// SetRate changes the requests per second that are permitted, for those who
// wait too; 0 is no ceiling.
func (c *Client) SetRate(perSecond float64) { c.limiter.SetRate(perSecond) }
