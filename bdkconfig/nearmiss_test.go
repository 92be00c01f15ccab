package bdkconfig_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/bdkconfig"
)

// A key in another spelling is named with the right one, before anything else.
func TestNearMisses(t *testing.T) {
	t.Parallel()
	key := write(t, "key.pem", keyPEM())
	const bot = "\nbot: {username: bot, privateKey: {path: $PATH}}\n"
	for _, test := range []struct{ name, text, want string }{
		{"SDK 1", "podHost: acme.symphony.com\npodPort: 443\nbotUsername: bot\n", "config.yaml:1: podHost: there is no such key; the right spelling is pod.host, that is, pod: {host: ...}"},
		{"SDK 1, JSON", "{\n  \"sessionAuthHost\": \"acme\",\n  \"podHost\": \"acme\"\n}", "config.yaml:2: sessionAuthHost: there is no such key; the right spelling is sessionAuth.host"},
		{"SDK 1, certificate", "host: acme\nbotCertPath: /c.p12\n", "config.yaml:2: botCertPath: there is no such key; the right spelling is bot.certificate.path, that is, bot: {certificate: {path: ...}}"},
		{"SDK 1, trust store", "host: acme\ntruststorePath: /c.p12" + bot, "config.yaml:2: truststorePath: there is no such key; the right spelling is ssl.trustStore.path"},
		{"one key with a dot", "host: acme\nbot:\n  username: bot\n  privateKey.path: $PATH\n", "config.yaml:4: bot.privateKey.path: there is no such key; the right spelling is bot.privateKey.path, that is, bot: {privateKey: {path: ...}}"},
		{"one key with two dots", "host: acme\nbot.privateKey.path: $PATH\n", "config.yaml:2: bot.privateKey.path: there is no such key; the right spelling is bot.privateKey.path, that is, bot: {privateKey: {path: ...}}"},
		{"hyphen", "host: acme\nbot:\n  username: bot\n  private-key: {path: $PATH}\n", "config.yaml:4: bot.private-key: there is no such key; the right spelling is bot.privateKey, that is, bot: {privateKey: ...}"},
		{"underscore", "host: acme\nsession_auth: {host: acme}" + bot, "config.yaml:2: session_auth: there is no such key; the right spelling is sessionAuth, that is, sessionAuth: ..."},
		{"case", "Host: acme" + bot, "config.yaml:1: Host: there is no such key; the right spelling is host, that is, host: ..."},
		{"in a section of a section", "host: acme\nssl:\n  trustStore:\n    Path: $PATH" + bot, "config.yaml:4: ssl.trustStore.Path: there is no such key; the right spelling is ssl.trustStore.path"},
		{"beside the right one", "host: acme\nretry: {maxAttempts: 1, max-attempts: 2}" + bot, "config.yaml:2: retry.max-attempts: there is no such key; the right spelling is retry.maxAttempts"},
		{"below bdk", "bdk:\n  host: acme\n  bot:\n    username: bot\n    privateKey.path: $PATH\n", "config.yaml:5: bdk.bot.privateKey.path: there is no such key; the right spelling is bdk.bot.privateKey.path, that is, bdk: {bot: {privateKey: {path: ...}}}"},
		{"bdk in one key", "bdk.host: acme\nbdk.bot.username: bot\n", "config.yaml:1: bdk.host: there is no such key; the right spelling is host, that is, host: ..."},
		{"behind empty sections", "host: acme\nproxy: ~\napp: ~\nssl: ~\nretry: {max-attempts: 2}" + bot, "config.yaml:5: retry.max-attempts: there is no such key; the right spelling is retry.maxAttempts, that is, retry: {maxAttempts: ...}"},
		{"app", "host: acme\napp: {app-id: a}" + bot, "config.yaml:2: app.app-id: there is no such key; the right spelling is app.appId"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "config.yaml", []byte(strings.ReplaceAll(test.text, "$PATH", key)))
			_, err := bdkconfig.Load(path)
			require.ErrorContains(t, err, "bdkconfig: "+filepath.Dir(path)+"/"+test.want)
			require.Equal(t, strings.Count(err.Error(), "{"), strings.Count(err.Error(), "}"))
		})
	}

	for name, text := range map[string]string{
		"ignored sections": "host: acme\nagent: {Host: a, pod-host: b}\nkey-manager: {}\ndatafeed: {max-attempts: 1}\ncommonJwt: {Enabled: 1}" + bot,
		"headers":          "host: acme\ndefaultHeaders: {X-A.B: 1, x_a.b: 2, XAB: 3}" + bot,
		"beside bdk":       "podHost: other\nserver: {port: x}\nbdk: {host: acme, bot: {username: bot, privateKey: {path: $PATH}}}",
	} {
		_, err := load(t, text, "$PATH", key)
		require.NoError(t, err, name)
	}
}
