package bdkconfig_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/bdkconfig"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestLoginWithKey(t *testing.T) {
	t.Parallel()
	pod := start(t)
	path := write(t, "key.pem", keyPEM())
	quoted, err := json.Marshal(string(keyPEM()))
	require.NoError(t, err)
	for _, test := range []struct{ name, text string }{
		{"path", "{scheme: http, host: 127.0.0.1, port: $PORT, bot: {username: bot, privateKey: {path: $PATH}}}"},
		{"older path", "{scheme: http, host: 127.0.0.1, port: $PORT, bot: {username: bot, privateKeyPath: $PATH}}"},
		{"content", "scheme: http\nhost: 127.0.0.1\nport: $PORT\nbot:\n  username: bot\n  privateKey:\n    content: |\n" + indent(keyPEM(), 6)},
		{"base64", "{scheme: http, host: 127.0.0.1, port: $PORT, bot: {username: bot, privateKey: {content: " + base64Of(keyPEM()) + "}}}"},
		{"base64 in lines", "{scheme: http, host: 127.0.0.1, port: $PORT, bot: {username: bot, privateKey: {content: " + base64Of(keyPEM())[:100] + "\n " + base64Of(keyPEM())[100:] + "}}}"},
		{"JSON", "{\n\t\"scheme\": \"http\", \"host\": \"127.0.0.1\",\n\t\"port\": $PORT,\n\t\"bot\": {\"username\": \"bot\", \"privateKey\": {\"content\": " + string(quoted) + "}}\n}\n"},
		{"key and certificate", "{scheme: http, host: 127.0.0.1, port: $PORT, bot: {username: bot, privateKey: {path: $PATH}, certificate: {path: /none, password: ''}}}"},
		{"ignored keys", `
scheme: http
host: 127.0.0.1
port: "$PORT"
agent: {host: [], port: 99999999, proxy: true}
keyManager: {port: -1}
app: {privateKey: {path: /none}, appId: '${NOT_SET}'}
datafeed: {retry: {maxAttempts: x}}
connectionPoolMax: many
unknown: &unknown {bot: {}}
retry: {multiplier: high}
sessionAuth: ~
bot: {username: bot, privateKey: {path: $PATH}, password: 1}`},
		{"merged and aliased", `
base: &base {scheme: http, host: 127.0.0.1, port: 1}
path: &path $PATH
pod: {<<: *base, port: $PORT}
bot: {username: bot, privateKey: {path: *path}}`},
		{"pod overrides", `
host: none.invalid
port: 1
context: nowhere
pod: {scheme: http, host: 127.0.0.1, port: $PORT, context: ""}
bot: {username: bot, privateKey: {path: $PATH}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, set(t, newClient(t, test.text, "$PORT", port(t, pod.URL()), "$PATH", path)))
		})
	}
}

func TestLoginWithCertificate(t *testing.T) {
	t.Parallel()
	bot := newCertificate("bot", systemCA)
	pod := start(t, symphonytest.WithTLS(), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: bot.Leaf}))
	p12, err := pkcs12.Modern.Encode(bot.PrivateKey, bot.Leaf, nil, "changeit")
	require.NoError(t, err)
	leafLast, err := pkcs12.Modern.Encode(bot.PrivateKey, systemCA.Leaf, append(certificates(), bot.Leaf), "changeit")
	require.NoError(t, err)
	pairs := []string{
		"$PORT", port(t, pod.URL()), "$ROOTS", write(t, "roots.pem", podPEM(t, pod)),
		"$PEM", write(t, "bot.p12", pairPEM(t, bot)), "$P12", write(t, "bot.pem", p12),
		"$LAST", write(t, "last.p12", leafLast), "$BASE64", base64Of(p12),
	}
	for _, test := range []struct{ name, bot string }{
		{"PEM", "{certificate: {path: $PEM}}"},
		{"PKCS#12", "{certificate: {path: $P12, password: changeit}}"},
		{"PKCS#12 with the leaf at its end", "{certificate: {path: $LAST, password: changeit}}"},
		{"content", "{certificate: {content: $BASE64, password: changeit}}"},
		{"older form", "{username: bot, certificatePath: $P12, certificatePassword: changeit}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, set(t, newClient(t, "{host: 127.0.0.1, port: $PORT, ssl: {trustStore: {path: $ROOTS}}, bot: "+test.bot+"}", pairs...)))
		})
	}
}

func TestInheritance(t *testing.T) {
	t.Parallel()
	pod := start(t)
	target, err := url.Parse(strings.TrimSuffix(pod.URL(), "/pod"))
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below, ok := strings.CutPrefix(r.URL.EscapedPath(), "/a/b%2Fc/")
		r.URL.Path, r.URL.RawPath = "/"+below, ""
		if !ok {
			r.URL.Path = "/none"
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(gateway.Close)
	pairs := []string{"$PORT", port(t, gateway.URL), "$PATH", write(t, "key.pem", keyPEM())}
	for _, text := range []string{
		"{scheme: http, host: 127.0.0.1, port: $PORT, context: /a/b%2Fc/, ",
		"{host: '[::1]', context: x, pod: {scheme: http, host: localhost, port: $PORT, context: a/b%2Fc}, ",
		"{scheme: http, port: $PORT, pod: {host: 127.0.0.1, context: /a/b%2Fc}, sessionAuth: {host: none.invalid, scheme: https}, ",
	} {
		require.NoError(t, set(t, newClient(t, text+"bot: {username: bot, privateKey: {path: $PATH}}}", pairs...)), text)
	}
}

func TestOptionsOverride(t *testing.T) {
	t.Parallel()
	pod := start(t)
	config, err := load(t, `
scheme: http
host: 127.0.0.1
port: $PORT
defaultHeaders: {X-A: file, X-B: file, user-agent: bot/1}
retry: {maxAttempts: 1}
bot: {username: bot, privateKey: {path: $PATH}}`, "$PORT", port(t, pod.URL()), "$PATH", write(t, "key.pem", keyPEM()))
	require.NoError(t, err)
	client, err := config.NewClient(symphony.WithHeader("X-B", "caller"),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 2, MinBackoff: 1, MaxBackoff: 1}))
	require.NoError(t, err)
	pod.Fail(symphonytest.Fault{Status: 503})
	require.NoError(t, set(t, client))
	requests := pod.Requests()
	require.Len(t, requests, 3, "a login that failed once, and the call")
	for _, r := range requests {
		require.Equal(t, "file", r.Header.Get("X-A"))
		require.Equal(t, "caller", r.Header.Get("X-B"))
		require.Regexp(t, `^bot/1 symphony-go/`, r.Header.Get("User-Agent"))
	}
	_, err = config.NewClient(symphony.WithAttemptTimeout(-1))
	require.ErrorContains(t, err, "bdkconfig: symphony: invalid WithAttemptTimeout")
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	pod := start(t)
	pairs := []string{"$PORT", port(t, pod.URL()), "$PATH", write(t, "key.pem", keyPEM())}
	pod.Fail(symphonytest.Fault{Delay: time.Hour})
	err := set(t, newClient(t, `
{scheme: http, host: 127.0.0.1, port: $PORT, retry: {maxAttempts: 1}, readTimeout: 1, pod: {readTimeout: 20},
bot: {username: bot, privateKey: {path: $PATH}}}`, pairs...))
	require.ErrorContains(t, err, "within 20ms")

	silent := httptest.NewUnstartedServer(nil) // it never accepts
	t.Cleanup(silent.Close)
	pairs[1] = port(t, "http://"+silent.Listener.Addr().String())
	client := newClient(t, `
{host: 127.0.0.1, port: $PORT, retry: {maxAttempts: 1}, connectionTimeout: 20,
bot: {username: bot, privateKey: {path: $PATH}}}`, pairs...)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // well before the SDK's own timeout
	defer cancel()
	_, err = client.GetPresence(ctx)
	require.ErrorContains(t, err, "TLS handshake timeout")
}

func TestNotLoaded(t *testing.T) {
	t.Parallel()
	for _, config := range []*bdkconfig.Config{nil, {}} {
		_, err := config.NewClient()
		require.ErrorContains(t, err, "not made by Load")
		_, err = config.NewClientWith(symphony.NoSessionToken)
		require.ErrorContains(t, err, "not made by Load")
		_, err = config.NewApp()
		require.ErrorContains(t, err, "not made by Load")
		require.Empty(t, config.Warnings())
	}
}

func TestConnectionTimeout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": symphony.NewTransport().TLSHandshakeTimeout, ", connectionTimeout: 20": 20 * time.Millisecond} {
		config, err := bdkconfig.Load(write(t, "config.yaml", []byte("{host: acme"+text+", bot: {username: bot, privateKey: {path: "+write(t, "key.pem", keyPEM())+"}}}")))
		require.NoError(t, err)
		require.Equal(t, want, config.Transport().TLSHandshakeTimeout)
	}
}

func TestLargestNumbers(t *testing.T) {
	t.Parallel()
	_, err := load(t, "{host: acme, port: 65535, connectionTimeout: 2147483647, bot: {username: bot, privateKey: {path: $PATH}}}", "$PATH", write(t, "key.pem", keyPEM()))
	require.NoError(t, err)
}

func TestPlaintext(t *testing.T) {
	t.Parallel()
	pairs := []string{"$PATH", write(t, "key.pem", keyPEM()), "$PEM", write(t, "bot.pem", pairPEM(t, newCertificate("bot", nil)))}
	for name, test := range map[string]struct{ text, place string }{
		"pod":         {"host: acme.symphony.com\npod:\n  scheme: http\nbot: {username: bot, privateKey: {path: $PATH}}", "config.yaml:3: pod.scheme: "},
		"sessionAuth": {"host: acme.symphony.com\nsessionAuth: {scheme: http}\nbot: {certificate: {path: $PEM}}", "config.yaml:2: sessionAuth.scheme: "},
		"client only": {"scheme: http\nhost: acme.symphony.com\nsessionAuth: {scheme: https}\nbot: {certificate: {path: $PEM}}", "config.yaml:1: scheme: "},
	} {
		config, err := load(t, test.text, pairs...)
		require.NoError(t, err)
		_, err = config.NewClient()
		require.ErrorContains(t, err, test.place, name)
		_, ok := errors.AsType[*symphony.InvalidArgumentError](err)
		require.True(t, ok)
		_, err = config.NewClient(symphony.WithPlaintextHTTP())
		require.NoError(t, err)
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.yaml")
	_, err := bdkconfig.Load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "bdkconfig: open "+path)

	var none *bdkconfig.Config
	for _, config := range []*bdkconfig.Config{none, {}} {
		_, err = config.NewClient()
		require.EqualError(t, err, "bdkconfig: the Config was not made by Load")
	}
}

func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	config, err := load(t, `
host: acme.symphony.com
proxy: {host: proxy.acme.net, port: 3128, username: svc, password: $SECRET}
defaultHeaders: {Authorization: Bearer $SECRET}
bot: {username: bot, privateKey: {path: $PATH}}`, "$SECRET", secret, "$PATH", write(t, "key.pem", keyPEM()))
	require.NoError(t, err)
	type service struct {
		config  bdkconfig.Config
		pointer *bdkconfig.Config
	}
	for _, value := range []any{config, *config, service{*config, config}, &service{*config, config}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, secret)
			require.NotContains(t, text, rsaKey().D.String())
		}
	}
}
