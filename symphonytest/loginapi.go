package symphonytest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"slices"
	"strconv"
)

// loginEndpoints are the logins, by pattern.
func (a api) loginEndpoints() map[string]endpoint {
	return map[string]endpoint{
		"POST " + baseLogin + "/pubkey/authenticate":                       a.loginWithKey,
		"POST " + baseLogin + "/pubkey/app/authenticate":                   a.loginAppWithKey,
		"POST " + baseLogin + "/pubkey/app/user/{user}/authenticate":       a.loginUser,
		"POST " + baseLogin + "/pubkey/app/username/{name}/authenticate":   a.loginUser,
		"POST " + baseSessionAuth + "/v1/authenticate":                     a.loginWithCertificate,
		"POST " + baseSessionAuth + "/v1/app/authenticate":                 a.loginAppWithCertificate,
		"POST " + baseSessionAuth + "/v1/app/user/{user}/authenticate":     a.loginUserWithCertificate,
		"POST " + baseSessionAuth + "/v1/app/username/{name}/authenticate": a.loginUserWithCertificate,
	}
}

func (a api) loginWithKey(r *http.Request) (any, error) {
	username, err := a.subject(r, func(subject string) *rsa.PublicKey { return a.serviceUser(subject).PublicKey })
	if err != nil {
		return nil, err
	}
	return a.open(session{serviceUser: username})
}

func (a api) loginAppWithKey(r *http.Request) (any, error) {
	appID, err := a.subject(r, func(subject string) *rsa.PublicKey {
		app, _ := a.app(subject)
		return app.PublicKey
	})
	if err != nil {
		return nil, err
	}
	return a.open(session{app: appID})
}

// subject returns the subject of the JWT in a request's body.
func (a api) subject(r *http.Request, keyOf func(subject string) *rsa.PublicKey) (string, error) {
	var token string
	if err := readObject(r, map[string]any{"token": &token}); err != nil {
		return "", err
	}
	subject, err := verifyJWT(token, a.now(), keyOf)
	if err != nil {
		return "", unauthorized(err.Error())
	}
	return subject, nil
}

func (a api) loginWithCertificate(r *http.Request) (any, error) {
	certificate, err := clientCertificate(r)
	if err != nil {
		return nil, err
	}
	serviceUser, ok := a.serviceUserWithCertificate(certificate)
	if !ok {
		return nil, unauthorized("The certificate belongs to no service user")
	}
	return a.open(session{serviceUser: serviceUser.Username})
}

func (a api) loginAppWithCertificate(r *http.Request) (any, error) {
	certificate, err := clientCertificate(r)
	if err != nil {
		return nil, err
	}
	app, ok := a.appWithCertificate(certificate)
	if !ok {
		return nil, unauthorized("The certificate belongs to no app")
	}
	return a.open(session{app: app.ID})
}

// clientCertificate returns the certificate that the client showed. A login with one
// has neither a body nor a Content-Type.
func clientCertificate(r *http.Request) (*x509.Certificate, error) {
	if hasBody(r) || r.Header.Get("Content-Type") != "" {
		return nil, unauthorized("The request must have no body and no Content-Type")
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, unauthorized("No client certificate")
	}
	return r.TLS.PeerCertificates[0], nil
}

// loginUser opens a session on behalf of a user, for an app that has logged in.
func (a api) loginUser(r *http.Request) (any, error) {
	app, ok := a.callingApp(r)
	if !ok {
		return nil, unauthorized("Invalid app session")
	}
	u, ok := a.namedUser(r)
	if !ok || u.Inactive || u.External || app.Users != nil && !slices.Contains(app.Users, u.ID) {
		return nil, unauthorized("The user has not installed the app")
	}
	return a.open(session{user: u.ID})
}

// loginUserWithCertificate is loginUser for an app that shows its certificate again.
func (a api) loginUserWithCertificate(r *http.Request) (any, error) {
	certificate, err := clientCertificate(r)
	if err != nil {
		return nil, err
	}
	if app, ok := a.callingApp(r); ok && !certificate.Equal(app.Certificate) {
		return nil, unauthorized("The certificate is not the app's")
	}
	return a.loginUser(r)
}

// callingApp returns the app whose session token a request carries.
func (a api) callingApp(r *http.Request) (App, bool) {
	caller, _ := a.session(r.Header.Get("sessionToken"))
	return a.app(caller.app)
}

// namedUser returns the user in a request's path.
func (a api) namedUser(r *http.Request) (User, bool) {
	if name := r.PathValue("name"); name != "" {
		return a.userNamed(name)
	}
	id, err := strconv.ParseInt(r.PathValue("user"), 10, 64)
	if err != nil {
		return User{}, false
	}
	return a.User(id)
}

// open opens a session and returns the response of a login.
func (a api) open(s session) (any, error) {
	return struct {
		Name               string `json:"name"`
		Token              string `json:"token"`
		AuthorizationToken string `json:"authorizationToken"`
	}{"sessionToken", a.login(s), "Bearer " + rand.Text()}, nil
}
