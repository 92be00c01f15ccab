package symphony_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// attempts is an observer that keeps what it was told. It is for calls made one after
// another.
type attempts []symphony.Attempt

func (a *attempts) observe() symphony.Option {
	return symphony.WithObserver(func(_ context.Context, attempt symphony.Attempt) { *a = append(*a, attempt) })
}

// inTurn is a fake transport that returns the responses in turn, each after a latency.
func inTurn(latency time.Duration, responses ...*http.Response) roundTrips {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		next := responses[0]
		responses = responses[1:]
		return next, nil
	}
}

// renewable is a provider that replaces a rejected token after login has returned.
type renewable struct{ login func() error }

func (renewable) SessionToken(context.Context) (string, error) { return secret, nil }

func (r renewable) RefreshSessionToken(context.Context, string) (string, error) {
	return "fresh-" + secret, r.login()
}

func fakeOf(t *testing.T, tokens symphony.SessionTokenProvider, f roundTrips, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	client, err := symphony.NewClient("https://acme.symphony.com:8443/pod", tokens,
		append([]symphony.Option{symphony.WithHTTPClient(&http.Client{Transport: f})}, opts...)...)
	require.NoError(t, err)
	return client
}

// A call that meets a 503, a 429 and a 401 before it succeeds.
func TestObserverIsToldOfEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen attempts
		var statuses []int // in the order of what the pod saw and the observer was told
		tokens := renewable{func() error {
			<-time.After(3 * time.Second)
			return nil
		}}
		client := fakeOf(t, tokens, inTurn(100*time.Millisecond,
			response(503, ""), response(429, "", "Retry-After", "2"), response(401, ""), response(200, busy)),
			symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Second, MaxBackoff: time.Second}),
			symphony.WithObserver(func(_ context.Context, a symphony.Attempt) { statuses = append(statuses, a.StatusCode) }),
			seen.observe())
		start := time.Now()
		_, err := client.SetUserPresence(symphony.ContextWithTraceID(t.Context(), "trace1"), 42, symphony.PresenceBusy, false)
		require.NoError(t, err)
		require.Equal(t, []int{503, 429, 401, 200}, statuses)
		require.Len(t, seen, 4)

		waited := 0 * time.Second
		for i, a := range seen {
			require.Equal(t, "SetUserPresence", a.Operation)
			require.Equal(t, http.MethodPost, a.Method)
			require.Equal(t, "/v3/user/presence", a.Route)
			require.Equal(t, "acme.symphony.com:8443", a.Host)
			require.Equal(t, "trace1", a.TraceID)
			require.Equal(t, i+1, a.Number)
			require.Equal(t, i == 3, a.Last)
			require.NoError(t, a.Err, "a response that is not a 2xx is no error of the attempt")
			require.Equal(t, 100*time.Millisecond, a.Duration)
			waited += a.Queued + a.Duration
			if a.StatusCode == 401 {
				waited += 3 * time.Second // it is told after the login
			}
			require.Equal(t, waited, a.Elapsed, "attempt %d", a.Number)
			waited += a.Backoff
		}
		require.Positive(t, seen[0].Backoff)
		require.LessOrEqual(t, seen[0].Backoff, time.Second)
		require.Positive(t, seen[1].Backoff+seen[2].Queued)
		require.Zero(t, seen[2].Backoff, "the resend with a new token does not wait")
		require.Zero(t, seen[3].Backoff)
		require.Equal(t, time.Since(start), seen[3].Elapsed)
	})
}

