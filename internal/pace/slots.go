package pace

import (
	"slices"
	"time"
)

const (
	// slotsMost is the most requests at once that are taken for a tenant's limit.
	slotsMost = 64
	// slotsProof is how often all slots must have been granted before one more
	// is tried, as a proof, and slotsHoldOff the time until it is tried again,
	// which doubles each time.
	slotsProof   = 3
	slotsHoldOff = time.Minute
	// overtaking is by how much a request may overtake another.
	overtaking = 10 * time.Millisecond
)

// slots recognises a tenant that answers only so many requests at once. It
// refuses whatever comes when that many are in flight, and never else: so a
// refusal with more in flight than was ever granted raises the suspicion, one
// less in flight must end it, and one more must bring it back.
type slots struct {
	limit int // 0: the tenant does not seem to have one

	sends [2 * slotsMost]send // the last ones, as a ring
	next  int

	// What was granted and refused by the number in flight when it was sent; halved
	// after each block, so that what is old counts less.
	yes, no [slotsMost + 1]float64

	granted     int       // since the limit changed
	lowered     int       // times in a row, soon after one another
	raised      int       // times before it was proven
	more, fewer int       // granted and refused of those sent as one too many, to see
	proven      bool      // one too many is refused
	tryAt       time.Time // when one too many is sent again
	holdOff     time.Duration
}

type send struct {
	at     time.Time
	flight int
}

// sent notes that a request leaves, as one of so many in flight.
func (s *slots) sent(at time.Time, flight int) {
	s.sends[s.next] = send{at, flight}
	s.next = (s.next + 1) % len(s.sends)
}

// flight returns how many were in flight when a request was sent, or up to a
// time later: one that was sent a moment later may have overtaken it.
func (s *slots) flight(sent time.Time, later time.Duration) int {
	most := 0
	for i := range s.sends {
		x := s.sends[(s.next-1-i+2*len(s.sends))%len(s.sends)]
		if !x.at.After(sent.Add(later)) {
			most = max(most, x.flight)
		}
		if !x.at.After(sent) {
			break
		}
	}
	return most
}

// full reports whether no more may leave.
func (s *slots) full(now time.Time, flight int) bool {
	if s.limit == 0 || flight < s.limit {
		return false
	}
	if flight == s.limit && (!s.proven && s.granted >= slotsProof*s.limit+10 || s.proven && now.After(s.tryAt)) {
		return false // one more, to see
	}
	return true
}

// onGranted learns from a request that was granted.
func (s *slots) onGranted(sent, now time.Time) {
	f := s.flight(sent, 0)
	s.yes[min(f, slotsMost)]++
	if s.limit == 0 {
		return
	}
	s.granted++
	if f <= s.limit || s.granted < 2*s.limit {
		return
	}
	s.more++
	switch enough := 6 + 6*s.fewer; {
	case s.more < enough:
	case s.proven: // it grants more than before
		s.set(f, now.Add(time.Second))
		s.proven = true
	case s.raised >= 2:
		s.drop(now)
	default:
		s.raised++
		s.set(f, now)
	}
}

// onRefused learns from a refusal, and reports whether it is explained by the
// number in flight.
func (s *slots) onRefused(sent, now time.Time) bool {
	f := s.flight(sent, overtaking)
	if s.limit == 0 {
		s.no[min(f, slotsMost)]++
		return false
	}
	if f > s.limit {
		if s.granted < 2*s.limit {
			return true
		}
		if s.fewer++; s.fewer >= 2 || s.more == 0 {
			s.holdOff = max(slotsHoldOff, min(2*s.holdOff, 5*slotsHoldOff))
			s.set(s.limit, now.Add(s.holdOff))
			s.proven = true
		}
		return true
	}
	if s.lowered++; s.granted > 20*s.limit {
		s.lowered = 1
	}
	if f > s.granted && s.granted > 1 { // all were sent at once, and so many were granted
		f = s.granted + 1
	}
	if f <= 2 || s.lowered > 2 {
		s.drop(now)
		return false
	}
	proven := s.proven
	s.set(f-1, now.Add(s.holdOff))
	s.proven = proven
	return true
}

// unblocked notes that a block has ended, and suspects a limit if it looks like one.
func (s *slots) unblocked(now time.Time) {
	least := slices.IndexFunc(s.no[:], func(n float64) bool { return n >= 0.5 })
	if s.limit == 0 && least > 2 && now.After(s.tryAt) {
		yes, no := 0.0, 0.0
		for i := least; i <= slotsMost; i++ {
			yes, no = yes+s.yes[i], no+s.no[i]
		}
		if yes <= 8*no+2 && no <= float64(least)/2 {
			s.set(least-max(1, int(no)), now)
			s.lowered, s.raised = 0, 0
		}
	}
	for i := range s.yes {
		s.yes[i] /= 2
		s.no[i] /= 2
	}
}

func (s *slots) set(limit int, tryAt time.Time) {
	s.limit, s.tryAt = limit, tryAt
	s.granted, s.more, s.fewer, s.proven = 0, 0, 0, false
}

// drop gives the suspicion up for a while.
func (s *slots) drop(now time.Time) {
	s.holdOff = max(slotsHoldOff, min(2*s.holdOff, 5*slotsHoldOff))
	s.set(0, now.Add(s.holdOff))
}
