package symphonytest

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// ServiceUser is a user for programs, whose session tokens make calls. It is a [User]
// too: it has a presence and is listed.
type ServiceUser struct {
	Username string
	// ID is the user id. Zero means the id of the user with that Username, or else
	// one that the pod chooses.
	ID int64
	// UserProvisioning is the entitlement to set the presence of other users.
	UserProvisioning bool
	// PublicKey is for the login with an RSA key; nil for none.
	PublicKey *rsa.PublicKey
	// Certificate is for the login with a client certificate; nil for none.
	Certificate *x509.Certificate
}

// firstFreeID is the first of the ids that the pod chooses itself.
const firstFreeID = 900_000_000_000

// interest means that a session has registered interest in an external user.
type interest struct {
	session session
	userID  int64
}

// directory holds the users of a pod and their presence.
type directory struct {
	now   func() time.Time
	feeds *feeds // notified of changes

	mu           sync.Mutex // guards what follows
	users        map[int64]*user
	serviceUsers map[string]ServiceUser // by username
	interests    map[interest]bool
}

func newDirectory(now func() time.Time, feeds *feeds) *directory {
	return &directory{
		now:          now,
		feeds:        feeds,
		users:        map[int64]*user{},
		serviceUsers: map[string]ServiceUser{},
		interests:    map[interest]bool{},
	}
}

// AddUser adds a user, or replaces the one with that ID.
func (d *directory) AddUser(u User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.users[u.ID]; ok {
		d.feeds.changed(u.ID)
	}
	d.users[u.ID] = newUser(u, d.now())
}

// User returns the state of a user, and whether there is one with that ID.
func (d *directory) User(id int64) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u, ok := d.users[id]; ok {
		return u.User, true
	}
	return User{}, false
}

// SetActivity makes a user come online, fall idle or go offline. A pending category
// takes effect when the user comes online. SetActivity reports whether there is a user
// with that ID.
func (d *directory) SetActivity(id int64, activity Activity) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.users[id]
	if ok {
		u.become(activity, d.now())
		d.feeds.changed(id)
	}
	return ok
}

// AddServiceUser adds a service user, or replaces the one with that Username. A
// replaced service user keeps its presence, and its ID unless s has another.
func (d *directory) AddServiceUser(s ServiceUser) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addServiceUser(s)
}

func (d *directory) addServiceUser(s ServiceUser) {
	before, known := d.serviceUsers[s.Username]
	switch {
	case s.ID == 0 && known:
		s.ID = before.ID
	case s.ID == 0:
		s.ID = d.idFor(s.Username)
	case known && s.ID != before.ID:
		if u := d.users[before.ID]; u != nil && d.users[s.ID] == nil {
			u.ID = s.ID
			d.users[s.ID] = u
		}
		delete(d.users, before.ID)
	}
	d.serviceUsers[s.Username] = s
	if _, ok := d.users[s.ID]; !ok {
		d.users[s.ID] = newUser(User{ID: s.ID, Username: s.Username}, d.now())
	}
}

// idFor returns the id of the user with a username, or else a free one.
func (d *directory) idFor(username string) int64 {
	if u := d.named(username); u != nil {
		return u.ID
	}
	id := int64(firstFreeID)
	for d.users[id] != nil {
		id++
	}
	return id
}

// named returns the user with a username, or nil. Case does not matter.
func (d *directory) named(username string) *user {
	for _, u := range d.users {
		if username != "" && strings.EqualFold(u.Username, username) {
			return u
		}
	}
	return nil
}

// ensureServiceUser adds a service user with the "User Provisioning" entitlement unless
// there is a service user with that username.
func (d *directory) ensureServiceUser(username string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.serviceUsers[username]; !ok {
		d.addServiceUser(ServiceUser{Username: username, UserProvisioning: true})
	}
}

// serviceUser returns the service user with a username, or the zero ServiceUser.
func (d *directory) serviceUser(username string) ServiceUser {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.serviceUsers[username]
}

// serviceUserWithCertificate returns the service user that a client certificate
// belongs to.
func (d *directory) serviceUserWithCertificate(certificate *x509.Certificate) (ServiceUser, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.serviceUsers {
		if s.Certificate != nil && s.Certificate.Equal(certificate) {
			return s, true
		}
	}
	return ServiceUser{}, false
}

// userNamed returns the user with a username.
func (d *directory) userNamed(username string) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u := d.named(username); u != nil {
		return u.User, true
	}
	return User{}, false
}

// self returns the id of a session's own user.
func (d *directory) self(s session) int64 {
	if s.user != 0 {
		return s.user
	}
	return d.serviceUser(s.serviceUser).ID
}

// set sets the presence of a user and returns what the user shows then.
func (d *directory) set(id int64, category symphony.PresenceCategory, soft bool) (symphony.V2Presence, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.users[id]
	if !ok {
		return symphony.V2Presence{}, false
	}
	u.set(category, soft, d.now())
	d.feeds.changed(id)
	return u.presence(d.now()), true
}

// presence returns what a user shows to a session. A user of another pod shows as
// OFFLINE if local is set, and to a session that has not registered interest.
func (d *directory) presence(to session, id int64, local bool) (symphony.V2Presence, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.users[id]
	switch {
	case !ok:
		return symphony.V2Presence{}, false
	case u.External && (local || !d.interests[interest{to, id}]):
		return offline(id, d.now()), true
	}
	return u.presence(d.now()), true
}

// presences returns what some users show.
func (d *directory) presences(ids []int64) []symphony.V2Presence {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]symphony.V2Presence, 0, len(ids))
	for _, id := range ids {
		if u, ok := d.users[id]; ok {
			list = append(list, u.presence(d.now()))
		}
	}
	return list
}

// page returns the presences of at most limit active users of this pod in the order of
// their ids, beginning with the id from.
func (d *directory) page(from int64, limit int) []symphony.V2Presence {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []symphony.V2Presence{}
	for _, id := range slices.Sorted(maps.Keys(d.users)) {
		if u := d.users[id]; id >= from && !u.Inactive && !u.External && len(list) < limit {
			list = append(list, u.presence(d.now()))
		}
	}
	return list
}

// register notes a session's interest in users.
func (d *directory) register(of session, ids []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		d.interests[interest{of, id}] = true
	}
}

// account is a user, and whether it is a service user.
type account struct {
	User
	service bool
}

// find returns the users that match, in the order of their ids.
func (d *directory) find(matches func(User) bool) (found []account) {
	d.mu.Lock()
	defer d.mu.Unlock()
	service := map[int64]bool{}
	for _, s := range d.serviceUsers {
		service[s.ID] = true
	}
	for id, u := range d.users {
		if matches(u.User) {
			found = append(found, account{u.User, service[id]})
		}
	}
	slices.SortFunc(found, func(a, b account) int { return cmp.Compare(a.ID, b.ID) })
	return found
}
