package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/symphony-go/symphony"
)

// send sets the presences that are not done. It stops at what would fail for all others too;
// what was set by then is still noted.
func send(ctx context.Context, client *symphony.Client, workers int, source *source) (stopped error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	source.ctx = ctx
	outcome := source.outcome
	// A failed update is the update's own failure if the client wants further updates after
	// it: its run ends when the login fails, which may be for any reason.
	var doubtful []failure
	source.pulled = func() {
		for _, f := range doubtful {
			outcome.failed(kind(f.err), f)
		}
		doubtful = nil
	}
	for result := range client.SetUserPresences(ctx, source.updates, symphony.WithConcurrency(workers)) {
		row := source.take(result.Index)
		switch {
		case result.Err == nil:
			outcome.set(row)
		case stopped != nil || ctx.Err() != nil && errors.Is(result.Err, ctx.Err()):
			// Not done, and no failure of its own.
		case endsRun(result.Err, outcome.report.set > 0):
			stopped = result.Err
			cancel()
		default:
			doubtful = append(doubtful, failure{row, result.Err})
		}
		if outcome.err != nil && stopped == nil {
			stopped = errors.New("the outcome cannot be written")
			cancel()
		}
	}
	if stopped == nil {
		stopped = source.err
	}
	if stopped == nil && source.cutShort && ctx.Err() == nil && len(doubtful) > 0 {
		return doubtful[0].err
	}
	source.pulled()
	return stopped
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
