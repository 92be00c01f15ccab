package symphonytest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	baseLogin       = "/login"
	baseSessionAuth = "/sessionauth"
)

// maxJWTLifetime is how far ahead of the pod's clock a JWT may expire.
const maxJWTLifetime = 5 * time.Minute

// App logs in on behalf of users.
type App struct {
	ID        string
	PublicKey *rsa.PublicKey
	// Users who have installed the app; nil is all.
	Users []int64
}

// WithApps starts the pod with these apps; see [Pod.AddApp].
func WithApps(apps ...App) Option {
	return func(c *config) { c.apps = append(c.apps, apps...) }
}

// WithClock sets the pod's clock, by which it checks the expiry of a JWT.
func WithClock(now func() time.Time) Option {
	return func(c *config) { c.now = now }
}

// AddApp adds an app, or replaces the one with that ID.
func (p *Pod) AddApp(app App) {
	app.Users = slices.Clone(app.Users)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apps[app.ID] = app
}

// LoginURL is the base URL of the login with a key. It ends in /login.
func (p *Pod) LoginURL() string { return p.server.URL + baseLogin }

// SessionAuthURL is the base URL of the login with a certificate, which needs
// [WithTLS]. It ends in /sessionauth.
func (p *Pod) SessionAuthURL() string { return p.server.URL + baseSessionAuth }

// Logins is the number of logins that opened a session, of any kind. Those refused
// are among [Pod.Requests].
func (p *Pod) Logins() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logins
}

func (p *Pod) loginRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST "+baseLogin+"/pubkey/authenticate", p.loginWithKey)
	mux.HandleFunc("POST "+baseLogin+"/pubkey/app/authenticate", p.loginApp)
	mux.HandleFunc("POST "+baseLogin+"/pubkey/app/user/{user}/authenticate", p.loginUser)
	mux.HandleFunc("POST "+baseLogin+"/pubkey/app/username/{name}/authenticate", p.loginUser)
	mux.HandleFunc("POST "+baseSessionAuth+"/v1/authenticate", p.loginWithCertificate)
}

func (p *Pod) loginWithKey(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	username, err := p.verifyJWT(r, func(subject string) *rsa.PublicKey { return p.serviceUsers[subject].PublicKey })
	if err != nil {
		unauthorized(w, err.Error())
		return
	}
	p.openSession(w, session{serviceUser: username})
}

func (p *Pod) loginApp(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	appID, err := p.verifyJWT(r, func(subject string) *rsa.PublicKey { return p.apps[subject].PublicKey })
	if err != nil {
		unauthorized(w, err.Error())
		return
	}
	p.openSession(w, session{app: appID})
}

// loginUser opens a session on behalf of a user, for an app that has logged in.
func (p *Pod) loginUser(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	app, ok := p.apps[(*p.sessions)[r.Header.Get("sessionToken")].app]
	if !ok {
		unauthorized(w, "Invalid app session")
		return
	}
	u := p.userByName(r.PathValue("name"))
	if id, err := strconv.ParseInt(r.PathValue("user"), 10, 64); err == nil {
		u = p.users[id]
	}
	if u == nil || app.Users != nil && !slices.Contains(app.Users, u.ID) {
		unauthorized(w, "The user has not installed the app")
		return
	}
	p.openSession(w, session{user: u.ID})
}

func (p *Pod) userByName(name string) *user {
	for _, u := range p.users {
		if name != "" && u.Username == name {
			return u
		}
	}
	return nil
}

// loginWithCertificate wants a certificate of a service user, and neither a body nor
// a Content-Type.
func (p *Pod) loginWithCertificate(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil || len(body) > 0 || r.Header.Get("Content-Type") != "":
		unauthorized(w, "The request must have no body and no Content-Type")
	case r.TLS == nil || len(r.TLS.PeerCertificates) == 0:
		unauthorized(w, "No client certificate")
	default:
		for _, s := range p.serviceUsers {
			if s.Certificate != nil && bytes.Equal(s.Certificate.Raw, r.TLS.PeerCertificates[0].Raw) {
				p.openSession(w, session{serviceUser: s.Username})
				return
			}
		}
		unauthorized(w, "The certificate belongs to no service user")
	}
}

// verifyJWT checks the JWT in a request's body, by the key of its subject.
func (p *Pod) verifyJWT(r *http.Request, keyOf func(subject string) *rsa.PublicKey) (subject string, err error) {
	var body struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return "", errors.New("the request body is not valid")
	}
	var claims jwt.RegisteredClaims
	_, err = jwt.ParseWithClaims(body.Token, &claims, func(*jwt.Token) (any, error) {
		if key := keyOf(claims.Subject); key != nil {
			return key, nil
		}
		return nil, errors.New("no key is known for the subject")
	}, jwt.WithValidMethods([]string{"RS512"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(p.now))
	if err != nil {
		return "", err
	}
	if claims.ExpiresAt.After(p.now().Add(maxJWTLifetime)) {
		return "", fmt.Errorf("the token expires more than %v ahead", maxJWTLifetime)
	}
	return claims.Subject, nil
}

// session is whose calls a session token makes: one of them is set.
type session struct {
	serviceUser string
	user        int64
	app         string
}

// open opens a session. The caller holds the lock.
func (p *Pod) open(s session) (token string) {
	token = "session-" + rand.Text()
	(*p.sessions)[token] = s
	return token
}

// openSession answers a login.
func (p *Pod) openSession(w http.ResponseWriter, s session) {
	p.logins++
	token := p.open(s)
	writeJSON(w, http.StatusOK, struct {
		Name               string `json:"name"`
		Token              string `json:"token"`
		AuthorizationToken string `json:"authorizationToken"`
	}{"sessionToken", token, "Bearer " + rand.Text()})
}

func unauthorized(w http.ResponseWriter, message string) {
	writeError(w, http.StatusUnauthorized, http.StatusUnauthorized, message)
}
