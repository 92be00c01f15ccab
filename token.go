package symphony

import (
	"context"
	"reflect"
	"strings"
)

// SessionTokenProvider returns the session token that a call sends. It is asked before
// each attempt, so it must be cheap and safe for concurrent use: keep a token until the
// pod rejects it. The providers in package auth log in.
type SessionTokenProvider interface {
	SessionToken(ctx context.Context) (string, error)
}

// SessionTokenRefresher is a SessionTokenProvider that can replace a token which the
// pod rejected with 401. A refresher that already holds a newer token than rejected
// returns that token, so that calls rejected at the same time cause one login.
type SessionTokenRefresher interface {
	SessionTokenProvider
	RefreshSessionToken(ctx context.Context, rejected string) (string, error)
}

// SessionTokenFunc is a function that serves as a [SessionTokenProvider], for a token
// that is renewed elsewhere (a file, a sidecar). When the pod rejects a token the
// function is called once more, and the request is sent again if it returns another
// token.
type SessionTokenFunc func(ctx context.Context) (string, error)

// SessionToken calls f.
func (f SessionTokenFunc) SessionToken(ctx context.Context) (string, error) { return f(ctx) }

// StaticSessionToken returns a provider of one token, for scripts and tests: a session
// ends between an hour and two weeks after its login. [NewClient] refuses an empty token.
func StaticSessionToken(token string) SessionTokenProvider {
	// A closure, because fmt prints the fields of a struct, but never what a closure holds.
	return staticToken(func() string { return token })
}

type staticToken func() string

// SessionToken returns the token.
func (t staticToken) SessionToken(context.Context) (string, error) { return t(), nil }

// NoSessionToken is the provider of a client that sends no session token, as the login
// endpoints expect.
var NoSessionToken = noSessionToken{}

type noSessionToken struct{}

// SessionToken returns "". A client does not call it: it knows NoSessionToken.
func (noSessionToken) SessionToken(context.Context) (string, error) { return "", nil }

// tokenSource is a checked provider. It holds functions, so that no fmt verb prints a
// token that is a field of the provider.
type tokenSource struct {
	none    bool // NoSessionToken
	token   func(ctx context.Context) (string, error)
	refresh func(ctx context.Context, rejected string) (string, error) // nil if the provider cannot
}

func newTokenSource(provider SessionTokenProvider) (tokenSource, error) {
	refuse := func(reason string) (tokenSource, error) {
		return tokenSource{}, &InvalidArgumentError{"tokens", reason}
	}
	if isNil(provider) {
		return refuse("it is nil; for a client without a session token there is NoSessionToken")
	}
	if static, ok := provider.(staticToken); ok && static() == "" {
		return refuse("StaticSessionToken has an empty token; for a client without a session token there is NoSessionToken")
	}
	source := tokenSource{none: provider == NoSessionToken, token: provider.SessionToken}
	if refresher, ok := provider.(SessionTokenRefresher); ok {
		source.refresh = refresher.RefreshSessionToken
	}
	return source, nil
}

// isNil reports whether an interface holds nothing or a nil pointer, function or map.
func isNil(value any) bool {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// get returns the token to send, "" with NoSessionToken.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	if s.none {
		return "", nil
	}
	return checkToken(s.token(ctx))
}

// replace returns the token to send after the pod rejected one; ok is false if there is no
// other token.
func (s *tokenSource) replace(ctx context.Context, rejected string) (token string, ok bool, err error) {
	switch {
	case s.none:
		return "", false, nil
	case s.refresh != nil:
		token, err = checkToken(s.refresh(ctx, rejected))
		return token, true, err
	}
	token, err = checkToken(s.token(ctx))
	return token, token != rejected, err
}

// checkToken returns a token that can be sent in a header.
func checkToken(token string, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
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

// validHeaderValue reports whether s can be sent as a header value as it is.
func validHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
