package symphony_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// refresher is a provider that logs in anew each time it is asked to.
type refresher struct {
	token    string
	next     []string
	err      error
	rejected []string
}

func (r *refresher) SessionToken(context.Context) (string, error) { return r.token, nil }

func (r *refresher) RefreshSessionToken(_ context.Context, rejected string) (string, error) {
	r.rejected = append(r.rejected, rejected)
	if r.err != nil {
		return "", r.err
	}
	r.token, r.next = r.next[0], r.next[1:]
	return r.token, nil
}

// accepts is a pod that takes one token.
func accepts(token string, sent *[]string, otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got := r.Header.Get("sessionToken")
		*sent = append(*sent, got)
		switch {
		case got == token:
			respond(200, busy)(w, r)
		case otherwise != nil:
			otherwise(w, r)
		default:
			respond(401, "")(w, r) // some pods give a 401 without a body
		}
	}
}

func withTokens(t *testing.T, tokens symphony.SessionTokenProvider, handler http.HandlerFunc, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	transport := roundTrips(func(r *http.Request) (*http.Response, error) {
		return record(handler, r), nil
	})
	return newClient(t, "https://acme.symphony.com/pod", tokens, append(opts, symphony.WithHTTPClient(&http.Client{Transport: transport}))...)
}

func TestRefreshOn401(t *testing.T) {
	t.Parallel()
	var sent []string
	tokens := &refresher{token: "old", next: []string{"new"}}
	client := withTokens(t, tokens, accepts("new", &sent, nil))
	require.NoError(t, setBusy(t, client))
	require.NoError(t, setBusy(t, client))
	require.Equal(t, []string{"old", "new", "new"}, sent)
	require.Equal(t, []string{"old"}, tokens.rejected)
}

func TestSecond401IsFinal(t *testing.T) {
	t.Parallel()
	var sent []string
	tokens := &refresher{token: "old", next: []string{"newer", "newest"}}
	err := setBusy(t, withTokens(t, tokens, accepts("none", &sent, nil)))
	unauthorized, ok := errors.AsType[*symphony.UnauthorizedError](err)
	require.True(t, ok)
	require.Equal(t, 2, unauthorized.Attempts)
	require.Equal(t, []string{"old", "newer"}, sent)
}

func TestRefreshLeavesAtLeastOneAttempt(t *testing.T) {
	t.Parallel()
	var sent []string
	tokens := &refresher{token: "old", next: []string{"new"}}
	require.NoError(t, setBusy(t, withTokens(t, tokens, accepts("new", &sent, nil), once)))
	require.Equal(t, []string{"old", "new"}, sent)

	down := &refresher{token: "old", next: []string{"new"}}
	var sentToDown []string
	err := setBusy(t, withTokens(t, down, accepts("none", &sentToDown, func(w http.ResponseWriter, r *http.Request) {
		respond(map[string]int{"old": 401, "new": 503}[r.Header.Get("sessionToken")], "")(w, r)
	}), once))
	require.True(t, is[*symphony.ServerError](err))
	require.ErrorContains(t, err, "2 attempts")

	// A POST that may not be repeated was not carried out, so it is sent again too.
	sent = nil
	tokens = &refresher{token: "old", next: []string{"new"}}
	client := withTokens(t, tokens, accepts("new", &sent, nil))
	require.NoError(t, client.Do(t.Context(), symphony.Request{Method: "POST", Path: "/v1/x"}, nil))
	require.Equal(t, []string{"old", "new"}, sent)
}

func TestRefreshTakesTheAttemptsThatRemain(t *testing.T) {
	t.Parallel()
	var sent []string
	tokens := &refresher{token: "old", next: []string{"new"}}
	handler := func(w http.ResponseWriter, r *http.Request) {
		status := []int{503, 401, 503, 503, 503}[len(sent)]
		sent = append(sent, r.Header.Get("sessionToken"))
		respond(status, "")(w, r)
	}
	err := setBusy(t, withTokens(t, tokens, handler, symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 1, MaxBackoff: 1})))
	server, ok := errors.AsType[*symphony.ServerError](err)
	require.True(t, ok)
	require.Equal(t, 4, server.Attempts)
	require.Equal(t, []string{"old", "old", "new", "new"}, sent)
}

