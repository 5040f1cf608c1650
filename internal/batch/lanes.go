package batch

import "sync"

// lanes hands changes to the workers so that those of one id follow each
// other in the sheet's order and are never in flight at the same time. It
// holds back at most a bounded number of changes.
type lanes struct {
	mu      sync.Mutex
	room    sync.Cond
	waiting map[string][]*Change // by id in flight; the id's later changes
	held    int
	closed  bool
}

// mostHeld bounds the changes that wait for an earlier one of their id.
const mostHeld = 1024

func newLanes() *lanes {
	l := &lanes{waiting: map[string][]*Change{}}
	l.room.L = &l.mu
	return l
}

// enter reports whether c may be sent at once. Otherwise the lane keeps it and
// leave returns it when its turn has come; enter then waits while too many are
// held. After close it keeps nothing more.
func (l *lanes) enter(c *Change) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, busy := l.waiting[c.ID]
	if !busy {
		l.waiting[c.ID] = nil
		return true
	}
	l.waiting[c.ID] = append(queue, c)
	l.held++
	for l.held >= mostHeld && !l.closed {
		l.room.Wait()
	}
	return false
}

// leave says that a change of this id has ended, and returns the next one, if
// any.
func (l *lanes) leave(id string) *Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.waiting[id]
	if len(queue) == 0 {
		delete(l.waiting, id)
		return nil
	}
	next := queue[0]
	l.waiting[id] = queue[1:]
	l.held--
	l.room.Signal()
	return next
}

// close lets go of whoever waits for room: the run stops.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.room.Broadcast()
}
