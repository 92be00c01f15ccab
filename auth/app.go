package auth

import (
	"context"
	"crypto"
	"crypto/tls"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// vainLoginLifetime is the time after a login of the app that did not help a user with a
// 401, in which no user's 401 causes another login of the app.
const vainLoginLifetime = 30 * time.Second

// App logs in on behalf of users who have installed an app: one login of the app
// serves all of them. It is safe for concurrent use.
type App struct{ *app }

type app struct {
	session *session         // of the app
	client  *symphony.Client // sends the token of the app
	path    string           // of the app's logins

	mu        sync.Mutex // guards what follows
	renewable time.Time  // from this time on, a user's 401 causes a login of the app
}

// NewApp returns an app that logs in by POST {loginURL}/pubkey/app/authenticate. The
// arguments are those of [NewRSA], with the id of the app in place of a username.
//
// Source: "OBO Authentication Workflow",
// https://docs.developers.symphony.com/app-authentication/obo-authentication.
func NewApp(loginURL, appID string, key crypto.Signer, opts ...symphony.Option) (*App, error) {
	const path = "/pubkey/app"
	session, err := keySession(loginURL, path+"/authenticate", "appID", appID, key, opts)
	if err != nil {
		return nil, err
	}
	return newApp(loginAPI, loginURL, path, session, opts)
}

// NewCertificateApp returns an app that logs in by POST
// {sessionAuthURL}/v1/app/authenticate over mutual TLS: the certificate says which app
// it is. The arguments are those of [NewCertificate].
//
// Source: "OBO Authentication Workflow",
// https://docs.developers.symphony.com/app-authentication/obo-authentication.
func NewCertificateApp(sessionAuthURL string, cert tls.Certificate, opts ...symphony.Option) (*App, error) {
	const path = "/v1/app"
	session, err := certificateSession(sessionAuthURL, path+"/authenticate", cert, opts)
	if err != nil {
		return nil, err
	}
	return newApp(sessionAuthAPI, sessionAuthURL, path, session, withCertificate(cert, opts))
}

func newApp(api api, baseURL, path string, session *session, opts []symphony.Option) (*App, error) {
	client, err := api.newClient(baseURL, symphony.SessionTokenFunc(session.SessionToken), opts)
	if err != nil {
		return nil, err
	}
	return &App{&app{session: session, client: client, path: path}}, nil
}

// User returns a provider for calls on behalf of the user with an id. It logs in by
// POST …/app/user/{userID}/authenticate with the app's token. It keeps the user's
// session, so keep the provider. For a user who has not installed the app, its error is
// an [*symphony.UnauthorizedError].
//
// Each user needs a provider and a client of their own. Clients with the same Transport
// ([symphony.WithHTTPClient]) share connections; they do not share what they learn about
// the pod's limits.
func (a *App) User(userID int64) symphony.SessionTokenRefresher {
	var err error
	if userID < 1 {
		err = &symphony.InvalidArgumentError{Argument: "userID", Reason: fmt.Sprintf("%d is below 1", userID)}
	}
	return a.provider("/user/"+strconv.FormatInt(userID, 10), err)
}

// Username is [App.User] for a user's name: POST …/app/username/{name}/authenticate.
func (a *App) Username(name string) symphony.SessionTokenRefresher {
	err := checkName("name", name)
	if name == "." || name == ".." {
		err = &symphony.InvalidArgumentError{Argument: "name", Reason: strconv.Quote(name) + " is not a user name"}
	}
	return a.provider("/username/"+url.PathEscape(name), err)
}

// provider returns the provider for a user. An invalid argument is the error of its
// logins.
func (a *App) provider(userPath string, invalid error) symphony.SessionTokenRefresher {
	if a == nil || a.app == nil {
		invalid = &symphony.InvalidArgumentError{Argument: "app", Reason: "it was not made by NewApp or NewCertificateApp"}
	}
	return user{newSession(func(ctx context.Context) (string, error) {
		if invalid != nil {
			return "", invalid
		}
		return a.logIn(ctx, a.path+userPath+"/authenticate")
	})}
}

// user is the provider of a user's session.
type user struct{ *session }

// logIn logs a user in. A 401 means that the app's session has ended, or that the user
// has not installed the app: the app logs in again, and the user's login is repeated.
func (a *app) logIn(ctx context.Context, path string) (string, error) {
	appToken, err := a.session.SessionToken(ctx)
	if err != nil {
		return "", err
	}
	token, err := post(ctx, a.client, path, nil)
	if !isUnauthorized(err) {
		return token, err
	}
	mine := a.renew(ctx, appToken)
	renewed, renewErr := a.session.SessionToken(ctx) // waits for the login, whoever started it
	switch {
	case renewErr != nil:
		err = renewErr
	case mine || renewed != appToken:
		token, err = post(ctx, a.client, path, nil)
	}
	if mine {
		a.settle(renewErr == nil && isUnauthorized(err))
	}
	return token, err
}

// renew starts a login of the app, and reports whether it did. No other login of the app
// is started for vainLoginLifetime, unless settle allows it: whether the login
// helps is known only after the user's login is repeated.
func (a *app) renew(ctx context.Context, rejected string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if now.Before(a.renewable) {
		return false
	}
	a.renewable = now.Add(vainLoginLifetime)
	a.session.current(ctx, rejected)
	return true
}

// settle says whether the login that renew started was in vain.
func (a *app) settle(vain bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewable = time.Time{}
	if vain {
		a.renewable = time.Now().Add(vainLoginLifetime)
	}
}
