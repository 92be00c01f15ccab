package main

import (
	"context"
	"errors"
	"iter"

	"github.com/symphony-go/symphony"
)

// lookup is (*symphony.Client).UsersByEmail: exactly one result for each address, in their
// order.
type lookup func(ctx context.Context, emails iter.Seq[string]) iter.Seq[userResult]

// userResult is symphony.UserResult.
type userResult struct {
	Index int
	Key   string
	User  *user
	Err   error
}

// user is symphony.User.
type user struct{ ID int64 }

// errUserNotFound is symphony.ErrUserNotFound.
var errUserNotFound = errors.New("symphony: no active user has this key")

// usersByEmail returns client.UsersByEmail.
func usersByEmail(*symphony.Client) lookup {
	return func(_ context.Context, emails iter.Seq[string]) iter.Seq[userResult] {
		return func(yield func(userResult) bool) {
			index := 0
			for email := range emails {
				if !yield(userResult{Index: index, Key: email, Err: errors.New("the SDK has no lookup by e-mail address yet")}) {
					return
				}
				index++
			}
		}
	}
}