// The last attempt is known as such: the one whose response the call returns.
func TestLastAttempt(t *testing.T) {
	t.Parallel()
	login := errors.New("no login")
	reset := errors.New("connection reset")
	for _, test := range []struct {
		name    string
		tokens  symphony.SessionTokenProvider
		replies []any // a status or an error
		policy  symphony.RetryPolicy
		want    []string // status and last
		err     error    // of the last attempt
	}{
		{name: "a success", replies: []any{200}, want: []string{"200 last"}},
		{name: "a failure that is not retried", replies: []any{404}, want: []string{"404 last"}},
		{name: "attempts used up", replies: []any{503, 502}, policy: symphony.RetryPolicy{MaxAttempts: 2}, want: []string{"503", "502 last"}},
		{name: "no retries", replies: []any{503}, policy: symphony.RetryPolicy{MaxAttempts: 1}, want: []string{"503 last"}},
		{name: "no response", replies: []any{reset, reset}, policy: symphony.RetryPolicy{MaxAttempts: 2}, want: []string{"0", "0 last"}, err: reset},
		{name: "a Retry-After that is too long", replies: []any{"Retry-After 3600"}, want: []string{"503 last"}},
		{name: "a 401 without another token", replies: []any{401}, want: []string{"401 last"}},
		{name: "a 401 whose login fails", tokens: renewable{func() error { return login }}, replies: []any{401}, want: []string{"401 last"}},
		{name: "a second 401", tokens: renewable{func() error { return nil }}, replies: []any{401, 401}, want: []string{"401", "401 last"}},
		{
			name: "a 503 after the resend", tokens: renewable{func() error { return nil }}, replies: []any{503, 401, 503, 200},
			want: []string{"503", "401", "503", "200 last"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen attempts
				tokens := test.tokens
				if tokens == nil {
					tokens = symphony.StaticSessionToken(secret)
				}
				client := fakeOf(t, tokens, func(*http.Request) (*http.Response, error) {
					reply := test.replies[0]
					test.replies = test.replies[1:]
					switch reply := reply.(type) {
					case error:
						return nil, reply
					case string:
						return response(503, "", "Retry-After", "3600"), nil
					}
					return response(reply.(int), busy), nil
				}, symphony.WithRetryPolicy(test.policy), seen.observe())
				_, _ = client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false)

				var got []string
				for _, a := range seen {
					text := fmt.Sprint(a.StatusCode)
					if a.Last {
						text += " last"
						require.ErrorIs(t, a.Err, test.err)
					}
					got = append(got, text)
				}
				require.Equal(t, test.want, got)
				require.Empty(t, test.replies, "every reply is fetched")
			})
		})
	}
}

// A call that was never sent is reported once.
func TestObserverOfACallThatWasNotSent(t *testing.T) {
	t.Parallel()
	noToken := errors.New("no token today")
	for _, test := range []struct {
		name   string
		tokens symphony.SessionTokenProvider
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		target error
	}{
		{
			name:   "no token",
			tokens: symphony.SessionTokenFunc(func(context.Context) (string, error) { return "", noToken }),
			target: noToken,
		},
		{
			name:   "an empty token",
			tokens: symphony.SessionTokenFunc(func(context.Context) (string, error) { return "", nil }),
			target: symphony.ErrNoSessionToken,
		},
		{
			name: "a turn after the deadline",
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 50*time.Millisecond)
			},
			target: context.DeadlineExceeded,
		},
		{
			name: "a context that ends in the queue",
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				stop := time.AfterFunc(50*time.Millisecond, cancel).Stop
				return ctx, func() { stop(); cancel() }
			},
			target: context.Canceled,
		},
		{
			name: "a context that has ended",
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			target: context.Canceled,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen attempts
				var log bytes.Buffer
				tokens := symphony.SessionTokenProvider(symphony.StaticSessionToken(secret))
				if test.tokens != nil {
					tokens = test.tokens
				}
				client := fakeOf(t, tokens, func(*http.Request) (*http.Response, error) { return response(200, busy), nil },
					symphony.WithRateLimit(1), // the second call of a second waits
					symphony.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
					seen.observe())
				_, _ = client.GetPresence(t.Context())
				seen = nil
				log.Reset()

				ctx := t.Context()
				if test.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = test.ctx(ctx)
					defer cancel()
				}
				_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
				require.ErrorIs(t, err, test.target)
				require.Len(t, seen, 1)
				a := seen[0]
				require.Equal(t, "SetUserPresence", a.Operation)
				require.Zero(t, a.Number)
				require.True(t, a.Last)
				require.Zero(t, a.StatusCode)
				require.Zero(t, a.Duration)
				require.Equal(t, err, a.Err)
				require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
				require.Contains(t, log.String(), "attempt=0")
			})
		})
	}
}

