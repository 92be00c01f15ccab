package symphonytest

import (
	"crypto/rsa"
	"crypto/x509"
	"time"

	"github.com/symphony-go/symphony"
)

// Activity is what a user does at the moment, which decides what their presence
// shows.
type Activity int

// The activities of a user.
const (
	Online  Activity = iota
	Idle             // for five minutes: AVAILABLE and BUSY show AWAY
	Offline          // OFFLINE, until they come online or a category is set without soft
)

// User is a user of the pod.
type User struct {
	ID       int64
	Username string
	Activity Activity
	Inactive bool // left out of listings
	External bool // of another pod
	// Category is what was last set for the user; AVAILABLE if it is empty.
	Category symphony.PresenceCategory
	// Pending was set with soft while the user was offline. It becomes the
	// category when they come online.
	Pending symphony.PresenceCategory
	// Since is when the category was set; the time of AddUser if it is zero.
	Since time.Time
}

// user is a User as the pod keeps it.
type user struct {
	User
	forced bool // set without soft: the category shows whatever the user does
}

// ServiceUser is a user for programs. Its session tokens make calls.
type ServiceUser struct {
	Username string
	// ID is the service user's own; 0 stands for one of the pod's choice.
	ID int64
	// UserProvisioning is the entitlement to set the presence of other users.
	UserProvisioning bool
	// PublicKey is for the login with a key, nil for none.
	PublicKey *rsa.PublicKey
	// Certificate is for the login with a certificate, nil for none.
	Certificate *x509.Certificate
}

// AddUser adds a user, or replaces the one with that ID.
func (p *Pod) AddUser(u User) {
	if u.Category == "" {
		u.Category = symphony.PresenceAvailable
	}
	if u.Since.IsZero() {
		u.Since = time.Now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[u.ID] = &user{User: u}
}

// User reports the state of a user.
func (p *Pod) User(id int64) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u, ok := p.users[id]; ok {
		return u.User, true
	}
	return User{}, false
}

// SetActivity has a user come online, fall idle or go offline. A pending category
// takes effect when they come online. It reports whether there is such a user.
func (p *Pod) SetActivity(id int64, activity Activity) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.users[id]
	if !ok {
		return false
	}
	u.Activity, u.forced = activity, false
	if activity != Offline && u.Pending != "" {
		u.Category, u.Pending, u.Since = u.Pending, "", time.Now()
	}
	p.changed(id)
	return true
}

// set sets a category as SetUserPresence does.
func (u *user) set(category symphony.PresenceCategory, soft bool) {
	if soft && u.Activity == Offline && !u.forced {
		u.Pending = category
		return
	}
	u.Category, u.Pending, u.Since, u.forced = category, "", time.Now(), !soft
}

// presence is what the user shows to others.
func (u *user) presence() symphony.V2Presence {
	shown := symphony.V2Presence{Category: u.Category, UserID: u.ID, Timestamp: symphony.Timestamp{Time: u.Since.UTC()}}
	switch {
	case u.forced:
	case u.Activity == Offline:
		shown.Category = symphony.PresenceOffline
	case u.Activity == Idle && (u.Category == symphony.PresenceAvailable || u.Category == symphony.PresenceBusy):
		shown.Category = symphony.PresenceAway
	}
	if shown.Category == symphony.PresenceOffline {
		shown.Timestamp = now()
	}
	return shown
}

// now is the time of a query.
func now() symphony.Timestamp { return symphony.Timestamp{Time: time.Now().UTC()} }

// AddServiceUser adds a service user, or replaces the one of that name.
func (p *Pod) AddServiceUser(s ServiceUser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addServiceUser(s)
}

func (p *Pod) addServiceUser(s ServiceUser) {
	if s.ID == 0 {
		s.ID = firstBotID + int64(len(p.bots))
	}
	p.serviceUsers[s.Username] = s
	p.bots[s.Username] = &user{User: User{ID: s.ID, Username: s.Username, Category: symphony.PresenceAvailable, Since: time.Now()}}
}

// firstBotID begins the ids that the pod chooses.
const firstBotID = 900_000_000_000

// IssueToken gives a new session token of a service user. A username that the pod
// does not know becomes a service user with the "User Provisioning" entitlement.
func (p *Pod) IssueToken(username string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.serviceUsers[username]; !ok {
		p.addServiceUser(ServiceUser{Username: username, UserProvisioning: true})
	}
	return p.open(session{serviceUser: username})
}

// RevokeToken ends a session: its token is answered with 401.
func (p *Pod) RevokeToken(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(*p.sessions, token)
}

// RevokeTokens ends every session.
func (p *Pod) RevokeTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(*p.sessions)
}
