package symphonytest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"sync"
)

// App is an app that logs in on behalf of users.
type App struct {
	ID string
	// PublicKey is for the login with an RSA key; nil for none.
	PublicKey *rsa.PublicKey
	// Certificate is for the login with a client certificate; nil for none.
	Certificate *x509.Certificate
	// Users are the ids of the users who have installed the app; nil means everyone.
	Users []int64
}

// session says whose calls a session token makes. One of its fields is set.
type session struct {
	serviceUser string // username
	user        int64  // on behalf of this user
	app         string // an app's own session, which only logs in users
}

// sessions are the open sessions, and the apps that can open them.
type sessions struct {
	mu      sync.Mutex // guards what follows
	byToken map[string]session
	apps    map[string]App
	logins  int
}

func newSessions() *sessions {
	return &sessions{byToken: map[string]session{}, apps: map[string]App{}}
}

// AddApp adds an app, or replaces the one with that ID.
func (s *sessions) AddApp(app App) {
	app.Users = slices.Clone(app.Users)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[app.ID] = app
}

// RevokeToken ends a session: requests with its token get a 401.
func (s *sessions) RevokeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byToken, token)
}

// RevokeTokens ends every session.
func (s *sessions) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byToken)
}

// Logins returns how many logins succeeded, of any kind. [Pod.Requests] also lists logins
// that were refused.
func (s *sessions) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// issue opens a session and returns its token.
func (s *sessions) issue(of session) (token string) {
	token = "session-" + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byToken[token] = of
	return token
}

// login opens a session as issue does, and counts it.
func (s *sessions) login(of session) (token string) {
	token = s.issue(of)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins++
	return token
}

// session returns the session that a token belongs to.
func (s *sessions) session(token string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byToken[token]
	return found, ok
}

// app returns the app with an id.
func (s *sessions) app(id string) (App, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app, ok := s.apps[id]
	return app, ok
}

// appWithCertificate returns the app that a client certificate belongs to.
func (s *sessions) appWithCertificate(certificate *x509.Certificate) (App, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, app := range s.apps {
		if app.Certificate != nil && app.Certificate.Equal(certificate) {
			return app, true
		}
	}
	return App{}, false
}
