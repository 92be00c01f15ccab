package seeds_test

import (
	"errors"
	"fmt"

	"github.com/symphony-go/symphony"
)

// lookUp looks up users, some of whom no one is.
func (c *caller) lookUp() {
	emails := make([]string, 1+c.random.IntN(250))
	for i := range emails {
		emails[i] = fmt.Sprintf("u%d@%s.test", 1+c.random.IntN(100), []string{"pod", "pod", "pod", "elsewhere"}[c.random.IntN(4)])
	}
	b, ctx, cancel := newBulk[string, symphony.UserResult](c, "UsersByEmail", emails)
	defer cancel()
	b.run.concurrency, b.run.ahead = 0, 100
	b.take = func(r symphony.UserResult) (int, string, error) { return r.Index, checkFound(emails, r), r.Err }
	b.consume(c, c.client.UsersByEmail(ctx, b.source()))
}

func checkFound(emails []string, r symphony.UserResult) string {
	switch {
	case r.Index < 0 || r.Index >= len(emails) || emails[r.Index] != r.Key:
		return fmt.Sprintf("%q is not its key", r.Key)
	case (r.User == nil) == (r.Err == nil):
		return "exactly one of User and Err must be set"
	case r.User != nil && r.User.ID != userOf(r.Key):
		return fmt.Sprintf("user %d does not have the address %q", r.User.ID, r.Key)
	case errors.Is(r.Err, symphony.ErrUserNotFound) && userOf(r.Key) != 0:
		return fmt.Sprintf("%q was not found", r.Key)
	}
	return ""
}
