package seeds_test

import (
	"fmt"

	"github.com/symphony-go/symphony"
)

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
	b.take = func(r symphony.PresenceResult) (int, string, error) {
		if r.Index < 0 || r.Index >= len(writes) || writes[r.Index] == nil {
			return r.Index, "no such item was pulled", r.Err
		}
		writes[r.Index].outcome = outcomeOf(r.Err)
		return r.Index, checkSet(updates[r.Index], r.Update, r.Presence, r.Err), r.Err
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
	case p != nil && !isResponseTo(want.UserID, want.Category, want.Soft, *p):
		return fmt.Sprintf("%v is not the response to %v", *p, want)
	}
	return ""
}

// isResponseTo reports whether a presence is the pod's response to a write.
func isResponseTo(user int64, category symphony.PresenceCategory, soft bool, p symphony.V2Presence) bool {
	if soft && isOffline(user) {
		category = symphony.PresenceOffline
	}
	return p.UserID == user && p.Category == category
}
