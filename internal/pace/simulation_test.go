package pace

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// A simulation in virtual time: workers that send through a pacer to a tenant
// with a limit of its own. It is the production code but for the clock, the
// lock and the sockets, and it is deterministic.

// simTenant answers at a moment of virtual time: how long to stay away when
// it refuses, or ok.
type simTenant interface {
	serve(t time.Duration) (retryAfter time.Duration, ok bool)
	// capacity is how many requests it grants from one moment to another to
	// somebody who always wants more and has nothing saved up.
	capacity(from, to time.Duration) float64
}

type simEvent struct {
	at   time.Duration
	seq  int
	kind simKind
	sent time.Duration
	wait time.Duration // Retry-After of a refusal
	ok   bool
}

type simKind int

const (
	simWake   simKind = iota // the first in line asks again
	simArrive                // a request reaches the tenant
	simAnswer                // its answer is back
	simReady                 // a worker has its next request
)

type simQueue []simEvent

func (q simQueue) Len() int { return len(q) }
func (q simQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// simulation is one run; its fields below the blank line are its result.
type simulation struct {
	tenant  simTenant
	pacer   *pacer
	latency time.Duration
	jitter  float64 // share of the latency, either way
	length  time.Duration
	workers int

	sent, refused int
	granted       []int // by second of arrival

	queue  simQueue
	seq    int
	now    time.Duration
	line   int // workers that wait for a turn
	wakeAt time.Duration
	rng    *rand.Rand
}

var simEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *simulation) at(e simEvent) {
	s.seq++
	e.seq = s.seq
	heap.Push(&s.queue, e)
}

// leg is the time of one way.
func (s *simulation) leg() time.Duration {
	half := s.latency.Seconds() / 2 * (1 + s.jitter*(2*s.rng.Float64()-1))
	return max(50*time.Microsecond, time.Duration(half*float64(time.Second)))
}

func (s *simulation) run() {
	s.rng = rand.New(rand.NewPCG(1, 2))
	s.granted = make([]int, int(s.length/time.Second)+1)
	for range s.workers {
		s.at(simEvent{kind: simReady})
	}
	for s.queue.Len() > 0 {
		e := heap.Pop(&s.queue).(simEvent)
		if e.at >= s.length {
			return
		}
		s.now = e.at
		s.step(e)
	}
}

func (s *simulation) step(e simEvent) {
	switch e.kind {
	case simReady:
		s.line++
		if s.line > 1 {
			return // somebody else is first
		}
	case simWake:
		if e.at != s.wakeAt {
			return // asked again since
		}
	case simArrive:
		e.wait, e.ok = s.tenant.serve(s.now)
		if s.sent++; e.ok {
			s.granted[s.now/time.Second]++
		} else {
			s.refused++
		}
		e.kind, e.at = simAnswer, s.now+s.leg()
		s.at(e)
		return
	case simAnswer:
		o := Observation{SentAt: simEpoch.Add(e.sent), At: simEpoch.Add(s.now), Outcome: Granted, RetryAfter: -1}
		if !e.ok {
			o.Outcome, o.RetryAfter = Refused, e.wait
		}
		s.pacer.observe(o)
		s.at(simEvent{kind: simReady, at: s.now + 20*time.Microsecond})
	}
	s.serveLine()
}

func (s *simulation) serveLine() {
	for s.line > 0 {
		if d := s.pacer.take(simEpoch.Add(s.now)); d > 0 {
			s.wakeAt = s.now + d
			s.at(simEvent{kind: simWake, at: s.wakeAt})
			return
		}
		s.line--
		s.at(simEvent{kind: simArrive, at: s.now + s.leg(), sent: s.now})
	}
}

func (s *simulation) grantedFrom(from time.Duration) float64 {
	n := 0
	for _, g := range s.granted[from/time.Second:] {
		n += g
	}
	return float64(n)
}
