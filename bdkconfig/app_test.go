package bdkconfig_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/bdkconfig"
	"github.com/symphony-go/symphony/symphonytest"
)

func startWithApp(t *testing.T) *symphonytest.Pod {
	t.Helper()
	pod := start(t)
	pod.AddApp(symphonytest.App{ID: "calendar", PublicKey: &rsaKey().PublicKey, Users: []int64{42}})
	return pod
}

// setAs sets the user's own presence on behalf of the user.
func setAs(t *testing.T, config *bdkconfig.Config) error {
	t.Helper()
	app, err := config.NewApp()
	require.NoError(t, err)
	client, err := config.NewClientWith(app.User(42))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	_, err = client.SetPresence(t.Context(), symphony.PresenceBusy, false)
	return err
}

func TestAppWithKey(t *testing.T) {
	t.Parallel()
	pod := startWithApp(t)
	pairs := []string{"$PORT", port(t, pod.URL()), "$PATH", write(t, "key.pem", keyPEM())}
	const server = "{scheme: http, host: 127.0.0.1, port: $PORT, "
	for _, test := range []struct {
		name, text string
		bot        bool
	}{
		{"app only", server + "app: {appId: calendar, privateKey: {path: $PATH}}}", false},
		{"older form", server + "app: {appId: calendar, privateKeyPath: $PATH}}", false},
		{"below bdk", "{bdk: " + server + "app: {appId: calendar, privateKey: {path: $PATH}}}}", false},
		{"app and bot", server + "app: {appId: calendar, privateKey: {path: $PATH}}, bot: {username: bot, privateKey: {path: $PATH}}}", true},
		{"key and certificate", server + "app: {appId: calendar, privateKey: {path: $PATH}, certificate: {path: /none}}}", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config, err := load(t, test.text, pairs...)
			require.NoError(t, err)
			require.Empty(t, config.Warnings())
			require.NoError(t, setAs(t, config))
			client, err := config.NewClient()
			if test.bot {
				require.NoError(t, err)
				require.NoError(t, set(t, client))
				return
			}
			require.ErrorContains(t, err, "bot: it is missing; it needs a privateKey or a certificate")
		})
	}
}

