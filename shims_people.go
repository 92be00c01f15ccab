package symphony

// This file stands in for what other files will declare. It is to be deleted.

import (
	"context"
	"errors"
	"iter"
)

// class stands in for limiter.Class.
type class int

const (
	singleClass class = iota // limiter.Single
	bulkClass                // limiter.Bulk
)

// IsCredentialError reports whether every other call with the same credentials would
// fail too.
func IsCredentialError(err error) bool { // errors.go
	if _, ok := errors.AsType[*UnauthorizedError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*ForbiddenError](err); ok && isTokenError(err) {
		return true
	}
	return errors.Is(err, ErrNoSessionToken)
}

// endsRun reports whether every later call of a run would fail with the same error:
// the credentials are not valid, the token provider failed, or the call would be sent
// after the context's deadline.
func endsRun(err error) bool { // errors.go
	limit, ok := errors.AsType[*RateLimitError](err)
	return IsCredentialError(err) || isTokenError(err) || ok && limit.Attempts == 0
}

func isTokenError(err error) bool { // errors.go
	failed, ok := errors.AsType[*callError](err)
	return ok && failed.noToken
}

// ErrUserNotFound is the error of a key that no active user of the pod has, in the
// results of [Client.UsersByEmail] and [Client.UsersByUsername].
var ErrUserNotFound = errors.New("symphony: user not found") // errors.go

// checkSource checks the arguments of a call that takes a sequence.
func checkSource[Item any](ctx context.Context, source iter.Seq[Item], name string) error { // request.go
	switch {
	case ctx == nil:
		return &InvalidArgumentError{"ctx", "it is nil"}
	case source == nil:
		return &InvalidArgumentError{name, "it is nil"}
	}
	return nil
}

func (c *Client) setUserPresence(ctx context.Context, userID int64, category PresenceCategory, soft bool, _ class) (*V2Presence, error) { // presence.go
	return c.SetUserPresence(ctx, userID, category, soft)
}

func (c *Client) getUserPresence(ctx context.Context, userID int64, local bool, _ class) (*V2Presence, error) { // presence.go
	return c.GetUserPresence(ctx, userID, local)
}