func TestObserverIsNotToldOfRefusedArguments(t *testing.T) {
	t.Parallel()
	var seen attempts
	client := fake(t, inTurn(0), seen.observe())
	_, err := client.SetUserPresence(t.Context(), 0, symphony.PresenceBusy, false)
	require.True(t, is[*symphony.InvalidArgumentError](err))
	require.Error(t, client.Do(t.Context(), symphony.Request{Path: "no-slash"}, nil))
	require.Error(t, client.Do(t.Context(), symphony.Request{Method: "POST", Path: "/x", Body: func() {}}, nil))
	require.Error(t, client.Do(nil, symphony.Request{Path: "/x"}, nil)) //nolint:staticcheck // the refusal is the test
	require.Empty(t, seen)
}

// Every public call names itself and its path with placeholders.
func TestOperationsAndRoutes(t *testing.T) {
	t.Parallel()
	var seen attempts
	client := fake(t, func(*http.Request) (*http.Response, error) { return response(404, ""), nil }, seen.observe())
	ctx := t.Context()
	for _, call := range []struct {
		operation, route string
		make             func()
	}{
		{"SetUserPresence", "/v3/user/presence", func() { _, _ = client.SetUserPresence(ctx, 42, symphony.PresenceBusy, true) }},
		{"SetPresence", "/v2/user/presence", func() { _, _ = client.SetPresence(ctx, symphony.PresenceBusy, true) }},
		{"GetPresence", "/v2/user/presence", func() { _, _ = client.GetPresence(ctx) }},
		{"GetUserPresence", "/v3/user/{uid}/presence", func() { _, _ = client.GetUserPresence(ctx, 42, true) }},
		{"ListPresences", "/v2/users/presence", func() { _, _ = client.ListPresences(ctx, 0, 10) }},
		{"RegisterPresenceInterest", "/v1/user/presence/register", func() { _ = client.RegisterPresenceInterest(ctx, 42) }},
		{"CreatePresenceFeed", "/v1/presence/feed/create", func() { _, _ = client.CreatePresenceFeed(ctx) }},
		{"ReadPresenceFeed", "/v1/presence/feed/{feedId}/read", func() { _, _ = client.ReadPresenceFeed(ctx, "f42") }},
		{"DeletePresenceFeed", "/v1/presence/feed/{feedId}/delete", func() { _ = client.DeletePresenceFeed(ctx, "f42") }},
		{"SetUserPresence", "/v3/user/presence", func() {
			for range client.SetUserPresences(ctx, slices.Values([]symphony.PresenceUpdate{{UserID: 42, Category: symphony.PresenceBusy}})) {
			}
		}},
		{"Sessions", "", func() { _ = client.Do(ctx, symphony.Request{Path: "/v2/sessioninfo", Operation: "Sessions"}, nil) }},
		{"DELETE /v2/x", "", func() { _ = client.Do(ctx, symphony.Request{Method: "DELETE", Path: "/v2/x"}, nil) }},
	} {
		seen = nil
		call.make()
		require.Len(t, seen, 1, call.operation)
		require.Equal(t, call.operation, seen[0].Operation)
		require.Equal(t, call.route, seen[0].Route)
		require.NotContains(t, seen[0].Operation+seen[0].Route, "42")
		require.Len(t, seen[0].TraceID, 6)
	}
}

