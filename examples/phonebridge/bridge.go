package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/symphony-go/symphony"
)

// bridge makes presences follow calls: ON_THE_PHONE while a person is in at least one call,
// and then what they had before.
//
// It compares what the store says with what was done, so that it does not matter how often
// it is called for a person, or when. It must not run twice at the same time for one person.
//
// A step that fails is repeated later, from the read of the presence on: the client does
// not retry, because a category that is sent again blindly could overwrite what the user
// has chosen in the meantime.
type bridge struct {
	client      *symphony.Client
	store       *store
	queue       *queue
	meters      *meters
	credentials *credentials
	log         *slog.Logger
	now         func() time.Time
}

// clientOptions are those that the bridge needs.
func clientOptions() []symphony.Option {
	return []symphony.Option{
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}),
		symphony.WithAttemptTimeout(10 * time.Second),
		symphony.WithUserAgent("phonebridge/1"),
	}
}

// work takes people from the queue until it is closed. The context is that of the calls.
func (b *bridge) work(ctx context.Context) {
	for {
		p, ok := b.queue.next()
		if !ok {
			return
		}
		err := b.settle(ctx, p)
		switch {
		case err == nil:
			b.queue.done(p)
		case isUnknown(err):
			b.forget(ctx, p, err)
			b.queue.done(p)
		default:
			b.credentials.failed(err)
			b.queue.retry(p, func(failures int) time.Duration { return b.postpone(p, err, failures) })
		}
	}
}

// postpone returns how long to wait after so many failures in a row. It logs the 1st, 2nd,
// 4th, 8th failure and so on.
func (b *bridge) postpone(p person, err error, failures int) time.Duration {
	delay := backoff(err, failures)
	if failures&(failures-1) == 0 {
		b.log.Warn("the presence is set later", "person", p, "failures", failures, "delay", delay.String(), "error", err)
	}
	return delay
}

// isUnknown reports whether the pod does not know a person. A 404 without an error code
// comes from elsewhere, such as a gateway.
func isUnknown(err error) bool {
	notFound, ok := errors.AsType[*symphony.NotFoundError](err)
	return ok && notFound.Code != 0 && !symphony.IsCredentialError(err) || errors.Is(err, symphony.ErrUserNotFound) ||
		errors.Is(err, symphony.ErrLookupRejected)
}

func (b *bridge) forget(ctx context.Context, p person, reason error) {
	b.meters.outcome(ctx, "unknown")
	b.log.Error("the pod does not know this person; their calls are dropped", "person", p, "error", reason)
	if err := b.store.forget(ctx, p); err != nil {
		b.log.Error("the calls of an unknown person remain in the database", "person", p, "error", err)
	}
}

// backoff returns how long to wait after so many failures in a row: from 250 ms to 5 s, or
// what the pod asked for, at most a minute.
func backoff(err error, failures int) time.Duration {
	if apiErr, ok := errors.AsType[*symphony.APIError](err); ok && apiErr.RetryAfter > 0 {
		return min(apiErr.RetryAfter, time.Minute)
	}
	ceiling := min(250*time.Millisecond<<min(failures-1, 10), 5*time.Second)
	return ceiling/2 + rand.N(ceiling/2)
}

// settle brings the presence of a person in line with their calls.
func (b *bridge) settle(ctx context.Context, p person) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	userID, ok := p.userID()
	if !ok {
		return b.lookUp(ctx, p)
	}
	for {
		s, err := b.store.situation(ctx, userID)
		if err != nil {
			return err
		}
		step := b.step(s)
		if step == nil {
			return nil
		}
		if err := step(ctx, s.change); err != nil {
			return err
		}
	}
}

// step returns what to do next, or nil. A revert that has begun is completed first, even
// if another call has been answered: the pod may have applied it.
func (b *bridge) step(s situation) func(context.Context, symphony.PresenceChange) error {
	switch {
	case s.phase == left && !s.inCall:
		return b.leave
	case s.phase == reverting, s.phase != noChange && !s.inCall:
		return b.revert
	case s.phase == noChange && s.inCall:
		return b.begin
	case s.phase == setting:
		return b.resume
	}
	return nil
}

