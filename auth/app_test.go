package auth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

func newApp(t *testing.T, pod *symphonytest.Pod) *auth.App {
	t.Helper()
	pod.AddApp(symphonytest.App{ID: "calendar", PublicKey: &rsaKey().PublicKey, Users: []int64{42}})
	app, err := auth.NewApp(pod.LoginURL(), "calendar", rsaKey(), symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	return app
}

func TestApp(t *testing.T) {
	t.Parallel()
	pod := start(t)
	app := newApp(t, pod)
	for _, user := range []symphony.SessionTokenRefresher{app.User(42), app.Username("jane doe/1")} {
		first, err := user.SessionToken(t.Context())
		require.NoError(t, err)
		again, err := user.SessionToken(t.Context())
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
	require.Equal(t, 3, pod.Logins(), "one of the app, and two of users")

	user := app.User(42)
	old, err := user.SessionToken(t.Context())
	require.NoError(t, err)
	pod.RevokeTokens() // the app's too
	renewed, err := user.RefreshSessionToken(t.Context(), old)
	require.NoError(t, err)
	require.NotEqual(t, old, renewed)

	// A user without the app, whoever that is.
	for _, stranger := range []symphony.SessionTokenRefresher{app.User(43), app.Username("nobody")} {
		_, err = stranger.SessionToken(t.Context())
		_, ok := errors.AsType[*symphony.UnauthorizedError](err)
		require.True(t, ok, "%v", err)
	}
}

func TestOneAppLoginForAllUsers(t *testing.T) {
	t.Parallel()
	users := make([]symphonytest.User, 100)
	for i := range users {
		users[i].ID = int64(i) + 1000
	}
	pod := start(t, symphonytest.WithUsers(users...))
	pod.AddApp(symphonytest.App{ID: "all", PublicKey: &rsaKey().PublicKey})
	app, err := auth.NewApp(pod.LoginURL(), "all", rsaKey(), symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	var group sync.WaitGroup
	for _, u := range users {
		group.Go(func() {
			if _, err := app.User(u.ID).SessionToken(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, 101, pod.Logins())
}

// appHost is a login host in a synctest bubble. It counts what it is asked.
type appHost struct {
	delay      time.Duration
	mu         sync.Mutex // guards what follows
	appLogins  int
	userLogins int
	valid      string   // the app's token
	installed  []string // paths of users
}

func (h *appHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	<-time.After(h.delay)
	h.mu.Lock()
	defer h.mu.Unlock()
	status, token := 401, ""
	switch r.URL.Path {
	case "/login/pubkey/app/authenticate":
		h.appLogins++
		h.valid = fmt.Sprint("app", h.appLogins)
		status, token = 200, h.valid
	default:
		h.userLogins++
		if r.Header.Get("sessionToken") == h.valid && slices.Contains(h.installed, r.URL.Path) {
			status, token = 200, "user"
		}
	}
	body := fmt.Sprintf(`{"name":"sessionToken","token":%q}`, token)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// A user who has not installed the app costs no login of the app, but for the first of
// them in 30 s.
func TestUsersWithoutTheApp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &appHost{installed: []string{"/login/pubkey/app/user/1/authenticate"}}
		app, err := auth.NewApp("https://acme.symphony.com/login", "calendar", rsaKey(), symphony.WithHTTPClient(&http.Client{Transport: host}))
		require.NoError(t, err)
		strangers := func(n int64) {
			for id := range n {
				_, err := app.User(100 + id).SessionToken(t.Context())
				_, ok := errors.AsType[*symphony.UnauthorizedError](err)
				require.True(t, ok, "%v", err)
			}
		}
		strangers(19)
		require.Equal(t, 2, host.appLogins)
		require.Equal(t, 20, host.userLogins, "the first user's login is repeated")

		_, err = app.User(1).SessionToken(t.Context())
		require.NoError(t, err)
		<-time.After(30*time.Second - 1)
		strangers(19)
		require.Equal(t, 2, host.appLogins)
		<-time.After(1)
		strangers(19)
		require.Equal(t, 3, host.appLogins)

		// A login of the app that helped does not hold up the next.
		<-time.After(30 * time.Second)
		for range 2 {
			host.valid = "" // the app's session ends
			_, err = app.User(1).SessionToken(t.Context())
			require.NoError(t, err)
			_, err = app.User(1).RefreshSessionToken(t.Context(), "user")
			require.NoError(t, err)
		}
		require.Equal(t, 5, host.appLogins)
	})
}

// The 30 s begin when the login of the app has not helped, however long it took.
func TestUsersWithoutTheAppAndASlowLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &appHost{delay: 15 * time.Second}
		app, err := auth.NewApp("https://acme.symphony.com/login", "calendar", rsaKey(), symphony.WithHTTPClient(&http.Client{Transport: host}))
		require.NoError(t, err)
		_, err = app.User(100).SessionToken(t.Context())
		require.Error(t, err)
		require.Equal(t, 2, host.appLogins)
		_, err = app.User(101).SessionToken(t.Context())
		require.Error(t, err)
		require.Equal(t, 2, host.appLogins)
	})
}

// The error of a user's login that waits in vain for the app's says what took too long.
func TestAppLoginHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, err := auth.NewApp("https://acme.symphony.com/login", "calendar", rsaKey(), symphony.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}),
		}), symphony.WithAttemptTimeout(time.Hour))
		require.NoError(t, err)
		start := time.Now()
		_, err = app.User(42).SessionToken(t.Context())
		require.ErrorContains(t, err, "the login took longer than 60s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

func TestUsersWithoutTheAppAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &appHost{}
		app, err := auth.NewApp("https://acme.symphony.com/login", "calendar", rsaKey(), symphony.WithHTTPClient(&http.Client{Transport: host}))
		require.NoError(t, err)
		var group sync.WaitGroup
		for id := range int64(1000) {
			group.Go(func() {
				_, err := app.User(1 + id).SessionToken(t.Context())
				if _, ok := errors.AsType[*symphony.UnauthorizedError](err); !ok {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, host.appLogins)
	})
}

// When the app's session ends, its users log in again with one login of the app.
func TestAppSessionEndsForManyUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &appHost{delay: time.Second}
		for id := range 1000 {
			host.installed = append(host.installed, fmt.Sprintf("/login/pubkey/app/user/%d/authenticate", 1+id))
		}
		app, err := auth.NewApp("https://acme.symphony.com/login", "calendar", rsaKey(), symphony.WithHTTPClient(&http.Client{Transport: host}))
		require.NoError(t, err)
		_, err = app.User(1).SessionToken(t.Context())
		require.NoError(t, err)
		host.valid = ""
		var group sync.WaitGroup
		for id := range int64(1000) {
			group.Go(func() {
				if _, err := app.User(1 + id).SessionToken(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, host.appLogins)
	})
}

// A login of the app that fails for a while does not count as one that did not help.
func TestAppLoginFailsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &appHost{installed: []string{"/login/pubkey/app/user/1/authenticate"}}
		app, err := auth.NewApp("https://acme.symphony.com/login", "calendar", rsaKey(),
			symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}),
			symphony.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if host.appLogins == 1 && host.valid == "" && strings.HasSuffix(r.URL.Path, "/app/authenticate") {
					host.appLogins++
					return nil, errors.New("no route")
				}
				return host.RoundTrip(r)
			})}))
		require.NoError(t, err)
		user := app.User(1)
		_, err = user.SessionToken(t.Context())
		require.NoError(t, err)
		host.valid = ""
		_, err = user.RefreshSessionToken(t.Context(), "user")
		require.ErrorContains(t, err, "no route")
		_, err = user.RefreshSessionToken(t.Context(), "user")
		require.NoError(t, err)
		host.valid = ""
		_, err = app.User(1).SessionToken(t.Context())
		require.NoError(t, err)
		require.Equal(t, 4, host.appLogins)
	})
}

