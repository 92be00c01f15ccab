package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// loginHost is a login endpoint in a synctest bubble.
type loginHost struct {
	mu      sync.Mutex
	logins  int
	delay   time.Duration
	respond func(login int) (status int, body string)
}

func (h *loginHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	h.mu.Lock()
	h.logins++
	status, body := h.respond(h.logins)
	h.mu.Unlock()
	select {
	case <-time.After(h.delay):
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (h *loginHost) tokens(t *testing.T) *auth.RSA {
	t.Helper()
	return newRSA(t, "https://acme.symphony.com/login", symphony.WithHTTPClient(&http.Client{Transport: h}))
}

// numbered returns the tokens 1, 2, 3 and so on.
func numbered(login int) (int, string) {
	return 200, `{"name":"sessionToken","token":"` + strings.Repeat("I", login) + `"}`
}

func refused(int) (int, string) { return 401, `{"message":"no"}` }

func TestHerd(t *testing.T) {
	t.Parallel()
	pod := start(t)
	client := newClient(t, pod, newRSA(t, pod.LoginURL(), symphony.WithHTTPClient(pod.Client())))
	require.NoError(t, set(t, client))
	pod.RevokeTokens()
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			if _, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, 2, pod.Logins(), "the first, and one for all")
}

func TestRefusedLoginIsSharedByThoseWhoNeedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{delay: time.Second, respond: refused}
		tokens := host.tokens(t)
		var group sync.WaitGroup
		for i := range 1000 {
			group.Go(func() {
				<-time.After(time.Duration(i) * 10 * time.Millisecond) // some come when the login has been refused already
				_, err := tokens.RefreshSessionToken(t.Context(), "old")
				if _, ok := errors.AsType[*symphony.UnauthorizedError](err); !ok {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, host.logins, "the first, which takes 1 s, and one 5 s later")

		host.respond = numbered
		<-time.After(5 * time.Second)
		token, err := tokens.SessionToken(t.Context())
		require.NoError(t, err, "a later call tries again")
		require.Equal(t, "III", token)
	})
}

// A first login that is refused is shared for 5 s, also by calls that come later.
func TestRefusedFirstLogin(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"401": 401, "403": 403} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				host := &loginHost{respond: func(int) (int, string) { return status, "" }}
				tokens := host.tokens(t)
				for range 50 {
					_, err := tokens.SessionToken(t.Context())
					var apiError *symphony.APIError
					require.ErrorAs(t, err, &apiError)
					require.Equal(t, status, apiError.StatusCode)
				}
				_, err := tokens.RefreshSessionToken(t.Context(), "old")
				require.Error(t, err)
				require.Equal(t, 1, host.logins)

				host.respond = numbered
				<-time.After(5*time.Second - 1)
				_, err = tokens.SessionToken(t.Context())
				require.Error(t, err)
				<-time.After(1)
				token, err := tokens.SessionToken(t.Context())
				require.NoError(t, err)
				require.Equal(t, "II", token)
			})
		})
	}
}

// A call that begins while a rejected token is replaced is not sent with that token.
func TestRejectedTokenIsNotReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: numbered}
		tokens := host.tokens(t)
		old, err := tokens.SessionToken(t.Context())
		require.NoError(t, err)
		host.delay = time.Second
		var group sync.WaitGroup
		group.Go(func() { _, _ = tokens.RefreshSessionToken(t.Context(), old) })
		synctest.Wait()
		token, err := tokens.SessionToken(t.Context())
		require.NoError(t, err)
		require.Equal(t, "II", token)
		group.Wait()
	})
}

// A login that failed for another reason than a refusal is tried again by a later call.
func TestFailedLoginIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: func(int) (int, string) { return 503, "" }}
		tokens := host.tokens(t)
		_, err := tokens.RefreshSessionToken(t.Context(), "old")
		require.Error(t, err)
		host.respond = numbered
		_, err = tokens.RefreshSessionToken(t.Context(), "old")
		require.NoError(t, err)
	})
}

func TestLoginHostIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: func(int) (int, string) { return 503, "" }}
		tokens := host.tokens(t)
		client, err := symphony.NewClient("https://acme.symphony.com/pod", tokens,
			symphony.WithHTTPClient(&http.Client{Transport: &loginHost{respond: func(int) (int, string) {
				t.Error("a call was sent without a token")
				return 500, ""
			}}}))
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				_, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false)
				if server, ok := errors.AsType[*symphony.ServerError](err); !ok || server.Attempts != 4 {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 4, host.logins, "one retry budget")
	})
}

func TestWaitersHaveTheirOwnContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{delay: 10 * time.Second, respond: numbered}
		tokens := host.tokens(t)
		first, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			start := time.Now()
			_, err := tokens.SessionToken(first)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Error(err)
			}
		})
		synctest.Wait() // the first caller's login is under way
		group.Go(func() {
			if token, err := tokens.SessionToken(t.Context()); err != nil || token != "I" {
				t.Error(token, err)
			}
		})
		group.Wait()
		require.Equal(t, 1, host.logins, "the login goes on without its first caller")
	})
}

func TestLate401KeepsNewerToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: numbered}
		tokens := host.tokens(t)
		for _, step := range []struct{ rejected, want string }{
			{"", "I"}, {"", "I"}, {"I", "II"}, {"I", "II"}, {"", "II"}, {"older", "II"}, {"II", "III"},
		} {
			var token string
			var err error
			if step.rejected == "" {
				token, err = tokens.SessionToken(t.Context())
			} else {
				token, err = tokens.RefreshSessionToken(t.Context(), step.rejected)
			}
			require.NoError(t, err)
			require.Equal(t, step.want, token)
		}
	})
}

// A pod may return the same token again; the session still logs in.
func TestLoginWithTheSameToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: func(int) (int, string) { return numbered(1) }}
		tokens := host.tokens(t)
		for range 3 {
			token, err := tokens.RefreshSessionToken(t.Context(), "I")
			require.NoError(t, err)
			require.Equal(t, "I", token)
		}
		require.Equal(t, 3, host.logins)
	})
}

func TestLoginTakesAMinuteAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{delay: time.Hour, respond: numbered}
		start := time.Now()
		_, err := host.tokens(t).SessionToken(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "the login took longer than 60s")
		require.Equal(t, time.Minute, time.Since(start))
		require.NoError(t, t.Context().Err())
	})
}

// A transport that does not return when its context has ended holds up its own login only.
func TestLoginWhoseTransportHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: numbered}
		release := make(chan struct{})
		var logins atomic.Int64
		tokens := newRSA(t, "https://acme.symphony.com/login", symphony.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if logins.Add(1) == 1 {
				<-release
			}
			return host.RoundTrip(r)
		})}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := tokens.SessionToken(ctx)
		require.ErrorContains(t, err, "the login took longer than 60s")
		require.Equal(t, 61*time.Second, time.Since(start))
		token, err := tokens.SessionToken(ctx)
		require.NoError(t, err, "the next call logs in at once")
		require.Equal(t, "I", token)
		close(release)
		synctest.Wait()
		again, err := tokens.SessionToken(ctx)
		require.NoError(t, err)
		require.Equal(t, token, again, "the token of the late login is not used")
	})
}

func TestRetryOfALogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: func(login int) (int, string) {
			if login < 3 {
				return 502, ""
			}
			return numbered(login)
		}}
		token, err := host.tokens(t).SessionToken(t.Context())
		require.NoError(t, err)
		require.Equal(t, "III", token)
	})
}

// A call whose context has ended does not wait for a login, and a nil context is an
// error.
func TestContextOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{delay: time.Second, respond: numbered}
		tokens := host.tokens(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := tokens.SessionToken(ended)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, host.logins)
		var none context.Context
		_, err = tokens.SessionToken(none)
		var invalid *symphony.InvalidArgumentError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "ctx", invalid.Argument)
	})
}

type contextKey struct{}

// A login runs on the values of the context of the call that needed it.
func TestLoginHasTheContextOfItsCall(t *testing.T) {
	t.Parallel()
	var value any
	tokens := newRSA(t, "https://acme.symphony.com/login", symphony.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		value = r.Context().Value(contextKey{})
		status, body := numbered(1)
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	})}))
	_, err := tokens.SessionToken(context.WithValue(t.Context(), contextKey{}, "span"))
	require.NoError(t, err)
	require.Equal(t, "span", value)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
