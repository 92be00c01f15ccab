package symphonytest

import (
	"time"

	"github.com/symphony-go/symphony"
)

// Activity is what a user is doing. Together with the category that was set it
// decides which presence the user shows.
type Activity int

// The activities of a user.
const (
	Online  Activity = iota
	Idle             // AVAILABLE and BUSY show as AWAY, unless set without soft
	Offline          // shows as OFFLINE, until the user comes online or a category is set without soft
)

// User is a user of the pod.
type User struct {
	ID           int64
	Username     string
	EmailAddress string
	DisplayName  string
	Activity     Activity
	Inactive     bool // a deactivated account: left out of listings
	External     bool // belongs to another pod
	// Category is the category that was last set; empty means AVAILABLE.
	Category symphony.PresenceCategory
	// Pending is a category that was set with soft while the user was offline. It
	// becomes the Category when the user comes online.
	Pending symphony.PresenceCategory
	// Since is when Category was set; zero means the time of AddUser.
	Since time.Time
}

// user is a User with what else the pod keeps about them.
type user struct {
	User
	forced bool // Category was set without soft: it shows whatever the user is doing
}

func newUser(u User, now time.Time) *user {
	if u.Category == "" {
		u.Category = symphony.PresenceAvailable
	}
	if u.Since.IsZero() {
		u.Since = now
	}
	return &user{User: u}
}

// set sets a category as SetUserPresence does.
func (u *user) set(category symphony.PresenceCategory, soft bool, now time.Time) {
	if soft && u.Activity == Offline && !u.forced {
		u.Pending = category
		return
	}
	u.Category, u.Pending, u.Since, u.forced = category, "", now, !soft
}

// become changes what the user is doing.
func (u *user) become(activity Activity, now time.Time) {
	u.Activity, u.forced = activity, false
	if activity != Offline && u.Pending != "" {
		u.Category, u.Pending, u.Since = u.Pending, "", now
	}
}

// presence is what the user shows to others.
func (u *user) presence(now time.Time) symphony.V2Presence {
	category := u.Category
	switch {
	case u.forced:
	case u.Activity == Offline:
		category = symphony.PresenceOffline
	case u.Activity == Idle && (category == symphony.PresenceAvailable || category == symphony.PresenceBusy):
		category = symphony.PresenceAway
	}
	if category == symphony.PresenceOffline {
		return offline(u.ID, now)
	}
	return symphony.V2Presence{Category: category, UserID: u.ID, Timestamp: symphony.Timestamp{Time: u.Since.UTC()}}
}

// offline is the presence of a user who is offline. Its timestamp is the time of the
// query.
func offline(userID int64, now time.Time) symphony.V2Presence {
	return symphony.V2Presence{Category: symphony.PresenceOffline, UserID: userID, Timestamp: symphony.Timestamp{Time: now.UTC()}}
}
