package seeds_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// manySeeds is within how many seeds a planted fault is found.
const manySeeds = 60

// TestChecker shows that the checker finds a fault of each kind.
func TestChecker(t *testing.T) {
	t.Parallel()
	for _, planted := range allPlanted {
		t.Run(planted.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(manySeeds) {
				for _, finding := range play(t, 1+seed, planted) {
					if strings.HasPrefix(finding, planted.property+": ") {
						return
					}
				}
			}
			require.Fail(t, "not found")
		})
	}
}

var allPlanted = []planted{
	{name: "a result is dropped", property: "results", dropped: true},
	{name: "a result comes twice", property: "results", client: twiceResult},
	{name: "a result has the index of another", property: "results", client: wrongIndex},
	{name: "a result is about another update", property: "results", client: wrongUpdate},
	{name: "lookup results are out of order", property: "results", client: swappedUsers},
	{name: "a run ends early", property: "results", client: shortRun},
	{name: "the source is pulled at once", property: "results", client: greedyRun},
	{name: "the source is pulled after the context's end", property: "results", client: endlessRun},
	{name: "two updates of a user are swapped", property: "order", client: swappedUpdates},
	{name: "two updates of a user at a time", property: "order", client: unorderedUpdates},
	{name: "the pod acknowledges and does nothing", property: "order", world: func(w *world) {
		w.pretend = func(m *message) bool { return m.user%3 == 0 }
	}},
	{name: "the pod loses a write", property: "state", played: func(w *world) {
		for id := range w.users {
			w.users[id] = presence{category: "LOST"}
		}
	}},
	{name: "the client acknowledges and sends nothing", property: "acknowledged", client: unsentCall},
	{name: "the client reports a success as an error", property: "acknowledged", client: falseError},
	{name: "a once-only call is sent twice", property: "once", transport: sentTwice},
	{name: "a call is sent once more than its policy allows", property: "requests", played: func(w *world) { w.policy.MaxAttempts-- }},
	{name: "the rejected token is sent again", property: "requests", tokens: staleToken},
	{name: "a change is not reverted", property: "state", client: noRevert},
	{name: "an old token is sent", property: "logins", tokens: oldToken},
	{name: "logs in twice", property: "logins", tokens: twoLogins},
	{name: "an attempt is reported twice", property: "observed", observer: func(next observer) observer {
		return func(ctx context.Context, a symphony.Attempt) { next(ctx, a); next(ctx, a) }
	}},
	{name: "a first attempt is not reported", property: "observed", observer: reportsUnless(func(a symphony.Attempt) bool { return a.Number == 1 })},
	{name: "a retry is not reported", property: "observed", observer: reportsUnless(func(a symphony.Attempt) bool { return a.Number == 2 })},
	{name: "an unsent call is not reported", property: "observed", observer: reportsUnless(func(a symphony.Attempt) bool { return a.Number == 0 })},
	{name: "no attempt is the last", property: "observed", observer: reportsLast(false)},
	{name: "every attempt is the last", property: "observed", observer: reportsLast(true)},
	{name: "an attempt outlasts its timeout", property: "bounds", transport: slowTransport},
	{name: "a call outlasts its context", property: "bounds", client: slowCall},
	{name: "a run goes on after the loop", property: "bounds", client: slowRun},
	{name: "the client sends faster than its limit", property: "rate", played: func(w *world) { w.plan.rate = 1 }},
	{name: "a goroutine is left", property: "rest", client: leavesGoroutine},
	{name: "a goroutine is left for a while", property: "rest", client: leavesSleeper},
	{name: "a call is left in the queue", property: "rest", client: leavesWaiter},
	{name: "a call never returns", property: "rest", transport: func(*world, http.RoundTripper) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) {
			var never chan struct{}
			<-never
			return nil, nil //nolint:nilnil // not reached
		})
	}},
}

func reportsUnless(drop func(symphony.Attempt) bool) func(observer) observer {
	return func(next observer) observer {
		return func(ctx context.Context, a symphony.Attempt) {
			if !drop(a) {
				next(ctx, a)
			}
		}
	}
}

func reportsLast(last bool) func(observer) observer {
	return func(next observer) observer {
		return func(ctx context.Context, a symphony.Attempt) {
			a.Last = last
			next(ctx, a)
		}
	}
}

// roundTripper is a function that is a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func sentTwice(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/ledger") {
			body, _ := io.ReadAll(r.Body)
			again := r.Clone(r.Context())
			again.Body, r.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
			if response, err := next.RoundTrip(again); err == nil {
				_ = response.Body.Close()
			}
		}
		return next.RoundTrip(r)
	})
}

// slowTransport ignores the end of a request.
func slowTransport(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil {
			<-time.After(w.attemptTimeout)
		}
		return response, err
	})
}

func twoLogins(newProvider func() (symphony.SessionTokenRefresher, error)) (symphony.SessionTokenProvider, error) {
	one, err := newProvider()
	if err != nil {
		return nil, err
	}
	other, err := newProvider()
	return &refresher{one.SessionToken, func(ctx context.Context, rejected string) (string, error) {
		if _, err := one.RefreshSessionToken(ctx, rejected); err != nil {
			return "", err
		}
		return other.RefreshSessionToken(ctx, rejected)
	}}, err
}

func staleToken(newProvider func() (symphony.SessionTokenRefresher, error)) (symphony.SessionTokenProvider, error) {
	one, err := newProvider()
	if err != nil {
		return nil, err
	}
	return &refresher{one.SessionToken, func(_ context.Context, rejected string) (string, error) { return rejected, nil }}, nil
}

// oldToken refreshes, and goes back to the first token.
func oldToken(newProvider func() (symphony.SessionTokenRefresher, error)) (symphony.SessionTokenProvider, error) {
	one, err := newProvider()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var first string
	return &refresher{func(ctx context.Context) (string, error) {
		token, err := one.SessionToken(ctx)
		mu.Lock()
		defer mu.Unlock()
		if first == "" {
			first = token
		}
		return first, err
	}, one.RefreshSessionToken}, nil
}

// refresher is a provider made of functions.
type refresher struct {
	token   func(context.Context) (string, error)
	refresh func(context.Context, string) (string, error)
}

func (r *refresher) SessionToken(ctx context.Context) (string, error) { return r.token(ctx) }

func (r *refresher) RefreshSessionToken(ctx context.Context, rejected string) (string, error) {
	return r.refresh(ctx, rejected)
}
