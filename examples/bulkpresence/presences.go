package main

import (
	"context"

	"github.com/symphony-go/symphony"
)

// fewRows is the number of rows up to which users are read one by one. For more rows, a
// listing of all users costs the pod less.
const fewRows = 100

// presences knows what shows for the users before a run changes it.
type presences struct {
	client *symphony.Client
	shown  map[int64]symphony.PresenceCategory
	set    map[int64]bool // whose presence this run changes
}

// newPresences lists the presences of all users, unless the input has few rows.
func newPresences(ctx context.Context, client *symphony.Client, rows int) (*presences, error) {
	p := &presences{client: client, shown: map[int64]symphony.PresenceCategory{}, set: map[int64]bool{}}
	if rows >= 0 && rows <= fewRows {
		return p, nil
	}
	for presence, err := range client.AllPresences(ctx) {
		if err != nil {
			return nil, err
		}
		p.shown[presence.UserID] = presence.Category
	}
	return p, nil
}

// of returns what shows for a user. Listings leave out users who are not active.
func (p *presences) of(ctx context.Context, userID int64) (symphony.PresenceCategory, error) {
	if category, ok := p.shown[userID]; ok {
		return category, nil
	}
	presence, err := p.client.GetUserPresence(ctx, userID, true)
	if err != nil {
		return "", err
	}
	p.shown[userID] = presence.Category
	return presence.Category, nil
}

// isNeeded reports whether an update may change anything. A user who shows AWAY may be an
// idle user who is AVAILABLE or BUSY, and OFFLINE hides a category that was set for later.
// After an update of the same user, the presence is no longer known for sure.
func (p *presences) isNeeded(r row) bool {
	return r.shown != r.Category || r.shown == symphony.PresenceAway || r.shown == symphony.PresenceOffline || p.set[r.UserID]
}

// update notes that a run sets a presence.
func (p *presences) update(r row) {
	p.set[r.UserID] = true
	p.shown[r.UserID] = r.Category
}
