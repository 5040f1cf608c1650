package pace

// trail counts what was granted in each tenth of the last minute and some,
// so that a limit met only now can be judged by what went before.
type trail struct {
	counts [640]float64
	last   int // the newest tenth since the start
}

const trailPerSecond = 10

// add counts n requests granted at a second since the start.
func (t *trail) add(at, n float64) {
	i := int(at * trailPerSecond)
	for t.last < i {
		t.last++
		t.counts[t.last%len(t.counts)] = 0
		if i-t.last > len(t.counts) {
			t.last = i - len(t.counts)
		}
	}
	if i > t.last-len(t.counts) {
		t.counts[i%len(t.counts)] += n
	}
}

// since returns how many were granted from one second to now.
func (t *trail) since(from float64) float64 {
	n := 0.0
	oldest := max(int(from*trailPerSecond), t.last-len(t.counts)+1, 0)
	for i := t.last; i >= oldest; i-- {
		n += t.counts[i%len(t.counts)]
	}
	return n
}