func TestErrOfAnAttempt(t *testing.T) {
	t.Parallel()
	cutBody := func() *http.Response {
		r := response(200, "")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"category`), iotest.ErrReader(io.ErrUnexpectedEOF)))
		return r
	}
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name  string
			reply func(*http.Request) (*http.Response, error)
			check func(symphony.Attempt, error)
		}{
			{"not JSON", func(*http.Request) (*http.Response, error) { return response(200, "<html>"), nil }, func(a symphony.Attempt, err error) {
				require.True(t, is[*symphony.DecodeError](a.Err))
				require.Equal(t, err, a.Err)
				require.Equal(t, 200, a.StatusCode)
			}},
			{"a body that breaks off", func(*http.Request) (*http.Response, error) { return cutBody(), nil }, func(a symphony.Attempt, err error) {
				require.True(t, is[*symphony.DecodeError](a.Err))
				require.ErrorIs(t, a.Err, io.ErrUnexpectedEOF)
				require.Equal(t, err, a.Err)
			}},
			{"a token in the error", func(r *http.Request) (*http.Response, error) {
				return nil, errors.New("cannot send " + r.Header.Get("sessionToken"))
			}, func(a symphony.Attempt, _ error) {
				require.ErrorContains(t, a.Err, "cannot send")
				requireNoSecret(t, a)
			}},
			{"an attempt that times out", func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}, func(a symphony.Attempt, _ error) {
				require.EqualError(t, a.Err, "no response within 5s")
				require.ErrorIs(t, a.Err, context.DeadlineExceeded)
				require.Equal(t, 5*time.Second, a.Duration)
			}},
		} {
			var seen attempts
			client := fake(t, test.reply, once, symphony.WithAttemptTimeout(5*time.Second), seen.observe())
			err := setBusy(t, client)
			require.Error(t, err, test.name)
			require.Len(t, seen, 1, test.name)
			test.check(seen[0], err)
		}
	})
}

// A context that ends during an attempt, or during the wait for the next one.
func TestObserverOfACallWhoseContextEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		after  time.Duration
		status []int
		last   []bool
	}{
		{"during the first attempt", 5 * time.Second, []int{0}, []bool{true}},
		{"during the wait", 11 * time.Second, []int{502}, []bool{false}},
		{"during the second attempt", 20 * time.Second, []int{502, 0}, []bool{false, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen attempts
				client := fake(t, inTurn(10*time.Second, response(502, ""), response(200, busy)),
					symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 5 * time.Second}), seen.observe())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(test.after, cancel)
				_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
				require.ErrorIs(t, err, context.Canceled)
				require.Len(t, seen, len(test.status))
				for i, a := range seen {
					require.Equal(t, test.status[i], a.StatusCode)
					require.Equal(t, test.last[i], a.Last)
					require.Equal(t, i+1, a.Number)
				}
				if final := seen[len(seen)-1]; final.Last {
					require.ErrorIs(t, final.Err, context.Canceled)
				}
			})
		})
	}
}

func TestObserversAreCalledInOrder(t *testing.T) {
	t.Parallel()
	type key struct{}
	var order []string
	observe := func(name string) symphony.Option {
		return symphony.WithObserver(func(ctx context.Context, _ symphony.Attempt) {
			require.Equal(t, "caller", ctx.Value(key{}), "the context is the call's")
			order = append(order, name)
		})
	}
	client := fake(t, inTurn(0, response(200, busy)), observe("first"), symphony.WithObserver(nil), symphony.Options(observe("second"), nil, observe("third")))
	_, err := client.SetUserPresence(context.WithValue(t.Context(), key{}, "caller"), 42, symphony.PresenceBusy, false)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second", "third"}, order)
}

// A panic of an observer reaches the caller, and the client goes on working.
func TestPanicOfAnObserver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status []int
		call   func(*testing.T, *symphony.Client)
	}{
		{"after the last attempt", []int{200, 200}, func(t *testing.T, client *symphony.Client) { _ = setBusy(t, client) }},
		{"before a retry", []int{503, 200}, func(t *testing.T, client *symphony.Client) { _ = setBusy(t, client) }},
		{"before the resend after a 401", []int{401, 200}, func(t *testing.T, client *symphony.Client) { _ = setBusy(t, client) }},
		{"in a bulk run", []int{200, 200}, func(t *testing.T, client *symphony.Client) {
			for range client.SetUserPresences(t.Context(), slices.Values([]symphony.PresenceUpdate{{UserID: 42, Category: symphony.PresenceBusy}})) {
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			panics := true
			client := fakeOf(t, renewable{func() error { return nil }},
				inTurn(0, response(test.status[0], busy), response(test.status[1], busy)),
				symphony.WithObserver(func(context.Context, symphony.Attempt) {
					if panics {
						panic("observer")
					}
				}))
			require.PanicsWithValue(t, "observer", func() { test.call(t, client) })
			panics = false
			require.NoError(t, setBusy(t, client))
		})
	}
}

