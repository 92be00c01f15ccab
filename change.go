package symphony

import (
	"context"
	"fmt"
	"iter"

	"github.com/symphony-go/symphony/internal/limiter"
)

// PresenceChange records a presence that was set for a while. [Client.RevertUserPresence]
// needs it to restore the previous one. It can be stored as JSON until then.
type PresenceChange struct {
	UserID int64            `json:"userId"`
	Set    PresenceCategory `json:"set"`    // the requested category
	Before V2Presence       `json:"before"` // the presence before the change
	After  V2Presence       `json:"after"`  // the pod's response to the change; with soft it may differ from Set
}

// Restores returns the category that [Client.RevertUserPresence] sets: the category of
// Before, or AVAILABLE if the category of Before should not be set.
//
// AWAY may mean that the user was idle, and OFFLINE that the user had left; if one of them
// were set, it would remain after the user comes back. UNDEFINED stands for a value that the
// API cannot name. If the category of Before is Set, an earlier change was never reverted. In
// these cases, and if Before is missing, Restores returns AVAILABLE: set with soft, AVAILABLE
// shows as AWAY while the user is idle, and applies to an offline user once they come online.
func (c PresenceChange) Restores() PresenceCategory {
	switch before := c.Before.Category; before {
	case PresenceAvailable, PresenceAway, PresenceOffline, PresenceUndefined, c.Set, "":
		return PresenceAvailable
	default:
		return before
	}
}

// stillStands reports whether the change is still in effect, as far as the current
// presence shows.
func (c PresenceChange) stillStands(current V2Presence) bool {
	switch {
	case current.Category == c.After.Category && sameTime(current.Timestamp, c.After.Timestamp):
		return true
	case current.Category == PresenceOffline: // the user left
		return true
	case current.Category == PresenceAway && (c.Set == PresenceAvailable || c.Set == PresenceBusy): // the user is idle
		return true
	}
	// The pod did not show the change at once, because the user was idle or offline, or
	// its response was lost.
	return c.After.Category != c.Set && current.Category == c.Set
}

// sameTime reports whether two timestamps are equal, or one is missing.
func sameTime(a, b Timestamp) bool { return a.IsZero() || b.IsZero() || a.Equal(b.Time) }

func (c PresenceChange) check() error {
	switch {
	case c.UserID < 1:
		return &InvalidArgumentError{"change", fmt.Sprintf("its UserID %d is below 1", c.UserID)}
	case c.Set == "" && c.After.Category == "":
		return &InvalidArgumentError{"change", "it has neither Set nor After: the category that was set is missing"}
	}
	return nil
}

// ChangeUserPresence sets the presence of another user for a while, and returns what
// [Client.RevertUserPresence] needs to restore the previous one. It reads the
// presence with [Client.GetUserPresence], with local, and then sets the new one with
// [Client.SetUserPresence]. Entitlement, arguments, the meaning of soft, and errors are
// those of the two calls.
//
// If the read fails, the change is zero, and nothing was set. If the set fails, the
// change is returned with the error, and its After is empty. Keep it unless the error is
// a [*BadRequestError], [*ForbiddenError] or [*NotFoundError]: after a timeout or a
// truncated response, the pod may have applied the category.
//
// A presence does not expire at the pod. A service that must restore the previous one
// even after it was killed stores the change before it sets anything:
//
//	before, err := client.GetUserPresence(ctx, userID, true)
//	if err != nil {
//		return err
//	}
//	change := symphony.PresenceChange{UserID: userID, Set: symphony.PresenceOnThePhone, Before: *before}
//	if err := store(change); err != nil {
//		return err
//	}
//	after, err := client.SetUserPresence(ctx, userID, change.Set, true)
func (c *Client) ChangeUserPresence(ctx context.Context, userID int64, category PresenceCategory, soft bool) (PresenceChange, error) {
	return c.changeUserPresence(ctx, PresenceUpdate{userID, category, soft}, limiter.Single, neverEnds)
}

func neverEnds() error { return nil }

func (c *Client) changeUserPresence(ctx context.Context, update PresenceUpdate, class limiter.Class, ended func() error) (PresenceChange, error) {
	if err := checkCategory(update.Category); err != nil {
		return PresenceChange{}, err
	}
	before, err := c.getUserPresence(ctx, update.UserID, true, class)
	if err != nil {
		return PresenceChange{}, err
	}
	change := PresenceChange{UserID: update.UserID, Set: update.Category, Before: *before}
	if err := ended(); err != nil {
		return change, err
	}
	after, err := c.setUserPresence(ctx, update.UserID, update.Category, update.Soft, class)
	if err != nil {
		return change, err
	}
	change.After = *after
	return change, nil
}

