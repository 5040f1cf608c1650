package report

import (
	"context"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// sends says what rows sent over what a session held. The first edition of the
// journal does not have it: of such a row it is what the sheet has of the same
// content, of whatever number.
type sends struct {
	o      Options
	byHash map[uint64]map[string]string // nil until the first such row
}

// of returns the fields of a record by their names in a header; ok is false where
// nothing has them any more.
func (s *sends) of(ctx context.Context, before *journal.Before, hash uint64) (sent map[string]string, ok bool, err error) {
	if before.Sent != nil {
		return before.Sent, true, nil
	}
	if s.byHash == nil {
		err = s.read(ctx)
	}
	sent, ok = s.byHash[hash]
	return sent, ok, err
}

func (s *sends) read(ctx context.Context) error {
	s.byHash = map[uint64]map[string]string{}
	checker := change.NewChecker(s.o.Sheet, s.o.Rules)
	return s.o.Sheet.Each(ctx, func(row *sheet.Row) error {
		if change.FirstError(checker.Plan(row)) == nil {
			s.byHash[checker.Change.Hash()] = checker.Change.Sent()
		}
		return nil
	})
}