func TestObserverThatBlocksBlocksOnlyItsCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, returned := make(chan struct{}), make(chan error)
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil },
			symphony.WithRateLimit(1000),
			symphony.WithObserver(func(_ context.Context, a symphony.Attempt) {
				if a.Operation == "GetPresence" {
					<-release
				}
			}))
		go func() {
			_, err := client.GetPresence(t.Context())
			returned <- err
		}()
		synctest.Wait()
		for range 10 {
			require.NoError(t, setBusy(t, client))
		}
		require.Zero(t, client.Limits().InFlight, "its request has ended")
		close(release)
		require.NoError(t, <-returned)
	})
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	var order []string
	around := func(name string) symphony.Option {
		return symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			order = append(order, "made "+name)
			return roundTrips(func(r *http.Request) (*http.Response, error) {
				order = append(order, name)
				return next.RoundTrip(r)
			})
		})
	}
	client := fake(t, inTurn(0, response(503, ""), response(200, busy)),
		around("outer"), symphony.WithMiddleware(nil), symphony.Options(around("inner")),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	require.Equal(t, []string{"made inner", "made outer"}, order, "once for a client")
	order = nil
	require.NoError(t, setBusy(t, client))
	require.Equal(t, []string{"outer", "inner", "outer", "inner"}, order, "around each attempt")

	_, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.NoSessionToken,
		symphony.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return nil }))
	require.ErrorContains(t, err, "WithMiddleware")
}

// Middleware and transport find the attempt in the context, with and without an observer.
func TestAttemptFromContext(t *testing.T) {
	t.Parallel()
	_, ok := symphony.AttemptFromContext(t.Context())
	require.False(t, ok)
	for _, opts := range [][]symphony.Option{nil, {new(attempts).observe()}} {
		synctest.Test(t, func(t *testing.T) {
			var found []symphony.Attempt
			look := func(r *http.Request) {
				a, ok := symphony.AttemptFromContext(r.Context())
				require.True(t, ok)
				require.Equal(t, r.Header.Get("X-Trace-Id"), a.TraceID)
				a.TraceID = ""
				found = append(found, a)
			}
			status := []int{401, 503, 200}
			client := fakeOf(t, renewable{func() error { return nil }}, func(r *http.Request) (*http.Response, error) {
				look(r)
				next := status[0]
				status = status[1:]
				return response(next, busy), nil
			}, append(opts, symphony.WithRateLimit(1), symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTrips(func(r *http.Request) (*http.Response, error) {
					look(r)
					return next.RoundTrip(r)
				})
			}))...)
			_, err := client.GetUserPresence(t.Context(), 42, false)
			require.NoError(t, err)
			require.Len(t, found, 6)
			for i, a := range found {
				queued := a.Queued
				a.Queued = 0
				require.Equal(t, symphony.Attempt{
					Operation: "GetUserPresence", Method: "GET", Route: "/v3/user/{uid}/presence",
					Host: "acme.symphony.com:8443", Number: i/2 + 1,
				}, a)
				require.Equal(t, i >= 2, queued > 0, "one request a second")
			}
		})
	}
}

// A call whose provider is slow waits for several turns: Queued is all of that.
func TestQueuedWithASlowProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) {
			<-time.After(time.Second)
			return secret, nil
		})
		var told attempts
		var found symphony.Attempt
		client := fakeOf(t, tokens, func(r *http.Request) (*http.Response, error) {
			found, _ = symphony.AttemptFromContext(r.Context())
			return response(200, busy), nil
		}, told.observe(), symphony.WithRateLimit(0.1))
		require.NoError(t, setBusy(t, client))
		require.Len(t, told, 1)
		const providerTakes = 4 * time.Second // it is asked once for each turn
		require.Equal(t, told[0].Elapsed-providerTakes, told[0].Queued)
		require.Equal(t, told[0].Queued, found.Queued)
	})
}

