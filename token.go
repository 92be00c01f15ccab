package symphony

import (
	"context"
	"errors"
	"strings"
)

// SessionTokenProvider gives the session token of a call. It is asked before
// each call, so it must be cheap and safe for concurrent use: keep a token until
// the pod refuses it. Package auth has providers that log in.
type SessionTokenProvider interface {
	SessionToken(ctx context.Context) (string, error)
}

// SessionTokenRefresher is a SessionTokenProvider that can replace a token which
// the pod refused with 401. A refresher that already holds a newer token than
// rejected returns that one: calls that are refused together then cost one login.
type SessionTokenRefresher interface {
	SessionTokenProvider
	RefreshSessionToken(ctx context.Context, rejected string) (string, error)
}

// ErrNoSessionToken means that the SessionTokenProvider returned "". Nothing was sent.
var ErrNoSessionToken = errors.New("the provider returned an empty session token")

// SessionTokenFunc is a function that serves as a [SessionTokenProvider], for a
// token that something else keeps fresh (a file, a sidecar). When the pod refuses
// a token the function is asked once more, and the request is sent again if the
// token is another one.
type SessionTokenFunc func(ctx context.Context) (string, error)

// SessionToken calls f.
func (f SessionTokenFunc) SessionToken(ctx context.Context) (string, error) { return f(ctx) }

// StaticSessionToken gives always the same token, for scripts and tests: a
// session ends between an hour and two weeks after its login.
func StaticSessionToken(token string) SessionTokenProvider {
	// A closure, because fmt prints the fields of a struct, but never what a closure holds.
	return SessionTokenFunc(func(context.Context) (string, error) { return token, nil })
}

// NoSessionToken is the provider of a client that sends no session token: the
// login endpoints want none.
var NoSessionToken = noSessionToken{}

type noSessionToken struct{}

// SessionToken returns no token. A client does not ask: it knows NoSessionToken.
func (noSessionToken) SessionToken(context.Context) (string, error) { return "", nil }

// sessionToken is the token to send with a call, "" with NoSessionToken.
func (c *Client) sessionToken(ctx context.Context) (string, error) {
	return c.checked((*c.tokens).SessionToken(ctx))
}

// renewedSessionToken is the token to send after the pod refused one.
func (c *Client) renewedSessionToken(ctx context.Context, rejected string) (string, error) {
	if refresher, ok := (*c.tokens).(SessionTokenRefresher); ok {
		return c.checked(refresher.RefreshSessionToken(ctx, rejected))
	}
	return c.checked((*c.tokens).SessionToken(ctx))
}

// checked passes on a token that can be sent as a header.
func (c *Client) checked(token string, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case *c.tokens == NoSessionToken:
		return "", nil
	case strings.Trim(token, " \t") == "":
		return "", ErrNoSessionToken
	case !validHeaderValue(token) || strings.TrimSpace(token) != token:
		return "", &InvalidArgumentError{
			Argument: "session token",
			Reason:   "it holds a line break or another control character, or blanks around it; was it read from a file without trimming?",
		}
	}
	return token, nil
}
