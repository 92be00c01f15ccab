package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/symphony-go/symphony"
)

// bulk is how a caller ranges over the results of a run.
type bulk[Item, Result any] struct {
	run      *run
	items    []Item
	patience int                                               // results after which the caller breaks off; 0 for never
	pulled   func(index int, item Item)                        // called for an item before it is pulled
	take     func(Result) (index int, err error, wrong string) // checks a result
}

// source yields the items, and notes how they are pulled.
func (b *bulk[Item, Result]) source() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for i, item := range b.items {
			if !b.run.ends.IsZero() && time.Now().After(b.run.ends) {
				b.run.wrong = append(b.run.wrong, "pulled after the context ended")
			}
			if b.run.slow > 0 {
				time.Sleep(b.run.slow)
			}
			b.run.pulled++
			if b.pulled != nil {
				b.pulled(i, item)
			}
			if b.run.pulled-len(b.run.indexes) > b.run.ahead {
				b.run.wrong = append(b.run.wrong, "pulled too far ahead")
			}
			if !yield(item) {
				return
			}
		}
	}
}

// consume ranges over the results.
func (b *bulk[Item, Result]) consume(c *caller, results iter.Seq[Result]) {
	for result := range results {
		if c.planted.drops(len(b.run.indexes)) {
			continue
		}
		index, err, wrong := b.take(result)
		b.run.indexes = append(b.run.indexes, index)
		b.run.errs = append(b.run.errs, err)
		if wrong != "" {
			b.run.wrong = append(b.run.wrong, fmt.Sprintf("result %d: %s", index, wrong))
		}
		if b.run.busy > 0 {
			time.Sleep(b.run.busy)
		}
		if len(b.run.indexes) == b.patience {
			b.run.stopped = time.Now()
			break
		}
	}
	b.run.finish = time.Now()
	c.addRun(b.run)
}

// newBulk draws how a run goes.
func newBulk[Item, Result any](c *caller, name string, items []Item) (*bulk[Item, Result], context.Context, func()) {
	ctx, ends, cancel := c.newContext()
	concurrency := []int{1, 1, 2, 3, 4, 6, 8, 16}[c.random.IntN(8)]
	b := &bulk[Item, Result]{items: items}
	b.run = &run{name: name, total: len(items), concurrency: concurrency, ahead: 32 * concurrency, ends: ends}
	if c.random.IntN(4) == 0 {
		b.run.slow = c.tick.draw(c.random, 200*time.Millisecond)
	}
	if c.random.IntN(8) == 0 {
		b.run.busy = c.tick.draw(c.random, 50*time.Millisecond)
	}
	if c.random.IntN(5) == 0 {
		b.patience = 1 + c.random.IntN(len(items)+1)
	}
	return b, ctx, cancel
}

// updates draws presence updates, several of most users.
func (c *caller) updates() []symphony.PresenceUpdate {
	n := 1 + c.random.IntN(20)
	if c.random.IntN(8) == 0 {
		n += 60
	}
	updates := make([]symphony.PresenceUpdate, n)
	for i := range updates {
		updates[i] = symphony.PresenceUpdate{UserID: c.user(), Category: c.name("SET"), Soft: c.random.IntN(2) == 0}
	}
	return updates
}

func (c *caller) setMany() {
	updates := c.updates()
	writes := make([]*write, len(updates))
	b, ctx, cancel := newBulk[symphony.PresenceUpdate, symphony.PresenceResult](c, "SetUserPresences", updates)
	defer cancel()
	b.pulled = func(i int, u symphony.PresenceUpdate) { writes[i] = c.intend(u.UserID, u.Category) }
	b.take = func(r symphony.PresenceResult) (int, error, string) {
		if r.Index < 0 || r.Index >= len(writes) || writes[r.Index] == nil {
			return r.Index, r.Err, "no such item was pulled"
		}
		writes[r.Index].outcome = outcomeOf(r.Err)
		return r.Index, r.Err, checkSet(updates[r.Index], r.Update, r.Presence, r.Err)
	}
	b.consume(c, c.client.SetUserPresences(ctx, b.source(), symphony.WithConcurrency(b.run.concurrency)))
}

// checkSet checks the result of one update.
func checkSet(want, got symphony.PresenceUpdate, p *symphony.V2Presence, err error) string {
	switch {
	case want != got:
		return fmt.Sprintf("it is about %v and not %v", got, want)
	case (p == nil) == (err == nil):
		return "exactly one of Presence and Err must be set"
	case p != nil && !answers(want.UserID, want.Category, want.Soft, *p):
		return fmt.Sprintf("%v is not the response to %v", *p, want)
	}
	return ""
}

// answers reports whether a presence is the pod's response to a write.
func answers(user int64, category symphony.PresenceCategory, soft bool, p symphony.V2Presence) bool {
	if soft && isOffline(user) {
		category = symphony.PresenceOffline
	}
	return p.UserID == user && p.Category == category
}

