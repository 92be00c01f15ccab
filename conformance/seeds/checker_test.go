package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/symphony-go/symphony"
)

// checker checks a seed after it was played.
type checker struct {
	*world
	calls    map[callKey][]*message
	findings []string
}

func (c *checker) report(property, format string, args ...any) {
	c.findings = append(c.findings, property+": "+fmt.Sprintf(format, args...))
}

// callsOf groups requests by the call that they belong to.
func callsOf(log []*message) map[callKey][]*message {
	calls := map[callKey][]*message{}
	for _, m := range log {
		calls[m.call] = append(calls[m.call], m)
	}
	return calls
}

func endedBy(ends, finish time.Time) bool { return !ends.IsZero() && !finish.Before(ends) }

// checkEnd checks that nothing goes on after a context's end.
func (c *checker) checkEnd(name string, ends, finish time.Time) {
	if !ends.IsZero() && finish.After(ends) {
		c.report("bounds", "%s: went on for %v after its context ended", name, finish.Sub(ends))
	}
}

// isShared reports whether every later call of a run would have failed with an error too.
func isShared(err error) bool {
	if err == nil {
		return false
	}
	limited, ok := errors.AsType[*symphony.RateLimitError](err)
	_, forbidden := errors.AsType[*symphony.ForbiddenError](err)
	return symphony.IsCredentialError(err) || strings.Contains(err.Error(), "session token") || forbidden ||
		ok && errors.Is(limited, context.DeadlineExceeded)
}
