package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

type result struct {
	code           int
	stdout, stderr string
}

func setpresence(ctx context.Context, env map[string]string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, func(name string) string { return env[name] }, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func TestEmbeddedPod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want symphony.V2Presence
	}{
		{nil, symphony.V2Presence{Category: symphony.PresenceBusy, UserID: 1}},
		{[]string{"-category", "on the phone", "-soft"}, symphony.V2Presence{Category: symphony.PresenceOnThePhone, UserID: 1}},
		{[]string{"-user", "2", "-category", "available", "-soft"}, symphony.V2Presence{Category: symphony.PresenceAway, UserID: 2}},
		{[]string{"-user", "3", "-soft"}, symphony.V2Presence{Category: symphony.PresenceOffline, UserID: 3}},
	} {
		got := setpresence(t.Context(), nil, test.args...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stderr, "embedded pod")
		var presence symphony.V2Presence
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &presence), got.stdout)
		presence.Timestamp = symphony.Timestamp{}
		require.Equal(t, test.want, presence)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 1}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "reader"}))
	t.Cleanup(pod.Close)
	tls := symphonytest.NewPod(symphonytest.WithTLS())
	t.Cleanup(tls.Close)
	env := func(token string) map[string]string {
		return map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_SESSION_TOKEN": token}
	}
	admin := env(pod.IssueToken("admin"))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		env  map[string]string
		args []string
		code int
		text string
	}{
		{"unknown flag", t.Context(), nil, []string{"-x"}, cli.ExitUsage, "Exit codes"},
		{"category not quoted", t.Context(), nil, []string{"-category", "on", "the", "phone"}, cli.ExitUsage, "put a category of several words in quotes"},
		{"unknown category", t.Context(), nil, []string{"-category", "lunch"}, cli.ExitUsage, "IN_A_MEETING"},
		{"user 0", t.Context(), nil, []string{"-user", "0"}, cli.ExitUsage, "userID"},
		{"only a login URL", t.Context(), map[string]string{"SYMPHONY_LOGIN_URL": pod.LoginURL()}, nil, cli.ExitUsage, "SYMPHONY_POD_URL"},
		{"key and token", t.Context(), map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_SESSION_TOKEN": "x", "SYMPHONY_PRIVATE_KEY": "key.pem"}, nil, cli.ExitUsage, "SYMPHONY_PRIVATE_KEY"},
		{"no such certificate", t.Context(), map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_CERTIFICATE": "none.pem"}, nil, cli.ExitUsage, "SYMPHONY_CERTIFICATE"},
		{"only a token", t.Context(), map[string]string{"SYMPHONY_SESSION_TOKEN": "x"}, nil, cli.ExitUsage, "SYMPHONY_POD_URL"},
		{"only a pod", t.Context(), map[string]string{"SYMPHONY_POD_URL": pod.URL()}, nil, cli.ExitUsage, "SYMPHONY_SESSION_TOKEN"},
		{"base URL", t.Context(), map[string]string{"SYMPHONY_POD_URL": "acme", "SYMPHONY_SESSION_TOKEN": "x"}, nil, cli.ExitUsage, "https://"},
		{"wrong token", t.Context(), env("wrong"), nil, cli.ExitForbidden, "401"},
		{"no entitlement", t.Context(), env(pod.IssueToken("reader")), nil, cli.ExitForbidden, "User Provisioning"},
		{"no such user", t.Context(), admin, []string{"-user", "9"}, cli.ExitNotFound, "User 9"},
		{"untrusted certificate", t.Context(), map[string]string{"SYMPHONY_POD_URL": tls.URL(), "SYMPHONY_SESSION_TOKEN": "x"}, nil, cli.ExitFailed, "this machine does not have the CA certificate of"},
		{"interrupted", cancelled, admin, nil, cli.ExitInterrupted, "canceled"},
		{"no pod there", t.Context(), map[string]string{"SYMPHONY_POD_URL": "https://127.0.0.1:1/pod", "SYMPHONY_SESSION_TOKEN": "x"}, nil, cli.ExitLater, "attempt 4 of 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := setpresence(test.ctx, test.env, test.args...)
			require.Equal(t, test.code, got.code, got.stderr)
			require.Empty(t, got.stdout)
			require.Contains(t, got.stderr, test.text)
			if test.env != nil {
				require.Equal(t, 1, strings.Count(got.stderr, "\n"), "one line")
			}
		})
	}
	help := setpresence(t.Context(), nil, "-h")
	require.Equal(t, cli.ExitOK, help.code)
	require.Contains(t, help.stderr, "SYMPHONY_PRIVATE_KEY")
}

// The config.yaml of a bot is all that is needed.
func TestConfig(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 1}), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &key.PublicKey}))
	t.Cleanup(pod.Close)
	address, err := url.Parse(pod.URL())
	require.NoError(t, err)
	dir := t.TempDir()
	keyPath, path := filepath.Join(dir, "bot.pem"), filepath.Join(dir, "config.yaml")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	require.NoError(t, os.WriteFile(keyPath, text, 0o600))
	config := fmt.Sprintf("scheme: http\nhost: %s\nport: %s\nbot:\n  username: bot\n  privateKey:\n    path: %s\n", address.Hostname(), address.Port(), keyPath)
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	got := setpresence(t.Context(), nil, "-config", path)
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, `"category":"BUSY"`)

	// A key without a config file is read too, as a path and as text in one line.
	env := map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_USERNAME": "bot"}
	for _, value := range []string{keyPath, strings.ReplaceAll(string(text), "\n", `\n`)} {
		env["SYMPHONY_PRIVATE_KEY"] = value
		got = setpresence(t.Context(), env)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
	}
	env["SYMPHONY_USERNAME"] = "nobody"
	require.Equal(t, cli.ExitForbidden, setpresence(t.Context(), env).code)
	env["SYMPHONY_PRIVATE_KEY"] = path
	got = setpresence(t.Context(), env)
	require.Equal(t, cli.ExitUsage, got.code)
	require.Contains(t, got.stderr, "SYMPHONY_PRIVATE_KEY")

	app := strings.Replace(config, "bot:\n  username: bot", "app:\n  appId: a", 1)
	require.NoError(t, os.WriteFile(path, []byte(app), 0o600))
	got = setpresence(t.Context(), nil, "-config", path)
	require.Equal(t, cli.ExitUsage, got.code)
	require.Contains(t, got.stderr, "bot: it is missing")

	require.NoError(t, os.WriteFile(path, []byte(config+"port: 70000\n"), 0o600))
	require.Equal(t, cli.ExitUsage, setpresence(t.Context(), nil, "-config", path).code)
	require.Equal(t, cli.ExitUsage, setpresence(t.Context(), nil, "-config", path+".none").code)
}
