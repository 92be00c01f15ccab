package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

// rsaKey is one key for all tests: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// opaque is a key that never leaves its HSM.
type opaque struct{ crypto.Signer }

func start(t *testing.T, opts ...symphonytest.Option) *symphonytest.Pod {
	t.Helper()
	return symphonytest.New(t, append(opts,
		symphonytest.WithoutNetwork(),
		symphonytest.WithUsers(symphonytest.User{ID: 42, Username: "jane doe/1"}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &rsaKey().PublicKey}),
	)...)
}

func newClient(t *testing.T, pod *symphonytest.Pod, tokens symphony.SessionTokenProvider) *symphony.Client {
	t.Helper()
	client, err := symphony.NewClient(pod.URL(), tokens, symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	return client
}

func newRSA(t *testing.T, loginURL string, opts ...symphony.Option) *auth.RSA {
	t.Helper()
	tokens, err := auth.NewRSA(loginURL, "bot", rsaKey(), opts...)
	require.NoError(t, err)
	return tokens
}

func set(t *testing.T, client *symphony.Client) error {
	t.Helper()
	_, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false)
	return err
}

func TestRSA(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]crypto.Signer{"private key": rsaKey(), "signer": opaque{rsaKey()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := start(t)
			tokens, err := auth.NewRSA(pod.LoginURL(), "bot", key, symphony.WithHTTPClient(pod.Client()))
			require.NoError(t, err)
			require.Empty(t, pod.Requests(), "nothing is sent before the first token is asked for")
			client := newClient(t, pod, tokens)
			require.NoError(t, set(t, client))
			require.NoError(t, set(t, client))
			require.Equal(t, 1, pod.Logins())

			login := pod.Requests()[0]
			require.Equal(t, "/pubkey/authenticate", login.Path)
			require.NotContains(t, login.Header, "Sessiontoken")
			require.Regexp(t, `^\{"token":"[\w-]+\.[\w-]+\.[\w-]+"\}$`, string(login.Body))

			pod.RevokeTokens()
			require.NoError(t, set(t, client))
			require.Equal(t, 2, pod.Logins())
		})
	}
}

func TestClockThatIsOff(t *testing.T) {
	t.Parallel()
	for offset, ok := range map[time.Duration]bool{
		2 * time.Minute: true, -2 * time.Minute: true, 3 * time.Minute: false, -3 * time.Minute: false,
	} {
		pod := start(t, symphonytest.WithClock(func() time.Time { return time.Now().Add(offset) }))
		_, err := newRSA(t, pod.LoginURL(), symphony.WithHTTPClient(pod.Client())).SessionToken(t.Context())
		require.Equal(t, ok, err == nil, "%v: %v", offset, err)
	}
}

