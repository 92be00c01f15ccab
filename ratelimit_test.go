package symphony_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// How a client finds a limit is tested in package limiter and, at model pods, in
// conformance/simulation. These are the tests of what callers see of it.

func TestWithRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []time.Duration
		start := time.Now()
		client := fake(t, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, time.Since(start))
			return response(200, busy), nil
		}, symphony.WithRateLimit(50))
		for result := range client.SetUserPresences(t.Context(), users(501, new(int)), symphony.WithConcurrency(64)) {
			require.NoError(t, result.Err)
		}
		for i, at := range sent { // never faster than a burst of a tenth of a second allows
			require.LessOrEqual(t, float64(i+1), 50*at.Seconds()+5+1e-6)
		}
		require.InDelta(t, 10, time.Since(start).Seconds(), 0.2)
	})
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(-1)} {
		_, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.NoSessionToken, symphony.WithRateLimit(rate))
		require.ErrorContains(t, err, "WithRateLimit")
	}
}

// Calls that wait for the same login are not all sent at the moment it ends.
func TestWithRateLimitAfterALogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		login := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(login) })
		tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) {
			<-login
			return secret, nil
		})
		var mu sync.Mutex
		var sent []time.Duration
		client := newClient(t, "https://acme.symphony.com/pod", tokens, symphony.WithRateLimit(10),
			symphony.WithHTTPClient(&http.Client{Transport: roundTrips(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, time.Since(start))
				return response(200, busy), nil
			})}))
		for result := range client.SetUserPresences(t.Context(), users(100, new(int)), symphony.WithConcurrency(40)) {
			require.NoError(t, result.Err)
		}
		for i, at := range sent[1:] {
			require.GreaterOrEqual(t, at-sent[i], 100*time.Millisecond-time.Nanosecond, "request %d", i+1)
		}
	})
}

// Many 429s pause all calls of the client; a few concern their own call only.
func TestManyRefusalsPauseTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var refuse atomic.Bool
		client := fake(t, func(*http.Request) (*http.Response, error) {
			if refuse.Load() {
				return response(429, "", "Retry-After", "7"), nil
			}
			return response(200, busy), nil
		}, once)
		for range 64 {
			require.NoError(t, setBusy(t, client))
		}
		require.True(t, math.IsInf(client.Limits().Rate, 1))
		refuse.Store(true)
		require.True(t, is[*symphony.RateLimitError](setBusy(t, client)))
		require.Zero(t, client.Limits().Pause, "one 429 is its call's own affair")
		for range 32 {
			require.True(t, is[*symphony.RateLimitError](setBusy(t, client)))
			if client.Limits().Pause > 0 {
				break
			}
		}
		refuse.Store(false)
		limits := client.Limits()
		require.InDelta(t, 7, limits.Pause.Seconds(), 0.1)
		require.False(t, math.IsInf(limits.Rate, 1))
		start := time.Now()
		require.NoError(t, setBusy(t, client))
		require.GreaterOrEqual(t, time.Since(start), limits.Pause)
	})
}

// A call whose turn comes after its deadline fails at once, and takes no one's turn.
func TestTurnAfterTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(0.05))
		require.NoError(t, setBusy(t, client))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		for range 1000 {
			_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
			limit, ok := errors.AsType[*symphony.RateLimitError](err)
			require.True(t, ok, err)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Zero(t, limit.Attempts)
			require.Equal(t, 20*time.Second, limit.RetryAfter)
			require.ErrorContains(t, err, "429 Too Many Requests: not sent: ")
			requireOneLine(t, err.Error())
		}
		require.Zero(t, time.Since(start))
		require.NoError(t, setBusy(t, client))
		require.Equal(t, 20*time.Second, time.Since(start))
	})
}

// A context that ends while a call waits for its turn ends the call at once.
func TestContextEndsAWaitForATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(0.05))
		require.NoError(t, setBusy(t, client))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "(not sent)")
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

// A bulk run ends when its next turn comes after its deadline: it does not go through the
// rest of the source to fail it.
func TestBulkEndsWhenItsTurnIsTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(1))
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		pulled, results, good := 0, 0, 0
		start := time.Now()
		for result := range client.SetUserPresences(ctx, users(1_000_000, &pulled)) {
			if results++; result.Err == nil {
				good++
				continue
			}
			require.True(t, is[*symphony.RateLimitError](result.Err), result.Err)
			require.ErrorIs(t, result.Err, context.DeadlineExceeded)
		}
		require.Equal(t, pulled, results)
		require.Less(t, pulled, 1000)
		require.Equal(t, 6, good)
		require.LessOrEqual(t, time.Since(start), 5500*time.Millisecond)
	})
}

// A retry whose turn comes too late ends with the response that the call had.
func TestRetryWhoseTurnIsTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(503), responds(200)}}
		client := fake(t, transport.RoundTrip, symphony.WithRateLimit(0.05))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		require.True(t, is[*symphony.ServerError](err), err)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, transport.sent)
	})
}

