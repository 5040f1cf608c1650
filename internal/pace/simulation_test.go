package pace

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"
)

// A simulation in virtual time: workers that send through a pacer to a tenant
// with a limit of its own. It is the production code but for the clock, the
// lock and the sockets, and it is deterministic.

// simTenant is a tenant with a limit.
type simTenant interface {
	// serve answers a request that arrives at a moment.
	serve(t time.Duration) simReply
	// whole returns the longest part of a time that holds whole windows only, and
	// how many requests are granted in it to somebody who always wants more.
	whole(from, to time.Duration) (begin, end time.Duration, grant float64)
}

// simReply is a tenant's answer. It leaves after a time, and done is called then.
type simReply struct {
	ok    bool
	wait  time.Duration // Retry-After of a refusal; below 0: none
	takes time.Duration
	done  func()

	overload bool // a refusal that is only a sign of overload
}

type simEvent struct {
	at    time.Duration
	seq   int
	kind  simKind
	sent  time.Duration
	reply simReply
}

type simKind int

const (
	simWake   simKind = iota // the first in line asks again
	simArrive                // a request reaches the tenant
	simServed                // the tenant has dealt with it
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
	jitter  time.Duration // of each way, at most 15 % of the latency
	length  time.Duration
	workers int

	sent, refused int
	granted       []time.Duration // when they arrived

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

// leg is the time of one way: half the latency, and up to jitter more or less.
func (s *simulation) leg() time.Duration {
	jitter := min(s.jitter, s.latency*3/20).Seconds()
	leg := s.latency.Seconds()/2 + jitter*(2*s.rng.Float64()-1)
	return max(50*time.Microsecond, time.Duration(leg*float64(time.Second)))
}

func (s *simulation) run() {
	s.rng = rand.New(rand.NewPCG(1, 2))
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
		e.reply = s.tenant.serve(s.now)
		if s.sent++; e.reply.ok {
			s.granted = append(s.granted, s.now)
		} else {
			s.refused++
		}
		e.kind, e.at = simServed, s.now+time.Duration((0.5+s.rng.Float64())*float64(e.reply.takes))
		s.at(e)
		return
	case simServed:
		if e.reply.done != nil {
			e.reply.done()
		}
		e.kind, e.at = simAnswer, s.now+s.leg()
		s.at(e)
		return
	case simAnswer:
		o := Observation{SentAt: simEpoch.Add(e.sent), At: simEpoch.Add(s.now), Outcome: Granted, RetryAfter: -1}
		if !e.reply.ok {
			o.Outcome, o.RetryAfter = Refused, e.reply.wait
			if e.reply.overload {
				o.Outcome = Overloaded
			}
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

// grantedIn returns how many requests were granted from one moment to another.
func (s *simulation) grantedIn(from, to time.Duration) int {
	i, _ := slices.BinarySearch(s.granted, from)
	j, _ := slices.BinarySearch(s.granted, to)
	return j - i
}

// used returns the share of the grant that was used from a moment on.
func (s *simulation) used(from time.Duration) float64 {
	begin, end, grant := s.tenant.whole(from, s.length)
	return float64(s.grantedIn(begin, end)) / grant
}