// RevertUserPresence restores the presence that a user had before a change, unless the
// user has chosen another one in the meantime. It reads the presence with
// [Client.GetUserPresence], with local. If the change is still in effect, it sets
// change.Restores() with [Client.SetUserPresence], with soft, and returns the new
// presence and true. Otherwise it sets nothing, and returns the current presence and
// false.
//
// The change is still in effect if
//   - the current category and timestamp are those of After (where one of the timestamps
//     is missing, the categories are compared),
//   - the user is OFFLINE: they left, and the category applies once they come online,
//   - Set is AVAILABLE or BUSY, and the user is AWAY: they are idle, or
//   - After is empty or differs from Set, because the user was idle or offline or the
//     response was lost, and the current category is Set.
//
// The pod shows nothing but category and timestamp. A user's choice is therefore
// overwritten if it is the category that these rules expect, and so is a presence that is
// set between the read and the write.
//
// Two changes of a user may overlap, such as a call during a meeting. Then IN_A_MEETING
// remains, unless a service that knows both changes adjusts the one that ends last:
//   - If the meeting ends first, its revert sets nothing, and the revert of the call restores
//     IN_A_MEETING. If call.Before is equal to meeting.After, set it to meeting.Before.
//   - If the call ends first, its revert sets IN_A_MEETING again, with a new timestamp, and
//     the revert of the meeting takes that for the user's choice. If the call was reverted,
//     set meeting.After to the presence that its revert returned.
//
// Reverting twice is harmless. A change without a UserID, or with neither Set nor After,
// is refused with an [*InvalidArgumentError]. Other errors are those of the two calls;
// with an error, presence is nil and reverted is false.
func (c *Client) RevertUserPresence(ctx context.Context, change PresenceChange) (presence *V2Presence, reverted bool, err error) {
	return c.revertUserPresence(ctx, change, limiter.Single, neverEnds)
}

func (c *Client) revertUserPresence(ctx context.Context, change PresenceChange, class limiter.Class, ended func() error) (presence *V2Presence, reverted bool, err error) {
	if err := change.check(); err != nil {
		return nil, false, err
	}
	current, err := c.getUserPresence(ctx, change.UserID, true, class)
	if err != nil {
		return nil, false, err
	}
	if !change.stillStands(*current) {
		return current, false, nil
	}
	if err := ended(); err != nil {
		return nil, false, err
	}
	presence, err = c.setUserPresence(ctx, change.UserID, change.Restores(), true, class)
	return presence, err == nil, err
}

// ChangeResult is the result of one [PresenceUpdate] of [Client.ChangeUserPresences]. A
// Change with an Err must be kept in the cases that [Client.ChangeUserPresence] states.
type ChangeResult struct {
	Index  int // position in the source, from 0
	Update PresenceUpdate
	Change PresenceChange // with an Err: zero if the read failed, else with an empty After
	Err    error
}

// ChangeUserPresences calls [Client.ChangeUserPresence] for many users, by the rules of
// [Client.SetUserPresences], for example when a meeting begins. If the run ends between the read and the
// set of a change, the change comes back with an empty After.
func (c *Client) ChangeUserPresences(ctx context.Context, updates iter.Seq[PresenceUpdate], opts ...BulkOption) iter.Seq[ChangeResult] {
	return runBulk(ctx, updates, opts, bulkTask[PresenceUpdate, ChangeResult]{
		source: "updates",
		userID: func(update PresenceUpdate) int64 { return update.UserID },
		call: func(ctx context.Context, update PresenceUpdate, ended func() error) (ChangeResult, error) {
			change, err := c.changeUserPresence(ctx, update, limiter.Bulk, ended)
			return ChangeResult{Change: change}, err
		},
		complete: func(result *ChangeResult, index int, update PresenceUpdate, err error) {
			result.Index, result.Update, result.Err = index, update, err
		},
	})
}

// RevertResult is the result of one [PresenceChange] of [Client.RevertUserPresences].
type RevertResult struct {
	Index    int            // position in the source, from 0
	Change   PresenceChange // as in the source
	Presence *V2Presence    // nil with an Err
	Reverted bool           // true if Presence was set; false if it is the user's own choice
	Err      error
}

// RevertUserPresences calls [Client.RevertUserPresence] for many changes, by the rules
// of [Client.SetUserPresences], for example when a meeting ends.
func (c *Client) RevertUserPresences(ctx context.Context, changes iter.Seq[PresenceChange], opts ...BulkOption) iter.Seq[RevertResult] {
	return runBulk(ctx, changes, opts, bulkTask[PresenceChange, RevertResult]{
		source: "changes",
		userID: func(change PresenceChange) int64 { return change.UserID },
		call: func(ctx context.Context, change PresenceChange, ended func() error) (RevertResult, error) {
			presence, reverted, err := c.revertUserPresence(ctx, change, limiter.Bulk, ended)
			return RevertResult{Presence: presence, Reverted: reverted}, err
		},
		complete: func(result *RevertResult, index int, change PresenceChange, err error) {
			result.Index, result.Change, result.Err = index, change, err
		},
	})
}