func TestRefreshThatFails(t *testing.T) {
	t.Parallel()
	var sent []string
	down := errors.New("the login host is down\r\nand " + secret + " with it")
	tokens := &refresher{token: secret, err: down}
	err := setBusy(t, withTokens(t, tokens, accepts("none", &sent, nil)))
	require.ErrorContains(t, err, "the login host is down")
	require.True(t, is[*symphony.UnauthorizedError](err), "it is still the pod's 401")
	require.Equal(t, []string{secret}, sent)
	requireOneLine(t, err.Error())
	requireNoSecret(t, err)
	down = errors.New("down")
	tokens.err = down
	require.ErrorIs(t, setBusy(t, withTokens(t, tokens, accepts("none", &sent, nil))), down)
}

// A provider that cannot refresh is asked once more: a sidecar may have renewed the token.
func TestProviderWithoutRefreshIsAskedOnceMore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		tokens []string
		sent   []string
		ok     bool
	}{
		{"renewed", []string{"old", "new"}, []string{"old", "new"}, true},
		{"the same", []string{"old", "old"}, []string{"old"}, false},
		{"also refused", []string{"old", "older"}, []string{"old", "older"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			asked := 0
			provider := symphony.SessionTokenFunc(func(context.Context) (string, error) {
				asked++
				return test.tokens[asked-1], nil
			})
			err := setBusy(t, withTokens(t, provider, accepts("new", &sent, nil)))
			require.Equal(t, test.sent, sent)
			require.Equal(t, 2, asked)
			if test.ok {
				require.NoError(t, err)
			} else {
				require.True(t, is[*symphony.UnauthorizedError](err))
			}
		})
	}
}

// A refresher that knows no better token is believed once.
func TestRefresherThatGivesTheSameToken(t *testing.T) {
	t.Parallel()
	var sent []string
	tokens := &refresher{token: "same", next: []string{"same"}}
	err := setBusy(t, withTokens(t, tokens, accepts("none", &sent, nil)))
	require.True(t, is[*symphony.UnauthorizedError](err))
	require.Equal(t, []string{"same", "same"}, sent)
}

// The token that was replaced is as secret as the new one.
func TestRefusedTokenStaysHidden(t *testing.T) {
	t.Parallel()
	var sent []string
	tokens := &refresher{token: secret, next: []string{"another-" + secret}}
	err := setBusy(t, withTokens(t, tokens, accepts("none", &sent, func(w http.ResponseWriter, r *http.Request) {
		respond(401, `{"message":"`+secret+` was replaced by `+r.Header.Get("sessionToken")+`"}`)(w, r)
	})))
	require.Len(t, sent, 2)
	requireNoSecret(t, err)
}

func TestNoSessionToken(t *testing.T) {
	t.Parallel()
	requests := 0
	client := withTokens(t, symphony.NoSessionToken, func(w http.ResponseWriter, r *http.Request) {
		requests++
		require.NotContains(t, r.Header, "Sessiontoken")
		respond(401, `{"message":"bad JWT"}`)(w, r)
	})
	err := client.Do(t.Context(), symphony.Request{Method: "POST", Path: "/pubkey/authenticate"}, nil)
	require.True(t, is[*symphony.UnauthorizedError](err))
	require.Equal(t, 1, requests)
}

