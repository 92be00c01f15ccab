package main

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/symphony-go/symphony"
)

// lookupRows are read together when they have e-mail addresses: as many as the pod looks up
// with one request.
const lookupRows = 100

// lookup is (*symphony.Client).UsersByEmail: exactly one result for each address, in their
// order.
type lookup func(ctx context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult]

// source yields the updates of an input that are not done yet.
type source struct {
	ctx      context.Context
	input    *input
	outcome  *outcome
	lookup   lookup
	shown    *presences // nil to send every update
	dryRun   bool
	sent     int
	pending  map[int]row // by the index of the update, until its result is there
	pulled   func()      // called when the client wants a further update
	cutShort bool        // the client wanted no more updates
	err      error       // what ended the reading too early
}

// take returns the row of an update that has its result.
func (s *source) take(index int) row {
	r := s.pending[index]
	delete(s.pending, index)
	return r
}

// updates is the iterator for SetUserPresences. A row that cannot be sent fails, and the
// others continue.
func (s *source) updates(yield func(symphony.PresenceUpdate) bool) {
	for {
		rows, err := s.read()
		if lookupErr := s.find(rows); lookupErr != nil {
			s.err = lookupErr
			return
		}
		for _, r := range rows {
			if s.ctx.Err() != nil || s.err != nil {
				return
			}
			if r.UserID > 0 && s.isNeeded(&r) && !s.send(r, yield) {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && s.ctx.Err() == nil {
				s.err = inputError(err)
			}
			return
		}
	}
}

// send yields the update of a row.
func (s *source) send(r row, yield func(symphony.PresenceUpdate) bool) bool {
	s.pending[s.sent] = r
	s.sent++
	if s.shown != nil {
		s.shown.update(r)
	}
	if !yield(r.PresenceUpdate) {
		s.cutShort = true
		return false
	}
	s.pulled()
	return true
}

// read reads the next row that is not done, or several rows if their users have to be looked
// up. With an error, they are the last rows.
func (s *source) read() (rows []row, err error) {
	lookUp := false
	for len(rows) == 0 || lookUp && len(rows) < lookupRows {
		cells, err := s.input.Read()
		if err != nil {
			return rows, err
		}
		s.outcome.read()
		if cells.Blank {
			s.outcome.skipped()
			continue
		}
		if s.outcome.isDone(cells.Line) {
			continue
		}
		r, err := parseRow(cells)
		if err != nil {
			s.outcome.failed(unreadable, failure{r, err})
			continue
		}
		lookUp = lookUp || r.email != ""
		rows = append(rows, r)
	}
	return rows, nil
}

// find finds the ids of users who are known by an e-mail address. A row whose user is not
// found fails, and is left without an id. The error is one that ends the run.
func (s *source) find(rows []row) error {
	var missing []*row
	for i := range rows {
		if rows[i].email != "" {
			missing = append(missing, &rows[i])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	emails := func(yield func(string) bool) {
		for _, r := range missing {
			if !yield(r.email) {
				return
			}
		}
	}
	for result := range s.lookup(s.ctx, emails) {
		switch {
		case result.Err == nil:
			missing[result.Index].UserID = result.User.ID
		case s.ctx.Err() != nil:
			return nil
		case endsRun(result.Err, s.outcome.report.set > 0):
			return result.Err
		default:
			s.outcome.failed(kind(result.Err), failure{*missing[result.Index], result.Err})
		}
	}
	return nil
}

// isNeeded reports whether the update of a row is to be sent. A presence that cannot be
// read ends the run, or fails its row in a dry run; the update is sent otherwise.
func (s *source) isNeeded(r *row) bool {
	if s.shown == nil {
		return true
	}
	var err error
	r.shown, err = s.shown.of(s.ctx, r.UserID)
	switch {
	case err != nil && s.ctx.Err() != nil:
		return false
	case err != nil && endsRun(err, s.outcome.report.set > 0):
		s.err = err
		return false
	case err != nil && s.dryRun:
		s.outcome.failed(kind(err), failure{*r, err})
		return false
	case s.shown.isNeeded(*r):
		return true
	}
	s.outcome.unchanged(*r)
	return false
}
