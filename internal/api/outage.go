package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errGaveUp ends every wait for the tenant after the outage wait.
var errGaveUp = errors.New("the tenant stayed out of reach")

// breaker holds up all workers while the tenant cannot be reached: one of them
// probes, with backoff and full jitter, and the rest wait for what it finds.
// It is safe for concurrent use.
type breaker struct {
	maxOutage time.Duration // how long an outage may last

	open atomic.Bool // the tenant cannot be reached

	mu      sync.Mutex
	since   time.Time     // of the first failure of this outage
	held    time.Duration // of this outage, that nobody was to try
	holder  probe         // the one that may probe; 0 when nobody does
	issued  probe         // the last one handed out
	failed  int           // probes that failed in this outage
	cause   string        // of the last failure
	gaveUp  bool          // for good
	changed chan struct{} // closed when those who wait have to look again
}

// probe entitles one worker to try the tenant during an outage; 0 is none.
type probe uint64

// wait returns when the tenant may be tried. p is the probe that the caller
// has from an attempt before, or 0. With a probe as its result the caller has
// to try once, alone, and then to call succeed, fail or release. The error is
// the context's or errGaveUp, and then the probe is released.
func (b *breaker) wait(ctx context.Context, p probe) (probe, error) {
	for b.open.Load() {
		b.mu.Lock()
		if b.gaveUp || !b.open.Load() {
			gaveUp := b.gaveUp
			b.mu.Unlock()
			if gaveUp {
				return 0, errGaveUp
			}
			break
		}
		if b.holder == 0 || b.holder == p {
			b.issued++
			p = b.issued
			b.holder = p
			pause := jitter(backoff(b.failed+1, probeCap))
			// The last probe leaves when the outage wait ends, not after.
			pause = min(pause, time.Until(b.since.Add(b.maxOutage+b.held)))
			b.mu.Unlock()
			if err := sleep(ctx, pause); err != nil {
				b.release(p)
				return 0, err
			}
			return p, nil
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return 0, nil
}

// fail notes that nothing could be sent, and reports whether this began the
// outage. The probe stays good, for wait.
func (b *breaker) fail(p probe, cause string) (began bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cause = cause
	if began = !b.open.Load(); began {
		b.since, b.held, b.failed, b.holder = time.Now(), 0, 0, p
		b.changed = make(chan struct{})
		b.open.Store(true)
	} else if p != 0 && p == b.holder {
		b.failed++
	}
	if !b.gaveUp && time.Since(b.since) >= b.maxOutage+b.held {
		b.gaveUp = true
		close(b.changed)
	}
	return began
}

// succeed notes that the tenant answered somebody, and returns how long the
// outage was that this ends, 0 when there was none. Nothing ends one that was
// given up: those who waited have ended already.
func (b *breaker) succeed() time.Duration {
	if !b.open.Load() {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gaveUp || !b.open.Load() {
		return 0
	}
	b.holder = 0
	b.open.Store(false)
	close(b.changed)
	return time.Since(b.since)
}

// release gives a probe back unused, so that one of those who wait takes over.
// It may be called with a probe that is no longer good.
func (b *breaker) release(p probe) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p == 0 || p != b.holder {
		return
	}
	b.holder = 0
	if b.open.Load() && !b.gaveUp {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// extend leaves a time out of how long an outage lasts: nobody tried.
func (b *breaker) extend(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += by // the next outage begins without
}

// state returns since when there is an outage, and the reason of the last
// failure, "" when there never was one.
func (b *breaker) state() (since time.Time, cause string, out bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since, b.cause, b.open.Load()
}