func TestTokensThatCannotBeSent(t *testing.T) {
	t.Parallel()
	cause := errors.New("vault is sealed")
	for _, test := range []struct {
		name  string
		token string
		err   error
		is    func(error) bool
	}{
		{"empty", "", nil, func(err error) bool { return errors.Is(err, symphony.ErrNoSessionToken) }},
		{"blank", " \t", nil, func(err error) bool { return errors.Is(err, symphony.ErrNoSessionToken) }},
		{"with a blank behind", secret + " ", nil, is[*symphony.InvalidArgumentError]},
		{"with a tab before", "\t" + secret, nil, is[*symphony.InvalidArgumentError]},
		{"with a DEL", secret + "\x7f", nil, is[*symphony.InvalidArgumentError]},
		{"with a line break", secret + "\n", nil, is[*symphony.InvalidArgumentError]},
		{"with a header in it", secret + "\r\nX-Evil: 1", nil, is[*symphony.InvalidArgumentError]},
		{"provider fails", "", cause, func(err error) bool { return errors.Is(err, cause) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			provider := symphony.SessionTokenFunc(func(context.Context) (string, error) { return test.token, test.err })
			client := withTokens(t, provider, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
			err := setBusy(t, client)
			require.True(t, test.is(err), "%v", err)
			require.ErrorContains(t, err, "session token")
			requireOneLine(t, err.Error())
			requireNoSecret(t, err)
		})
	}
}

func TestProviderIsNotAskedInVain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	provider := symphony.SessionTokenFunc(func(context.Context) (string, error) {
		t.Error("the provider was asked")
		return secret, nil
	})
	client := withTokens(t, provider, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	_, err := client.SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
	require.ErrorIs(t, err, context.Canceled)
}

func TestStaticSessionToken(t *testing.T) {
	t.Parallel()
	provider := symphony.StaticSessionToken(secret)
	token, err := provider.SessionToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, secret, token)
	byValue, err := symphony.NewClient("https://acme.symphony.com/pod", fields{secret}) // a careless provider of somebody's
	require.NoError(t, err)
	requireNoSecret(t, byValue, *byValue, []any{byValue}, struct{ client symphony.Client }{*byValue})
	type service struct{ tokens symphony.SessionTokenProvider }
	requireNoSecret(t, provider, service{provider}, &service{provider}, []any{provider}, map[string]any{"x": provider})
	require.NotContains(t, strings.ToLower(symphony.ErrNoSessionToken.Error()), "%!")
}

// fields is a provider that keeps its token in a field.
type fields struct{ token string }

func (f fields) SessionToken(context.Context) (string, error) { return f.token, nil }

// The token is asked for after the wait for a turn: one that was renewed meanwhile is sent.
func TestTokenIsAskedForAfterTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Value
		current.Store("old")
		sent := make(chan string, 64)
		client := newClient(t, "https://acme.symphony.com/pod", symphony.SessionTokenFunc(func(context.Context) (string, error) { return current.Load().(string), nil }), symphony.WithRateLimit(1), symphony.WithHTTPClient(&http.Client{Transport: roundTrips(func(r *http.Request) (*http.Response, error) {
			sent <- r.Header.Get("sessionToken")
			return response(200, busy), nil
		})}))
		require.NoError(t, setBusy(t, client))
		require.Equal(t, "old", <-sent)
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() { _, _ = client.GetPresence(t.Context()) })
		}
		synctest.Wait()
		current.Store("new")
		group.Wait()
		for range 5 {
			require.Equal(t, "new", <-sent)
		}
	})
}

// The provider is asked before each attempt.
func TestTokenIsAskedForBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	var sent []string
	asked := 0
	provider := symphony.SessionTokenFunc(func(context.Context) (string, error) {
		asked++
		return fmt.Sprint("token ", asked), nil
	})
	require.Error(t, setBusy(t, withTokens(t, provider, accepts("none", &sent, respond(503, "")), quickly(3))))
	require.Equal(t, []string{"token 1", "token 2", "token 3"}, sent)
}

// A context that ends after the refresh is what ended the call.
func TestContextEndsAfterTheRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(401), hangs}}
		client := newClient(t, "https://acme.symphony.com/pod", &refresher{token: "old", next: []string{"new"}}, symphony.WithHTTPClient(&http.Client{Transport: transport}))
		_, err := client.GetPresence(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, is[*symphony.UnauthorizedError](err))
		require.False(t, symphony.IsCredentialError(err))
	})
}

// A provider that goes on returning the rejected token does not undo its own refresh.
func TestRefreshOutlivesARetry(t *testing.T) {
	t.Parallel()
	var sent []string
	stubborn := &stubborn{refresher{token: "old", next: []string{"new"}}}
	client := withTokens(t, stubborn, func(w http.ResponseWriter, r *http.Request) {
		status := []int{401, 503, 200}[len(sent)]
		sent = append(sent, r.Header.Get("sessionToken"))
		respond(status, busy)(w, r)
	}, quickly(3))
	require.NoError(t, setBusy(t, client))
	require.Equal(t, []string{"old", "new", "new"}, sent)
}

type stubborn struct{ refresher }

func (*stubborn) SessionToken(context.Context) (string, error) { return "old", nil }