func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	pod := start(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	tokens, err := auth.NewRSA(pod.LoginURL(), "bot", other, symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	err = set(t, newClient(t, pod, tokens))
	unauthorized, ok := errors.AsType[*symphony.UnauthorizedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "/pubkey/authenticate", unauthorized.Path)
	require.Len(t, pod.Requests(), 1, "it is not tried again")
}

func TestWrongLoginURL(t *testing.T) {
	t.Parallel()
	pod := start(t)
	for _, loginURL := range []string{pod.URL(), strings.TrimSuffix(pod.LoginURL(), "/login")} {
		_, err := newRSA(t, loginURL, symphony.WithHTTPClient(pod.Client())).SessionToken(t.Context())
		require.ErrorContains(t, err, "does the login URL end in /login", "%s", loginURL)
		require.NotContains(t, err.Error(), "/pod", "%s", loginURL)
		require.True(t, symphony.IsCredentialError(err), "%s: %v", loginURL, err)
	}
}

// The pod's words may hold what was sent to it; the errors do not.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]func(w http.ResponseWriter, body string){
		"error":      func(w http.ResponseWriter, body string) { w.WriteHeader(401); _, _ = io.WriteString(w, body) },
		"page":       func(w http.ResponseWriter, body string) { _, _ = io.WriteString(w, "<title>"+body+"</title>") },
		"other name": func(w http.ResponseWriter, body string) { _, _ = io.WriteString(w, `{"name":"x","tok":`+body+`}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var jwt string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				jwt = strings.TrimSuffix(strings.TrimPrefix(string(body), `{"token":"`), `"}`)
				reply(w, string(body))
			}))
			t.Cleanup(server.Close)
			_, err := newRSA(t, server.URL).SessionToken(t.Context())
			require.Error(t, err)
			require.NotEmpty(t, jwt)
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				require.NotContains(t, fmt.Sprintf(verb, err), jwt[:20])
			}
		})
	}

	pod := start(t)
	tokens := newRSA(t, pod.LoginURL(), symphony.WithHTTPClient(pod.Client()))
	app := newApp(t, pod)
	user := app.User(42)
	var all []string
	for _, provider := range []symphony.SessionTokenProvider{tokens, user} {
		token, err := provider.SessionToken(t.Context())
		require.NoError(t, err)
		all = append(all, token)
	}
	type service struct {
		rsa  *auth.RSA
		copy auth.RSA
		app  auth.App
		user symphony.SessionTokenRefresher
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%t", "%e", "%c", "%U", "%d", "%x"} {
		for _, value := range []any{tokens, *tokens, []any{tokens}, app, *app, user, service{tokens, *tokens, *app, user}, &service{tokens, *tokens, *app, user}} {
			for _, token := range append(all, rsaKey().D.String(), rsaKey().Primes[0].String()) {
				require.NotContains(t, fmt.Sprintf(verb, value), token)
			}
		}
	}
}

func TestResponsesWithoutAToken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"name":"sessionToken"}`, `{"token":""}`, `null`, ``, `[]`, `{"token":5}`, `<html>`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		token, err := newRSA(t, server.URL).SessionToken(t.Context())
		require.Empty(t, token)
		_, ok := errors.AsType[*symphony.DecodeError](err)
		require.True(t, ok, "%s: %v", body, err)
		server.Close()
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for _, test := range []struct {
		name, argument, text string
		call                 func() error
	}{
		{"login URL", "loginURL", "https://acme.symphony.com/login", func() error { _, err := auth.NewRSA("acme/login", "bot", rsaKey()); return err }},
		{"login URL of an app", "loginURL", "https://acme.symphony.com/login", func() error { _, err := auth.NewApp("", "app", rsaKey()); return err }},
		{"session auth URL", "sessionAuthURL", "https://acme.symphony.com/sessionauth", func() error {
			_, err := auth.NewCertificate("", selfSigned(t))
			return err
		}},
		{"session auth URL of an app", "sessionAuthURL", "https://acme.symphony.com/sessionauth", func() error {
			_, err := auth.NewCertificateApp("acme", selfSigned(t))
			return err
		}},
		{"clear text", "loginURL", "WithPlaintextHTTP", func() error { _, err := auth.NewRSA("http://acme.symphony.com/login", "bot", rsaKey()); return err }},
		{"username with a line break", "username", "trimming", func() error { _, err := auth.NewRSA("https://acme.symphony.com/login", "bot\n", rsaKey()); return err }},
		{"username with a blank", "username", "trimming", func() error { _, err := auth.NewRSA("https://acme.symphony.com/login", " bot", rsaKey()); return err }},
		{"username with a control character", "username", "control", func() error { _, err := auth.NewRSA("https://acme.symphony.com/login", "b\x00t", rsaKey()); return err }},
		{"app id with a line break", "appID", "control", func() error {
			_, err := auth.NewApp("https://acme.symphony.com/login", "a\u2028b", rsaKey())
			return err
		}},
		{"user name with a line break", "name", "trimming", func() error { _, err := newApp(t, start(t)).Username("jane\r").SessionToken(t.Context()); return err }},
		{"user name that is a path", "name", "not a user name", func() error { _, err := newApp(t, start(t)).Username("..").SessionToken(t.Context()); return err }},
		{"app of nothing", "app", "NewApp", func() error { _, err := (&auth.App{}).User(1).SessionToken(t.Context()); return err }},
		{"no app", "app", "NewApp", func() error { _, err := (*auth.App)(nil).Username("jane").SessionToken(t.Context()); return err }},
		{"RSA of nothing", "provider", "NewRSA", func() error { _, err := (&auth.RSA{}).SessionToken(t.Context()); return err }},
		{"certificate of nothing", "provider", "NewCertificate", func() error {
			_, err := (&auth.Certificate{}).RefreshSessionToken(t.Context(), "old")
			return err
		}},
		{"no username", "username", "empty", func() error { _, err := auth.NewRSA("https://acme.symphony.com/login", " ", rsaKey()); return err }},
		{"no app id", "appID", "empty", func() error { _, err := auth.NewApp("https://acme.symphony.com/login", "", rsaKey()); return err }},
		{"no key", "key", "nil", func() error { _, err := auth.NewRSA("https://acme.symphony.com/login", "bot", nil); return err }},
		{"nil key", "key", "nil", func() error {
			_, err := auth.NewRSA("https://acme.symphony.com/login", "bot", (*rsa.PrivateKey)(nil))
			return err
		}},
		{"EC key", "key", "RSA", func() error { _, err := auth.NewRSA("https://acme.symphony.com/login", "bot", ec); return err }},
		{"no certificate", "WithClientCertificate", "private key", func() error {
			_, err := auth.NewCertificate("https://acme.symphony.com/sessionauth", tls.Certificate{})
			return err
		}},
		{"certificate with a nil key", "WithClientCertificate", "private key", func() error {
			cert := selfSigned(t)
			cert.PrivateKey = (*rsa.PrivateKey)(nil)
			_, err := auth.NewCertificate("https://acme.symphony.com/sessionauth", cert)
			return err
		}},
		{"key without a public one", "key", "RSA", func() error {
			_, err := auth.NewRSA("https://acme.symphony.com/login", "bot", opaque{}) // its Public panics
			return err
		}},
		{"user id", "userID", "below 1", func() error { _, err := newApp(t, start(t)).User(0).SessionToken(t.Context()); return err }},
		{"user name", "name", "empty", func() error { _, err := newApp(t, start(t)).Username("").SessionToken(t.Context()); return err }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.call()
			invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, test.argument, invalid.Argument)
			require.ErrorContains(t, err, test.text)
		})
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	template := x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "bot"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, rsaKey().Public(), rsaKey())
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: rsaKey(), Leaf: leaf}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	known, unknown := selfSigned(t), selfSigned(t)
	pod := start(t, symphonytest.WithTLS(), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: known.Leaf}))
	shown := make(chan int, 1)
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		shown <- len(r.TLS.PeerCertificates)
		_, _ = io.WriteString(w, `{"category":"BUSY"}`)
	})
	tokens, err := auth.NewCertificate(pod.SessionAuthURL(), known, symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	require.NoError(t, set(t, newClient(t, pod, tokens)))
	require.Zero(t, <-shown, "only the login host is shown the certificate")
	login := pod.Requests()[0]
	require.Equal(t, "/v1/authenticate", login.Path)
	require.NotContains(t, login.Header, "Content-Type")
	require.Empty(t, login.Body)
	token, err := tokens.SessionToken(t.Context())
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, tokens), token)
	}

	tokens, err = auth.NewCertificate(pod.SessionAuthURL(), unknown, symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	_, err = tokens.SessionToken(t.Context())
	_, ok := errors.AsType[*symphony.UnauthorizedError](err)
	require.True(t, ok, "%v", err)
}

func Example() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	pod := symphonytest.NewPod(
		symphonytest.WithUsers(symphonytest.User{ID: 4711}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "presence-bot", UserProvisioning: true, PublicKey: &key.PublicKey}),
	)
	defer pod.Close()

	tokens, err := auth.NewRSA(pod.LoginURL(), "presence-bot", key, symphony.WithHTTPClient(pod.Client()))
	if err != nil {
		panic(err)
	}
	client, err := symphony.NewClient(pod.URL(), tokens)
	if err != nil {
		panic(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceOutOfOffice, false)
	fmt.Println(presence.Category, err)
	pod.RevokeTokens() // the session ends; the client logs in again
	presence, err = client.SetUserPresence(context.Background(), 4711, symphony.PresenceAvailable, false)
	fmt.Println(presence.Category, err)
	fmt.Println(pod.Logins(), "logins")
	// Output:
	// OUT_OF_OFFICE <nil>
	// AVAILABLE <nil>
	// 2 logins
}