// What a response means for the other calls of the client.
func TestWhatTheLimiterIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name             string
		respond          func(*http.Request) (*http.Response, error)
		isOutage, pauses bool
	}{
		{"success", responds(200), false, false},
		{"not found, with Retry-After", responds(404, "Retry-After", "1"), false, false},
		{"rate limiting", responds(429), false, true},
		{"not available, with Retry-After", responds(503, "Retry-After", "1"), false, true},
		{"not available", responds(503), true, false},
		{"internal error", responds(500), true, false},
		{"not implemented", responds(501), true, false},
		{"no response", fails(io.ErrUnexpectedEOF), true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := fake(t, test.respond, once)
				for range 8 {
					_ = setBusy(t, client)
				}
				require.Equal(t, test.isOutage, client.Limits().Concurrency > 0)
				require.Equal(t, test.pauses, client.Limits().Pause > 0)
			})
		})
	}
}

// Calls that their callers cancel say nothing about the pod.
func TestCanceledCallsAreNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, hangs)
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Zero(t, client.Limits().Concurrency)
	})
}

// The wait for a turn is not part of the attempt.
func TestTurnIsNoPartOfTheAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(429, "Retry-After", "20"), responds(200)}}
		require.NoError(t, setBusy(t, fake(t, transport.RoundTrip, symphony.WithAttemptTimeout(time.Second))))
	})
}

// A rate so low that there is no second call in a lifetime is still one.
func TestWithVeryLowRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(1e-300))
		require.NoError(t, setBusy(t, client))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		require.True(t, is[*symphony.RateLimitError](err), err)
	})
}

// Calls that are given up on take no turns from those who come later.
func TestTurnsThatAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(10))
		require.NoError(t, setBusy(t, client))
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		synctest.Wait()
		cancel()
		group.Wait()
		start := time.Now()
		require.NoError(t, setBusy(t, client))
		require.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

// Who limits the logins ends a run; a 429 of the pod to one update does not.
func TestBulkAndRefusals(t *testing.T) {
	t.Parallel()
	asked := 0
	tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) {
		asked++
		return "", &symphony.RateLimitError{APIError: symphony.APIError{StatusCode: 429, Attempts: 4}}
	})
	client := newClient(t, "https://acme.symphony.com/pod", tokens)
	pulled := 0
	for result := range client.SetUserPresences(t.Context(), users(10_000, &pulled), symphony.WithConcurrency(1)) {
		require.True(t, is[*symphony.RateLimitError](result.Err))
	}
	require.Equal(t, 1, asked)
	require.Less(t, pulled, 100)

	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(429, "Retry-After", "1"), responds(200)}}
		good := 0
		for result := range fake(t, transport.RoundTrip, once).SetUserPresences(t.Context(), users(10, new(int)), symphony.WithConcurrency(1)) {
			if result.Err == nil {
				good++
			}
		}
		require.Equal(t, 9, good)
	})
}

// A call that was refused has fewer attempts left than those that have not been sent yet.
func TestRefusedCallsOfABulkRunGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := false
		pod := &bulkPod{respond: func(context.Context, symphony.V2Presence) (*http.Response, error) { // one after another, because of the rate
			if !refused {
				refused = true
				return response(429, "", "Retry-After", "1"), nil
			}
			return response(200, busy), nil
		}}
		for result := range pod.client(t, symphony.WithRateLimit(1)).SetUserPresences(t.Context(), users(4, new(int))) {
			require.NoError(t, result.Err)
		}
		var sent []int64
		for _, update := range pod.began {
			sent = append(sent, update.UserID)
		}
		require.Equal(t, []int64{1, 2, 1, 3, 4}, sent)
	})
}

// A deadline that is over is no matter of the rate limit, also before the context has ended.
func TestTurnAtADeadlineThatIsOver(t *testing.T) {
	t.Parallel()
	client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(1e9))
	_, err := client.GetPresence(overdue{t.Context()})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, is[*symphony.RateLimitError](err), err)
}

// overdue is a context whose timer comes late.
type overdue struct{ context.Context }

func (overdue) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A call whose session token was renewed and that has no turn before its deadline was not rejected.
func TestRenewalWithoutATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(401)}}
		tokens := []string{secret, secret + "2"}
		next := symphony.SessionTokenFunc(func(context.Context) (string, error) {
			token := tokens[0]
			tokens = tokens[1:]
			return token, nil
		})
		client := newClient(t, "https://acme.symphony.com/pod", next, symphony.WithHTTPClient(&http.Client{Transport: transport}), symphony.WithRateLimit(0.1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.GetPresence(ctx)
		require.True(t, is[*symphony.RateLimitError](err), err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, is[*symphony.UnauthorizedError](err), "the new token may be good")
		require.False(t, symphony.IsCredentialError(err))
	})
}

// A retry whose turn comes too late ends with the response that it had.
func TestRetryAfterTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){
			responds(429, "Retry-After", "1"), responds(503, "Retry-After", "1"), responds(429, "Retry-After", "20"), responds(200),
		}}
		client := fake(t, transport.RoundTrip)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		limit, ok := errors.AsType[*symphony.RateLimitError](err)
		require.True(t, ok, err)
		require.Equal(t, 3, limit.Attempts)
		require.Less(t, time.Since(start), 3*time.Second)
	})
}