// A provider is slow if it takes longer than a turn lasts, and that matters only under a limit.
func TestSlowProvider(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		takes time.Duration
		limit symphony.Option
		asked int
	}{
		{"quick", 200 * time.Microsecond, symphony.WithRateLimit(1000), 1},
		{"slow", 201 * time.Microsecond, symphony.WithRateLimit(1000), 4},
		{"slow without a limit", time.Minute, nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) {
					asked++
					<-time.After(test.takes)
					return secret, nil
				})
				require.NoError(t, setBusy(t, fakeOf(t, tokens, responds(200), test.limit)))
				require.Equal(t, test.asked, asked)
			})
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	require.Zero(t, (*symphony.Client)(nil).Limits())
	require.Empty(t, new(symphony.Client).Host())
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, inTurn(0, response(200, busy), response(200, busy)), symphony.WithRateLimit(2))
		require.Equal(t, "acme.symphony.com", client.Host())
		require.Equal(t, symphony.Limits{Rate: 2}, client.Limits())
		require.True(t, math.IsInf(fake(t, inTurn(0)).Limits().Rate, 1), "no limit is known")

		require.NoError(t, setBusy(t, client))
		returned := make(chan error)
		go func() {
			_, err := client.GetPresence(t.Context())
			returned <- err
		}()
		synctest.Wait()
		require.Equal(t, 1, client.Limits().Waiting)
		require.NoError(t, <-returned)
		require.Zero(t, client.Limits().Waiting)
	})
}

// The log has the facts of each attempt, with units, and nothing for a logger that is off.
func TestLogRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		run := func(level slog.Level) string {
			var log bytes.Buffer
			client := fakeOf(t, renewable{func() error { return nil }}, inTurn(320*time.Millisecond,
				response(502, ""), response(401, ""), response(200, "<html>")),
				symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}),
				symphony.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
					Level:       level,
					ReplaceAttr: withoutTime,
				}))))
			ctx := symphony.ContextWithTraceID(t.Context(), "trace1")
			_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
			require.Error(t, err)
			require.NotContains(t, log.String(), secret)
			return log.String()
		}
		const common = `operation=SetUserPresence attempt=%d status=%d duration=320ms symphony_trace_id=trace1 user_id=42`
		line := func(level, message string, number, status int, more string) string {
			return fmt.Sprintf(`level=%s msg="symphony: %s" `+common, level, message, number, status) + more + "\n"
		}
		first := line("WARN", "retry", 1, 502, ` backoff=1ns`)
		second := line("WARN", "retry", 2, 401, ` backoff=0s`)
		require.Equal(t, first+second, run(slog.LevelWarn))
		require.Regexp(t, "^"+
			line("DEBUG", "attempt", 1, 502, "")+first+
			line("DEBUG", "attempt", 2, 401, "")+second+
			line("DEBUG", "attempt", 3, 200, ` error=".*an HTML page.*"`)+"$", run(slog.LevelDebug))
		require.Empty(t, run(slog.LevelError))
	})
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// A call that is about no one names no user.
func TestLogOfACallAboutNoOne(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	client := fake(t, inTurn(0, response(200, `{"format":"TEXT","message":"OK"}`)),
		symphony.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	require.NoError(t, client.RegisterPresenceInterest(t.Context(), 42, 43))
	require.Contains(t, log.String(), "operation=RegisterPresenceInterest")
	require.NotContains(t, log.String(), "user_id")
}

// Breaking out of a bulk run reports no call that was never begun.
func TestObserverOfABulkRunThatIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent, told atomic.Int64
		client := fake(t, func(*http.Request) (*http.Response, error) {
			sent.Add(1)
			<-time.After(time.Second)
			return response(200, busy), nil
		}, symphony.WithObserver(func(context.Context, symphony.Attempt) { told.Add(1) }))
		for range client.SetUserPresences(t.Context(), users(10_000, new(int))) {
			break
		}
		require.Equal(t, sent.Load(), told.Load())
	})
}
