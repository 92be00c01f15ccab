package auth

import (
	"context"
	"crypto"
	"fmt"
	"net/url"
	"strconv"

	"github.com/symphony-go/symphony"
)

// App logs in on behalf of users who have installed an app: one login of the app
// serves all of them. It is safe for concurrent use.
type App struct {
	client *symphony.Client // carries the app's token
}

// NewApp gives an app that logs in by POST {loginURL}/pubkey/app/authenticate. The
// arguments are those of [NewRSA], with the app's id in place of a username.
//
// Source: "OBO Authentication Workflow",
// https://docs.developers.symphony.com/app-authentication/obo-authentication.
func NewApp(loginURL, appID string, key crypto.Signer, opts ...symphony.Option) (*App, error) {
	app, err := keySession(loginURL, "/pubkey/app/authenticate", "appID", appID, key, opts)
	if err != nil {
		return nil, err
	}
	client, err := newClient("loginURL", loginURL, "/login", app, opts)
	if err != nil {
		return nil, err
	}
	return &App{client}, nil
}

// User gives a provider for calls on behalf of the user with an id, which logs in by
// POST {loginURL}/pubkey/app/user/{userID}/authenticate. It keeps the user's
// session, so keep it. A user who has not installed the app is an
// [*symphony.UnauthorizedError].
func (a *App) User(userID int64) symphony.SessionTokenRefresher {
	if userID < 1 {
		return a.onBehalfOf("user", "", &symphony.InvalidArgumentError{Argument: "userID", Reason: fmt.Sprintf("%d is below 1", userID)})
	}
	return a.onBehalfOf("user", strconv.FormatInt(userID, 10), nil)
}

// Username is [App.User] for a user's name: POST
// {loginURL}/pubkey/app/username/{name}/authenticate.
func (a *App) Username(name string) symphony.SessionTokenRefresher {
	return a.onBehalfOf("username", name, checkName("name", name))
}

// onBehalfOf is the session of a user, or what is wrong with the argument that
// names them.
func (a *App) onBehalfOf(kind, name string, invalid error) symphony.SessionTokenRefresher {
	path := "/pubkey/app/" + kind + "/" + url.PathEscape(name) + "/authenticate"
	return user{newSession(func(ctx context.Context) (string, error) {
		if invalid != nil {
			return "", invalid
		}
		return post(ctx, a.client, path, nil)
	})}
}

// user is the provider of a user's session.
type user struct{ *session }