// changeMany begins changes, and reverts those that may have been applied, after a while.
func (c *caller) changeMany() {
	changes := c.change(c.updates())
	time.Sleep(c.tick.draw(c.random, 2*time.Second))
	if len(changes) > 0 {
		c.revert(changes)
	}
}

func (c *caller) change(updates []symphony.PresenceUpdate) (changes []symphony.PresenceChange) {
	writes := make([]*write, len(updates))
	b, ctx, cancel := newBulk[symphony.PresenceUpdate, symphony.ChangeResult](c, "ChangeUserPresences", updates)
	defer cancel()
	b.pulled = func(i int, u symphony.PresenceUpdate) { writes[i] = c.intend(u.UserID, u.Category) }
	b.take = func(r symphony.ChangeResult) (int, error, string) {
		if r.Index < 0 || r.Index >= len(writes) || writes[r.Index] == nil {
			return r.Index, r.Err, "no such item was pulled"
		}
		writes[r.Index].outcome = outcomeOf(r.Err)
		if r.Change.UserID != 0 {
			changes = append(changes, r.Change)
		}
		return r.Index, r.Err, checkChange(updates[r.Index], r)
	}
	b.consume(c, c.client.ChangeUserPresences(ctx, b.source(), symphony.WithConcurrency(b.run.concurrency)))
	return changes
}

func checkChange(want symphony.PresenceUpdate, r symphony.ChangeResult) string {
	change := r.Change
	switch {
	case want != r.Update:
		return fmt.Sprintf("it is about %v and not %v", r.Update, want)
	case r.Err != nil && change.UserID == 0:
		return ""
	case change.UserID != want.UserID || change.Set != want.Category || change.Before.UserID != want.UserID:
		return fmt.Sprintf("the change %+v is not of %v", change, want)
	case r.Err != nil && change.After != symphony.V2Presence{}:
		return "a failed change has an After"
	case r.Err == nil && !answers(want.UserID, want.Category, want.Soft, change.After):
		return fmt.Sprintf("%v is not the response to %v", change.After, want)
	}
	return ""
}

func (c *caller) revert(changes []symphony.PresenceChange) {
	writes := make([]*write, len(changes))
	b, ctx, cancel := newBulk[symphony.PresenceChange, symphony.RevertResult](c, "RevertUserPresences", changes)
	defer cancel()
	b.pulled = func(i int, change symphony.PresenceChange) {
		writes[i] = c.intend(change.UserID, change.Restores())
		writes[i].reverts = change.Set
	}
	b.take = func(r symphony.RevertResult) (int, error, string) {
		if r.Index < 0 || r.Index >= len(writes) || writes[r.Index] == nil {
			return r.Index, r.Err, "no such item was pulled"
		}
		writes[r.Index].outcome = outcomeOf(r.Err)
		if r.Err == nil && !r.Reverted {
			writes[r.Index].outcome = unneeded
		}
		return r.Index, r.Err, checkRevert(changes[r.Index], r)
	}
	b.consume(c, c.client.RevertUserPresences(ctx, b.source(), symphony.WithConcurrency(b.run.concurrency)))
}

func checkRevert(want symphony.PresenceChange, r symphony.RevertResult) string {
	switch {
	case want != r.Change:
		return fmt.Sprintf("it is about %v and not %v", r.Change, want)
	case (r.Presence == nil) == (r.Err == nil):
		return "exactly one of Presence and Err must be set"
	case r.Reverted && !answers(want.UserID, want.Restores(), true, *r.Presence):
		return fmt.Sprintf("%v is not the response to %v", *r.Presence, want.Restores())
	}
	return ""
}

// lookUp looks up users, some of whom no one is.
func (c *caller) lookUp() {
	emails := make([]string, 1+c.random.IntN(250))
	for i := range emails {
		emails[i] = fmt.Sprintf("u%d@%s.test", 1+c.random.IntN(100), []string{"pod", "pod", "pod", "elsewhere"}[c.random.IntN(4)])
	}
	b, ctx, cancel := newBulk[string, symphony.UserResult](c, "UsersByEmail", emails)
	defer cancel()
	b.run.concurrency, b.run.ahead = 0, 100
	b.take = func(r symphony.UserResult) (int, error, string) { return r.Index, r.Err, checkUser(emails, r) }
	b.consume(c, c.client.UsersByEmail(ctx, b.source()))
}

func checkUser(emails []string, r symphony.UserResult) string {
	switch {
	case r.Index < 0 || r.Index >= len(emails) || emails[r.Index] != r.Key:
		return fmt.Sprintf("%q is not its key", r.Key)
	case (r.User == nil) == (r.Err == nil):
		return "exactly one of User and Err must be set"
	case r.User != nil && r.User.ID != userOf(r.Key):
		return fmt.Sprintf("user %d does not have the address %q", r.User.ID, r.Key)
	case errors.Is(r.Err, symphony.ErrUserNotFound) && userOf(r.Key) != 0:
		return fmt.Sprintf("%q was not found", r.Key)
	}
	return ""
}
