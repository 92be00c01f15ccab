package seeds_test

import (
	"fmt"
	"time"

	"github.com/symphony-go/symphony"
)

// changeMany begins changes, and reverts those that may have been applied, after a while.
func (c *caller) changeMany() {
	changes := c.change(c.updates())
	<-time.After(c.tick.draw(c.random, 2*time.Second))
	if len(changes) > 0 {
		c.revert(changes)
	}
}

func (c *caller) change(updates []symphony.PresenceUpdate) (changes []symphony.PresenceChange) {
	writes := make([]*write, len(updates))
	b, ctx, cancel := newBulk[symphony.PresenceUpdate, symphony.ChangeResult](c, "ChangeUserPresences", updates)
	defer cancel()
	b.pulled = func(i int, u symphony.PresenceUpdate) { writes[i] = c.intend(u.UserID, u.Category) }
	b.take = func(r symphony.ChangeResult) (int, string, error) {
		if r.Index < 0 || r.Index >= len(writes) || writes[r.Index] == nil {
			return r.Index, "no such item was pulled", r.Err
		}
		writes[r.Index].outcome = outcomeOf(r.Err)
		if r.Change.UserID != 0 {
			changes = append(changes, r.Change)
		}
		return r.Index, checkChange(updates[r.Index], r), r.Err
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
	case r.Err == nil && !isResponseTo(want.UserID, want.Category, want.Soft, change.After):
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
	b.take = func(r symphony.RevertResult) (int, string, error) {
		if r.Index < 0 || r.Index >= len(writes) || writes[r.Index] == nil {
			return r.Index, "no such item was pulled", r.Err
		}
		writes[r.Index].outcome = outcomeOf(r.Err)
		if r.Err == nil && !r.Reverted {
			writes[r.Index].outcome = unneeded
		}
		return r.Index, checkRevert(changes[r.Index], r), r.Err
	}
	b.consume(c, c.client.RevertUserPresences(ctx, b.source(), symphony.WithConcurrency(b.run.concurrency)))
}

func checkRevert(want symphony.PresenceChange, r symphony.RevertResult) string {
	switch {
	case want != r.Change:
		return fmt.Sprintf("it is about %v and not %v", r.Change, want)
	case (r.Presence == nil) == (r.Err == nil):
		return "exactly one of Presence and Err must be set"
	case r.Reverted && !isResponseTo(want.UserID, want.Restores(), true, *r.Presence):
		return fmt.Sprintf("%v is not the response to %v", *r.Presence, want.Restores())
	}
	return ""
}