// The login host of an app's certificate is that of sessionAuth.
func TestAppWithCertificate(t *testing.T) {
	t.Parallel()
	pod := startWithApp(t)
	app := newCertificate("calendar", systemCA)
	login := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := pod.IssueToken("bot")
		switch {
		case len(r.TLS.PeerCertificates) == 0 || !bytes.Equal(r.TLS.PeerCertificates[0].Raw, app.Leaf.Raw):
			w.WriteHeader(http.StatusUnauthorized)
			return
		case r.URL.Path == "/sessionauth/v1/app/authenticate":
			token = "app"
		case r.URL.Path != "/sessionauth/v1/app/user/42/authenticate" || r.Header.Get("sessionToken") != "app":
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"token":%q}`, token)
	}))
	login.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	login.StartTLS()
	t.Cleanup(login.Close)
	config, err := load(t, `
pod: {scheme: http, host: 127.0.0.1, port: $PORT}
sessionAuth: {host: 127.0.0.1, port: $LOGIN}
ssl: {trustStore: {path: $ROOTS}}
app: {appId: calendar, certificate: {path: $PEM}}`,
		"$PORT", port(t, pod.URL()), "$LOGIN", port(t, login.URL), "$PEM", write(t, "app.pem", pairPEM(t, app)),
		"$ROOTS", write(t, "roots.pem", pemOf(&tls.Certificate{Certificate: [][]byte{login.Certificate().Raw}})))
	require.NoError(t, err)
	require.NoError(t, setAs(t, config))
}

func TestWrongApps(t *testing.T) {
	t.Parallel()
	pairs := []string{"$PATH", write(t, "key.pem", keyPEM())}
	for _, test := range []struct{ app, want string }{
		{"{appId: a}", "config.yaml:2: app: it has neither a privateKey nor a certificate, with a path or content"},
		{"{privateKey: {path: $PATH}}", "config.yaml:2: app.appId: it is missing"},
		{"{appId: ' a', privateKey: {path: $PATH}}", "config.yaml:2: app.appId: it begins or ends with a blank"},
		{"{appId: '${NOT_SET}', privateKey: {path: $PATH}}", "config.yaml:2: app.appId: the environment variable NOT_SET is not set"},
		{"{appId: a, privateKey: {path: /none}}", "config.yaml:2: app.privateKey.path: the file cannot be read"},
	} {
		_, err := load(t, "host: acme\napp: "+test.app, pairs...)
		require.ErrorContains(t, err, test.want, "without a bot")

		config, err := load(t, "host: acme\napp: "+test.app+"\nbot: {username: bot, privateKey: {path: $PATH}}", pairs...)
		require.NoError(t, err, "the bot needs no app")
		require.Len(t, config.Warnings(), 1)
		require.Contains(t, config.Warnings()[0], test.want)
		_, err = config.NewApp()
		require.ErrorContains(t, err, test.want)
		_, err = config.NewClient()
		require.NoError(t, err)
	}
	config, err := load(t, "host: acme\nbot: {username: bot, privateKey: {path: $PATH}}", pairs...)
	require.NoError(t, err)
	require.Empty(t, config.Warnings())
	_, err = config.NewApp()
	require.ErrorContains(t, err, "config.yaml: app: it is missing; it needs a privateKey or a certificate")
	_, err = load(t, "host: acme\nbot: {username: bot}\napp: {appId: a, privateKey: {path: $PATH}}", pairs...)
	require.ErrorContains(t, err, "config.yaml:2: bot: it has neither", "a bot that is there must be right")

	config, err = load(t, "host: acme\nscheme: http\napp: {appId: a, privateKey: {path: $PATH}}", pairs...)
	require.NoError(t, err)
	_, err = config.NewApp()
	require.ErrorContains(t, err, "config.yaml:2: scheme: ")
	_, err = config.NewClientWith(symphony.NoSessionToken)
	require.ErrorContains(t, err, "config.yaml:2: scheme: ")
}

// Hop-by-hop headers, which stand in the example of the BDK, are left out.
func TestHopByHopHeaders(t *testing.T) {
	t.Parallel()
	pod := start(t)
	config, err := load(t, `
scheme: http
host: 127.0.0.1
port: $PORT
defaultHeaders:
  Connection: Keep-Alive
  keep-alive: close
  Proxy-Authorization: $SECRET
  X-A: a
bot: {username: bot, privateKey: {path: $PATH}}`, "$PORT", port(t, pod.URL()), "$PATH", write(t, "key.pem", keyPEM()), "$SECRET", secret)
	require.NoError(t, err)
	require.Len(t, config.Warnings(), 3)
	for i, want := range []string{"config.yaml:6: defaultHeaders.Connection: it is not sent", "config.yaml:8: defaultHeaders.Proxy-Authorization: ", "config.yaml:7: defaultHeaders.keep-alive: "} {
		require.Contains(t, config.Warnings()[i], want)
		require.NotContains(t, config.Warnings()[i], secret)
	}
	config.Warnings()[0] = "changed"
	require.NotEqual(t, "changed", config.Warnings()[0], "it is a copy")
	client, err := config.NewClient()
	require.NoError(t, err)
	require.NoError(t, set(t, client))
	for _, r := range pod.Requests() {
		require.Equal(t, "a", r.Header.Get("X-A"))
		require.NotContains(t, r.Header, "Proxy-Authorization")
	}
}

// Warnings are logged with slog.Default. The test changes it, so it is not parallel.
func TestWarningsAreLogged(t *testing.T) {
	var logged bytes.Buffer
	before, flags := slog.Default(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr)
		log.SetFlags(flags)
	})
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	config, err := load(t, "host: acme\ndefaultHeaders: {Upgrade: x}\nbot: {username: bot, privateKey: {path: $PATH}}", "$PATH", write(t, "key.pem", keyPEM()))
	require.NoError(t, err)
	require.Len(t, config.Warnings(), 1)
	require.Contains(t, logged.String(), "level=WARN")
	require.Contains(t, logged.String(), config.Warnings()[0])
}

func ExampleConfig_NewApp() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()
	pod.AddApp(symphonytest.App{ID: "calendar", PublicKey: &rsaKey().PublicKey})
	address, err := url.Parse(pod.URL())
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.CreateTemp("", "config-*.yaml")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(file, `
scheme: http
host: localhost
port: %s
app:
  appId: calendar
  privateKey:
    content: %s
`, address.Port(), base64Of(keyPEM()))

	config, err := bdkconfig.Load(file.Name())
	if err != nil {
		log.Fatal(err)
	}
	app, err := config.NewApp()
	if err != nil {
		log.Fatal(err)
	}
	client, err := config.NewClientWith(app.User(4711))
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetPresence(context.Background(), symphony.PresenceInAMeeting, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.Category, file.Close(), os.Remove(file.Name()))
	// Output:
	// IN_A_MEETING <nil> <nil>
}
