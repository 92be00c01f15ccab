package openapi_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

const (
	jane     = int64(math.MaxInt64) // ids are exact
	john     = 2                    // has not installed the app
	external = 3
	admin    = 10 // a service user with the entitlement
	bot      = 11 // a service user without it
	nobody   = 404
)

// credentials are those of a service user, and of an app.
type credentials struct {
	key, otherKey *rsa.PrivateKey
	certificate   tls.Certificate
}

func newCredentials(t *testing.T) *credentials {
	t.Helper()
	c := &credentials{}
	for _, key := range []**rsa.PrivateKey{&c.key, &c.otherKey} {
		var err error
		*key, err = rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, c.key.Public(), c.key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	c.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.key, Leaf: leaf}
	return c
}

// newPod starts a pod that knows the credentials, jane, john and a user of another pod.
func newPod(t *testing.T, c *credentials, opts ...symphonytest.Option) *symphonytest.Pod {
	t.Helper()
	pod := symphonytest.NewPod(append(opts,
		symphonytest.WithTLS(),
		symphonytest.WithUsers(
			symphonytest.User{ID: jane, Username: "jane", EmailAddress: "jane@acme.com", DisplayName: "Jane Doe"},
			symphonytest.User{ID: john, Username: "john"},
			symphonytest.User{ID: external, External: true}),
		symphonytest.WithServiceUsers(
			symphonytest.ServiceUser{Username: "admin", ID: admin, UserProvisioning: true, PublicKey: &c.key.PublicKey, Certificate: c.certificate.Leaf},
			symphonytest.ServiceUser{Username: "bot", ID: bot}),
		symphonytest.WithApps(symphonytest.App{ID: "calendar", PublicKey: &c.key.PublicKey, Users: []int64{jane}}))...)
	t.Cleanup(pod.Close)
	return pod
}

// sdk makes the calls of one session, and the logins with some credentials.
type sdk struct {
	*symphony.Client
	*credentials
	user                             int64 // whom the calls are about
	podURL, loginURL, sessionAuthURL string
	opts                             []symphony.Option
}

// newSDK returns an SDK whose calls have a session token. It tries each once.
func newSDK(t *testing.T, user int64, podURL, loginURL, sessionAuthURL, token string, c *credentials, opts ...symphony.Option) *sdk {
	t.Helper()
	opts = append(opts, symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
	client, err := symphony.NewClient(podURL, symphony.StaticSessionToken(token), opts...)
	require.NoError(t, err)
	return &sdk{client, c, user, podURL, loginURL, sessionAuthURL, opts}
}

// sdk is an SDK that calls through the watch.
func (w *watch) sdk(t *testing.T, token string, c *credentials) *sdk {
	t.Helper()
	origin := w.server.URL
	return newSDK(t, jane, origin+"/pod", origin+"/login", origin+"/sessionauth", token, c, symphony.WithHTTPClient(w.client(t)))
}

// calls has one call for each operation of the description.
var calls = map[string]func(context.Context, *sdk) error{
	"setUserPresence": func(ctx context.Context, s *sdk) error {
		_, err := s.SetUserPresence(ctx, s.user, symphony.PresenceBusy, false)
		return err
	},
	"setPresence": func(ctx context.Context, s *sdk) error {
		_, err := s.SetPresence(ctx, symphony.PresenceBusy, true)
		return err
	},
	"getPresence": func(ctx context.Context, s *sdk) error {
		_, err := s.GetPresence(ctx)
		return err
	},
	"getUserPresence": func(ctx context.Context, s *sdk) error {
		_, err := s.GetUserPresence(ctx, s.user, false)
		return err
	},
	"listPresences": func(ctx context.Context, s *sdk) error {
		_, err := s.ListPresences(ctx, 0, 0)
		return err
	},
	"searchUsers": func(ctx context.Context, s *sdk) error {
		_, err := s.search(ctx, url.Values{"uid": {fmt.Sprint(s.user)}})
		return err
	},
	"registerPresenceInterest": func(ctx context.Context, s *sdk) error {
		return s.RegisterPresenceInterest(ctx, external, s.user)
	},
	"createPresenceFeed": func(ctx context.Context, s *sdk) error {
		_, err := s.CreatePresenceFeed(ctx) //nolint:staticcheck // deprecated by Symphony, and still there
		return err
	},
	"readPresenceFeed": func(ctx context.Context, s *sdk) error {
		_, err := s.ReadPresenceFeed(ctx, "no/such+feed=") //nolint:staticcheck // likewise
		return err
	},
	"deletePresenceFeed": func(ctx context.Context, s *sdk) error {
		return s.DeletePresenceFeed(ctx, "no/such+feed=") //nolint:staticcheck // likewise
	},
	"loginWithKey":            func(ctx context.Context, s *sdk) error { return s.loginWithKey(ctx, "admin") },
	"loginWithCertificate":    func(ctx context.Context, s *sdk) error { return s.loginWithCertificate(ctx) },
	"loginApp":                func(ctx context.Context, s *sdk) error { return s.loginUser(ctx, s.user) }, // which comes first
	"loginOnBehalfOfUser":     func(ctx context.Context, s *sdk) error { return s.loginUser(ctx, s.user) },
	"loginOnBehalfOfUsername": func(ctx context.Context, s *sdk) error { return s.loginUsername(ctx, "jane") },
}

// users is the response of a search for users.
type users struct {
	Users []struct {
		ID           int64  `json:"id"`
		EmailAddress string `json:"emailAddress"`
		AccountType  string `json:"accountType"`
	} `json:"users"`
	Errors []struct {
		Error string `json:"error"`
		Email string `json:"email"`
		ID    string `json:"id"`
	} `json:"errors"`
}

func (s *sdk) search(ctx context.Context, query url.Values) (found users, err error) {
	err = s.Do(ctx, symphony.Request{Path: "/v3/users", Query: query}, &found)
	return found, err
}

func (s *sdk) loginWithKey(ctx context.Context, username string) error {
	provider, err := auth.NewRSA(s.loginURL, username, s.key, s.opts...)
	if err != nil {
		return err
	}
	_, err = provider.SessionToken(ctx)
	return err
}

func (s *sdk) loginWithCertificate(ctx context.Context) error {
	provider, err := auth.NewCertificate(s.sessionAuthURL, s.certificate, s.opts...)
	if err != nil {
		return err
	}
	_, err = provider.SessionToken(ctx)
	return err
}

func (s *sdk) loginUser(ctx context.Context, userID int64) error {
	app, err := auth.NewApp(s.loginURL, "calendar", s.key, s.opts...)
	if err != nil {
		return err
	}
	_, err = app.User(userID).SessionToken(ctx)
	return err
}

func (s *sdk) loginUsername(ctx context.Context, name string) error {
	app, err := auth.NewApp(s.loginURL, "calendar", s.key, s.opts...)
	if err != nil {
		return err
	}
	_, err = app.Username(name).SessionToken(ctx)
	return err
}
