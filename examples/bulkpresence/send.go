package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/symphony-go/symphony"
)

// send sets the presences that are not done. It stops at an error that all others would have
// too; the updates in progress are still recorded.
func send(ctx context.Context, client *symphony.Client, workers int, source *source) (stopped error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	source.ctx = ctx
	outcome := source.outcome
	doubts := doubts{outcome: outcome}
	source.pulled = doubts.settle
	for result := range client.SetUserPresences(ctx, source.updates, symphony.WithConcurrency(workers)) {
		row := source.take(result.Index)
		switch {
		case result.Err == nil:
			doubts.settleUser(row.UserID)
			outcome.set(row)
		case stopped != nil || ctx.Err() != nil && errors.Is(result.Err, ctx.Err()):
			// Not done, and no failure of its own.
		case endsRun(result.Err, outcome.report.set > 0):
			stopped = result.Err
			cancel()
		default:
			doubts.held = append(doubts.held, failure{row, result.Err})
		}
		if outcome.err != nil && stopped == nil {
			stopped = errors.New("the outcome cannot be written")
			cancel()
		}
	}
	if stopped == nil {
		stopped = source.err
	}
	if stopped == nil && source.cutShort && ctx.Err() == nil && len(doubts.held) > 0 {
		return doubts.held[0].err
	}
	doubts.settle()
	return stopped
}

// doubts are failed updates whose failure may be their own, or may be the end of the run: a
// client ends its run when the login fails, for whatever reason. The failure is the update's
// own if the client wants further updates after it, or has sent another update of the user.
type doubts struct {
	outcome *outcome
	held    []failure
}

func (d *doubts) settle() { d.settleThose(func(failure) bool { return true }) }

func (d *doubts) settleUser(userID int64) {
	d.settleThose(func(f failure) bool { return f.UserID == userID })
}

func (d *doubts) settleThose(are func(failure) bool) {
	d.held = slices.DeleteFunc(d.held, func(f failure) bool {
		if are(f) {
			d.outcome.failed(kind(f.err), f)
			return true
		}
		return false
	})
}

// preview prints what would be set.
func preview(source *source, stdout io.Writer) error {
	for update := range source.updates {
		row := source.take(source.sent - 1)
		soft := ""
		if update.Soft {
			soft = " (soft)"
		}
		if _, err := fmt.Fprintf(stdout, "line %d: %s: %s -> %s%s\n", row.line, row.who(), row.shown, update.Category, soft); err != nil {
			return err
		}
		source.outcome.set(row)
	}
	return source.err
}