// sessionAuth is a login host for the certificates of apps.
type sessionAuth struct {
	*httptest.Server
	mu       sync.Mutex // guards what follows
	requests []string
	app      string // the app's token
}

func startSessionAuth(t *testing.T, appToken string) *sessionAuth {
	t.Helper()
	s := &sessionAuth{app: appToken}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, r.Method+" "+r.URL.EscapedPath())
		_, hasType := r.Header["Content-Type"]
		token := s.app
		if r.URL.Path != "/sessionauth/v1/app/authenticate" {
			token = "user of " + r.URL.EscapedPath()
		}
		if len(r.TLS.PeerCertificates) == 0 || len(body) > 0 || hasType || (token == s.app) == (r.Header.Get("sessionToken") != "") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if token != s.app && r.Header.Get("sessionToken") != s.app {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"name":"sessionToken","token":%q}`, token)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// received returns the requests so far.
func (s *sessionAuth) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// newAppSession ends the app's session: it has another token from now on.
func (s *sessionAuth) newAppSession(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = token
}

func TestCertificateApp(t *testing.T) {
	t.Parallel()
	server := startSessionAuth(t, "app 1")
	app, err := auth.NewCertificateApp(server.URL+"/sessionauth", selfSigned(t), symphony.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	require.Empty(t, server.received(), "nothing is sent before the first token is needed")
	user := app.User(42)
	token, err := user.SessionToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, "user of /sessionauth/v1/app/user/42/authenticate", token)
	_, err = app.Username("jane doe/1").SessionToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{
		"POST /sessionauth/v1/app/authenticate",
		"POST /sessionauth/v1/app/user/42/authenticate",
		"POST /sessionauth/v1/app/username/jane%20doe%2F1/authenticate",
	}, server.received())

	server.newAppSession("app 2")
	_, err = user.RefreshSessionToken(t.Context(), token)
	require.NoError(t, err)
	require.Len(t, server.received(), 6, "the user's login, the app's, and the user's again")

	none, err := auth.NewApp(server.URL+"/login", "calendar", rsaKey(), symphony.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	_, err = none.User(42).SessionToken(t.Context())
	_, ok := errors.AsType[*symphony.UnauthorizedError](err)
	require.True(t, ok, "without a certificate: %v", err)
}
