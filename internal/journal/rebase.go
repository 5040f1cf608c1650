package journal

import (
	"errors"
	"iter"
)

// Rebase opens a session with an edited sheet, whose rows have other numbers:
// carried are the Outcome, Intent, Before and Planned records that still hold,
// under their new row numbers, a row's Intent after its Outcome where it is in
// flight. Together they replace all that is known of rows, at once: a kill in
// between leaves everything as it was. Rebase returns once that is on the disk;
// records that others append wait until then. An error from carried gives the
// rebase up and stops the writer.
func (w *Writer) Rebase(start Start, carried iter.Seq2[Record, error]) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && !w.closed && w.rebasing {
		w.progress.Wait()
	}
	if err := w.push(rebaseBegin{start}, false, false); err != nil {
		return err
	}
	w.rebasing = true
	n, err := w.carryAll(carried)
	if err == nil {
		err = w.push(rebaseEnd{n}, false, false)
	}
	w.rebasing = false
	w.progress.Broadcast()
	if err != nil {
		// The block stays open, and nothing may follow it in this session.
		w.fail(err)
		return w.err
	}
	return w.awaitSynced(w.queued)
}

// carryAll queues the records of a block and counts them; w.mu is held, but not
// while carried runs.
func (w *Writer) carryAll(carried iter.Seq2[Record, error]) (n int, err error) {
	w.mu.Unlock()
	defer w.mu.Lock()
	for r, err := range carried {
		if err == nil {
			err = w.carry(r)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (w *Writer) carry(r Record) error {
	switch r.(type) {
	case Outcome, Intent, Before, Planned:
	default:
		return errors.New("a rebase carries only what is about a row")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && !w.closed && len(w.out.b) >= maxPending {
		w.progress.Wait()
	}
	return w.push(r, true, false)
}
