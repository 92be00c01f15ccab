package symphony_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// around returns a middleware that handles each attempt with f.
func around(f func(r *http.Request, next http.RoundTripper) (*http.Response, error)) symphony.Option {
	return symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return f(r, next) })
	})
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	var calls []string
	named := func(name string) symphony.Option {
		calls = append(calls, "make "+name)
		return around(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			calls = append(calls, name)
			r = r.Clone(r.Context())
			r.Header.Add("X-Seen", name)
			return next.RoundTrip(r)
		})
	}
	var seen []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Values("X-Seen")
		respond(200, busy)(w, r)
	}, named("outer"), symphony.WithMiddleware(nil), symphony.Options(named("inner"), nil))
	for range 2 {
		require.NoError(t, setBusy(t, client))
	}
	require.Equal(t, []string{"make outer", "make inner", "outer", "inner", "outer", "inner"}, calls)
	require.Equal(t, []string{"outer", "inner"}, seen)

	_, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.NoSessionToken,
		symphony.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return nil }))
	require.ErrorContains(t, err, "WithMiddleware")
}

// Middleware may read the body by GetBody as often as it likes.
func TestMiddlewareThatReadsTheBody(t *testing.T) {
	t.Parallel()
	read := around(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		for range 3 {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			if text, err := io.ReadAll(body); err != nil || string(text) != `{"category":"BUSY","userId":42}` {
				return nil, fmt.Errorf("body %q: %w", text, err)
			}
		}
		return next.RoundTrip(r)
	})
	require.NoError(t, setBusy(t, serve(t, respond(200, busy), read, read, read)))
}

// Middleware may send a request twice at the same time, and look at it after the call.
func TestMiddlewareThatHedges(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	hedge := around(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		responses := make(chan *http.Response, 2)
		for range 2 {
			group.Go(func() {
				clone := r.Clone(r.Context())
				clone.Body, _ = r.GetBody()
				response, err := next.RoundTrip(clone)
				if err != nil {
					response = &http.Response{StatusCode: 500, Body: http.NoBody}
				}
				responses <- response
			})
		}
		group.Go(func() { _ = fmt.Sprintf("%v %+v %v %v", r.Context(), r.Context(), r.Header, r.URL) })
		first := <-responses
		group.Go(func() { (<-responses).Body.Close() })
		return first, nil
	})
	client := serve(t, respond(503, ""), hedge, quickly(3))
	require.True(t, is[*symphony.ServerError](setBusy(t, client)))
	group.Wait()
}

// What a mock or a broken middleware returns is an error, not a panic.
func TestMiddlewareThatReturnsNonsense(t *testing.T) {
	t.Parallel()
	spin := readerFunc(func([]byte) (int, error) { return 0, nil })
	for _, test := range []struct {
		name     string
		response *http.Response
		text     string
	}{
		{"an empty response", &http.Response{}, "malformed HTTP status 000"},
		{"an informational response", &http.Response{StatusCode: 100}, "100 Continue"},
		{"a length that is no length", &http.Response{StatusCode: 404, ContentLength: -5, Body: io.NopCloser(strings.NewReader("no"))}, "404 Not Found: no"},
		{"a length that no body has", &http.Response{StatusCode: 404, ContentLength: 1 << 62, Body: io.NopCloser(strings.NewReader("no"))}, "404 Not Found: no"},
		{"no body", &http.Response{StatusCode: 200}, "the body is empty"},
		{"no header", &http.Response{StatusCode: 404}, "404 Not Found"},
		{"a body that makes no progress", &http.Response{StatusCode: 200, Body: io.NopCloser(spin)}, io.ErrNoProgress.Error()},
		{"an error body that makes no progress", &http.Response{StatusCode: 400, Body: io.NopCloser(spin)}, "400 Bad Request"},
		{"nothing", nil, "neither a response nor an error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			nonsense := around(func(*http.Request, http.RoundTripper) (*http.Response, error) { return test.response, nil })
			require.ErrorContains(t, setBusy(t, serve(t, respond(200, busy), nonsense, once)), test.text)
		})
	}
}

// A middleware's own cancelled context is a failure of the attempt, which is retried, and
// not the caller's cancellation.
func TestMiddlewareThatCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		cancels := around(func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			sent.Add(1)
			ctx, cancel := context.WithCancelCause(r.Context())
			cancel(errors.New("circuit open"))
			return nil, fmt.Errorf("no luck: %w", ctx.Err())
		})
		err := setBusy(t, fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, cancels))
		require.ErrorContains(t, err, "no luck: context canceled (attempt 4 of 4)")
		require.NotErrorIs(t, err, context.Canceled)
		require.EqualValues(t, 4, sent.Load())
	})
}

// The attempts of a call are told apart by the request's context.
func TestMiddlewareSeesTheAttempt(t *testing.T) {
	t.Parallel()
	var numbers []int
	look := around(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		attempt, ok := symphony.AttemptFromContext(r.Context())
		if !ok || attempt.Operation != "SetUserPresence" || attempt.Route != "/v3/user/presence" || attempt.Method != "POST" ||
			attempt.TraceID != r.Header.Get("X-Trace-Id") || attempt.Host != r.URL.Host {
			return nil, fmt.Errorf("%+v", attempt)
		}
		numbers = append(numbers, attempt.Number)
		return next.RoundTrip(r)
	})
	require.True(t, is[*symphony.ServerError](setBusy(t, serve(t, respond(503, ""), look, quickly(3)))))
	require.Equal(t, []int{1, 2, 3}, slices.Clone(numbers))
	_, ok := symphony.AttemptFromContext(t.Context())
	require.False(t, ok)
}

// A middleware that changes a header in place changes that of one attempt only.
func TestMiddlewareThatChangesAHeaderInPlace(t *testing.T) {
	t.Parallel()
	var seen []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("X-Gateway"))
		respond(200, busy)(w, r)
	}, symphony.WithHeader("X-Gateway", "a"), around(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		r.Header["X-Gateway"][0] += "b"
		return next.RoundTrip(r)
	}))
	for range 2 {
		require.NoError(t, setBusy(t, client))
	}
	require.Equal(t, []string{"ab", "ab"}, seen)
}
