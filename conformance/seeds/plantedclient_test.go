package seeds_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// badClient is a client of which a part is wrong. A nil function is sound.
type badClient struct {
	client
	set     func(ctx context.Context, userID int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error)
	setMany func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.PresenceResult]
	lookUp  func(ctx context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult]
	revert  func(ctx context.Context, changes iter.Seq[symphony.PresenceChange], opts ...symphony.BulkOption) iter.Seq[symphony.RevertResult]
	limits  func() symphony.Limits
}

func (c badClient) SetUserPresence(ctx context.Context, userID int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error) {
	if c.set != nil {
		return c.set(ctx, userID, category, soft)
	}
	return c.client.SetUserPresence(ctx, userID, category, soft)
}

func (c badClient) SetUserPresences(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.PresenceResult] {
	if c.setMany != nil {
		return c.setMany(ctx, updates, opts...)
	}
	return c.client.SetUserPresences(ctx, updates, opts...)
}

func (c badClient) UsersByEmail(ctx context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult] {
	if c.lookUp != nil {
		return c.lookUp(ctx, emails)
	}
	return c.client.UsersByEmail(ctx, emails)
}

func (c badClient) RevertUserPresences(ctx context.Context, changes iter.Seq[symphony.PresenceChange], opts ...symphony.BulkOption) iter.Seq[symphony.RevertResult] {
	if c.revert != nil {
		return c.revert(ctx, changes, opts...)
	}
	return c.client.RevertUserPresences(ctx, changes, opts...)
}

func (c badClient) Limits() symphony.Limits {
	if c.limits != nil {
		return c.limits()
	}
	return c.client.Limits()
}

// changed returns a client whose results of SetUserPresences are changed.
func changed(change func(symphony.PresenceResult) []symphony.PresenceResult) func(*world, client) client {
	return func(_ *world, sound client) client {
		return badClient{client: sound, setMany: func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.PresenceResult] {
			return func(yield func(symphony.PresenceResult) bool) {
				for result := range sound.SetUserPresences(ctx, updates, opts...) {
					for _, r := range change(result) {
						if !yield(r) {
							return
						}
					}
				}
			}
		}}
	}
}

// rearranged returns a client whose SetUserPresences has another source.
func rearranged(arrange func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate]) (context.Context, iter.Seq[symphony.PresenceUpdate])) func(*world, client) client {
	return func(_ *world, sound client) client {
		return badClient{client: sound, setMany: func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.PresenceResult] {
			return func(yield func(symphony.PresenceResult) bool) {
				ctx, arranged := arrange(ctx, updates)
				sound.SetUserPresences(ctx, arranged, opts...)(yield)
			}
		}}
	}
}

var (
	twiceResult = changed(func(r symphony.PresenceResult) []symphony.PresenceResult {
		return []symphony.PresenceResult{r, r}
	})
	wrongIndex = changed(func(r symphony.PresenceResult) []symphony.PresenceResult {
		r.Index = 0
		return []symphony.PresenceResult{r}
	})
	wrongUpdate = changed(func(r symphony.PresenceResult) []symphony.PresenceResult {
		r.Update.UserID++
		return []symphony.PresenceResult{r}
	})
	shortRun = rearranged(func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate]) (context.Context, iter.Seq[symphony.PresenceUpdate]) {
		return ctx, func(yield func(symphony.PresenceUpdate) bool) {
			for update := range updates {
				yield(update)
				return
			}
		}
	})
	greedyRun = rearranged(func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate]) (context.Context, iter.Seq[symphony.PresenceUpdate]) {
		return ctx, slices.Values(slices.Collect(updates))
	})
	endlessRun = rearranged(func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate]) (context.Context, iter.Seq[symphony.PresenceUpdate]) {
		return context.WithoutCancel(ctx), updates
	})
)

func swappedUsers(_ *world, sound client) client {
	return badClient{client: sound, lookUp: func(ctx context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult] {
		results := slices.Collect(sound.UsersByEmail(ctx, emails))
		slices.Reverse(results)
		return slices.Values(results)
	}}
}