// lookUp finds the user id of an e-mail address, and leaves the rest to that user's turn.
func (b *bridge) lookUp(ctx context.Context, email person) error {
	if has, err := b.store.hasCalls(ctx, email); err != nil || !has {
		return err
	}
	for result := range b.client.UsersByEmail(ctx, slices.Values([]string{string(email)})) {
		if result.Err != nil {
			return result.Err
		}
		if err := b.store.resolve(ctx, email, result.User.ID, b.now()); err != nil {
			return err
		}
		b.queue.add(personWithID(result.User.ID))
		return nil
	}
	return fmt.Errorf("the lookup ended early: %w", context.Cause(ctx))
}

// begin sets ON_THE_PHONE. The presence before is stored first, so that it is not lost
// with the process.
func (b *bridge) begin(ctx context.Context, change symphony.PresenceChange) error {
	before, err := b.client.GetUserPresence(ctx, change.UserID, true)
	if err != nil {
		return err
	}
	change.Set, change.Before = symphony.PresenceOnThePhone, *before
	if err := b.store.save(ctx, change, setting); err != nil {
		return err
	}
	return b.set(ctx, change)
}

func (b *bridge) set(ctx context.Context, change symphony.PresenceChange) error {
	after, err := b.client.SetUserPresence(ctx, change.UserID, change.Set, true)
	if err != nil {
		return err
	}
	return b.confirm(ctx, change, *after)
}

func (b *bridge) confirm(ctx context.Context, change symphony.PresenceChange, after symphony.V2Presence) error {
	b.meters.outcome(ctx, "changed")
	b.log.Info("changed", "user_id", change.UserID, "before", change.Before.Category, "after", after.Category)
	change.After = after
	return b.store.save(ctx, change, active)
}

// resume completes a change whose set may or may not have reached the pod. If the user has
// chosen a presence since, it stays.
func (b *bridge) resume(ctx context.Context, change symphony.PresenceChange) error {
	current, err := b.client.GetUserPresence(ctx, change.UserID, true)
	switch {
	case err != nil:
		return err
	case current.Category == change.Set:
		return b.confirm(ctx, change, *current)
	case isUntouched(change.Before, *current):
		return b.set(ctx, change)
	}
	return b.store.save(ctx, change, left)
}

// isUntouched reports whether no presence has been set since the one before, as far as
// category and timestamp show. An offline user's timestamp is the time of the read.
func isUntouched(before, current symphony.V2Presence) bool {
	switch {
	case current.Category == symphony.PresenceOffline:
		return true
	case before.Timestamp.IsZero() || current.Timestamp.IsZero():
		return current.Category == before.Category
	}
	return !current.Timestamp.After(before.Timestamp.Time)
}

// revert restores the presence before the change, unless the user has chosen another one.
func (b *bridge) revert(ctx context.Context, change symphony.PresenceChange) error {
	if err := b.store.save(ctx, change, reverting); err != nil {
		return err
	}
	presence, reverted, err := b.client.RevertUserPresence(ctx, change)
	if _, refused := errors.AsType[*symphony.BadRequestError](err); refused && change.Before.Category != symphony.PresenceAvailable {
		b.log.Warn("the pod refuses to set the presence that the user had; AVAILABLE is set instead",
			"user_id", change.UserID, "before", change.Before.Category, "error", err)
		change.Before.Category = symphony.PresenceAvailable
		return b.store.save(ctx, change, reverting) // and once more
	}
	switch {
	case err != nil:
		return err
	case !reverted:
		return b.leave(ctx, change)
	}
	b.meters.outcome(ctx, "reverted")
	b.log.Info("reverted", "user_id", change.UserID, "presence", presence.Category)
	return b.store.finish(ctx, change.UserID)
}

// leave ends a change of which there is nothing to revert.
func (b *bridge) leave(ctx context.Context, change symphony.PresenceChange) error {
	b.meters.outcome(ctx, "left to the user")
	b.log.Info("left to the user", "user_id", change.UserID)
	return b.store.finish(ctx, change.UserID)
}