// swappedUpdates makes the updates in the reverse order.
func swappedUpdates(_ *world, sound client) client {
	return badClient{client: sound, setMany: func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], _ ...symphony.BulkOption) iter.Seq[symphony.PresenceResult] {
		return func(yield func(symphony.PresenceResult) bool) {
			all := slices.Collect(updates)
			for i, update := range slices.Backward(all) {
				presence, err := sound.SetUserPresence(ctx, update.UserID, update.Category, update.Soft)
				if !yield(symphony.PresenceResult{Index: i, Update: update, Presence: presence, Err: err}) {
					return
				}
			}
		}
	}}
}

// unorderedUpdates makes all updates at a time.
func unorderedUpdates(_ *world, sound client) client {
	return badClient{client: sound, setMany: func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], _ ...symphony.BulkOption) iter.Seq[symphony.PresenceResult] {
		return func(yield func(symphony.PresenceResult) bool) {
			all := slices.Collect(updates)
			results := make([]symphony.PresenceResult, len(all))
			var calls sync.WaitGroup
			for i, update := range all {
				calls.Go(func() {
					presence, err := sound.SetUserPresence(ctx, update.UserID, update.Category, update.Soft)
					results[i] = symphony.PresenceResult{Index: i, Update: update, Presence: presence, Err: err}
				})
			}
			calls.Wait()
			slices.Values(results)(yield)
		}
	}}
}

// badSet returns a client with another SetUserPresence.
func badSet(set func(w *world, sound client, ctx context.Context, user int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error)) func(*world, client) client {
	return func(w *world, sound client) client {
		return badClient{client: sound, set: func(ctx context.Context, user int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error) {
			return set(w, sound, ctx, user, category, soft)
		}}
	}
}

var (
	unsentCall = badSet(func(_ *world, _ client, _ context.Context, user int64, category symphony.PresenceCategory, _ bool) (*symphony.V2Presence, error) {
		return &symphony.V2Presence{Category: category, UserID: user}, nil
	})
	falseError = badSet(func(_ *world, sound client, ctx context.Context, user int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error) {
		if _, err := sound.SetUserPresence(ctx, user, category, soft); err != nil {
			return nil, err
		}
		return nil, errors.New("a success")
	})
	slowCall = badSet(func(_ *world, sound client, ctx context.Context, user int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error) {
		presence, err := sound.SetUserPresence(ctx, user, category, soft)
		if err != nil {
			<-time.After(time.Millisecond)
		}
		return presence, err
	})
	leavesGoroutine = badSet(func(w *world, sound client, ctx context.Context, user int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error) {
		go func() { <-w.checked }()
		return sound.SetUserPresence(ctx, user, category, soft)
	})
	leavesSleeper = badSet(func(_ *world, sound client, ctx context.Context, user int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error) {
		go func() { <-time.After(time.Minute) }()
		return sound.SetUserPresence(ctx, user, category, soft)
	})
)

// slowRun ends a while after its loop was broken off.
func slowRun(_ *world, sound client) client {
	return badClient{client: sound, setMany: func(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.PresenceResult] {
		return func(yield func(symphony.PresenceResult) bool) {
			for result := range sound.SetUserPresences(ctx, updates, opts...) {
				if !yield(result) {
					<-time.After(time.Millisecond)
					return
				}
			}
		}
	}}
}

func leavesWaiter(_ *world, sound client) client {
	return badClient{client: sound, limits: func() symphony.Limits {
		limits := sound.Limits()
		limits.Waiting++
		return limits
	}}
}

// noRevert takes every change for one that no longer stands.
func noRevert(_ *world, sound client) client {
	return badClient{client: sound, revert: func(_ context.Context, changes iter.Seq[symphony.PresenceChange], _ ...symphony.BulkOption) iter.Seq[symphony.RevertResult] {
		return func(yield func(symphony.RevertResult) bool) {
			i := 0
			for change := range changes {
				if !yield(symphony.RevertResult{Index: i, Change: change, Presence: &change.After}) {
					return
				}
				i++
			}
		}
	}}
}
