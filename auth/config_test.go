package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestNewClient(t *testing.T) {
	t.Parallel()
	cert := selfSigned(t)
	pod := start(t, symphonytest.WithTLS(), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: cert.Leaf}))
	for _, test := range []struct {
		name   string
		config auth.Config
	}{
		{"key", auth.Config{PodURL: pod.URL(), Username: "bot", Key: rsaKey()}},
		{"key, slash at the end", auth.Config{PodURL: pod.URL() + "/", Username: "bot", Key: rsaKey()}},
		{"key and login URL", auth.Config{PodURL: pod.URL(), LoginURL: pod.LoginURL(), Username: "bot", Key: rsaKey()}},
		{"certificate", auth.Config{PodURL: pod.URL(), Certificate: &cert}},
		{"certificate and session auth URL", auth.Config{PodURL: pod.URL(), SessionAuthURL: pod.SessionAuthURL(), Certificate: &cert}},
		{"session token", auth.Config{PodURL: pod.URL(), SessionToken: pod.IssueToken("bot")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, err := auth.NewClient(test.config, symphony.WithHTTPClient(pod.Client()), symphony.WithUserAgent("test/1"))
			require.NoError(t, err)
			require.NoError(t, set(t, client))
		})
	}
	t.Cleanup(func() {
		for _, r := range pod.Requests() {
			require.Regexp(t, "^test/1 ", r.Header.Get("User-Agent"), "the options are those of the login too")
		}
	})
}

func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	cert := selfSigned(t)
	const podURL = "https://acme.symphony.com/pod"
	for _, test := range []struct {
		name, says string
		config     auth.Config
		field      string // the Argument, "config" if empty
	}{
		{name: "nothing", says: "PodURL is not set"},
		{name: "no credential", config: auth.Config{PodURL: podURL, Username: "bot"}, says: "none of Key (with Username), Certificate and SessionToken is set"},
		{name: "two credentials", config: auth.Config{PodURL: podURL, Key: rsaKey(), SessionToken: "x"}, says: "only one of Key and SessionToken"},
		{name: "three credentials", config: auth.Config{PodURL: podURL, Key: rsaKey(), Certificate: &cert, SessionToken: "x"}, says: "only one of Key and Certificate and SessionToken"},
		{name: "no username", config: auth.Config{PodURL: podURL, Key: rsaKey()}, says: "Key needs Username"},
		{name: "no login URL", config: auth.Config{PodURL: "https://acme.symphony.com/gateway", Username: "bot", Key: rsaKey()}, says: "does not end in /pod, so LoginURL is needed"},
		{name: "no session auth URL", config: auth.Config{PodURL: "https://acme.symphony.com", Certificate: &cert}, says: "does not end in /pod, so SessionAuthURL is needed"},
		{name: "pod URL", config: auth.Config{PodURL: "acme", SessionToken: "x"}, says: "https://", field: "podURL"},
		{name: "pod URL with a key", config: auth.Config{PodURL: "acme.symphony.com/pod", Username: "bot", Key: rsaKey()}, says: "https://", field: "podURL"},
		{name: "pod URL with a certificate", config: auth.Config{PodURL: "http://acme.symphony.com/pod", Certificate: &cert}, says: "clear text", field: "podURL"},
		{name: "login URL", config: auth.Config{PodURL: podURL, LoginURL: "acme", Username: "bot", Key: rsaKey()}, says: "https://", field: "loginURL"},
		{name: "nil key", config: auth.Config{PodURL: podURL, Username: "bot", Key: (*rsa.PrivateKey)(nil)}, says: "nil", field: "key"},
		{name: "empty certificate", config: auth.Config{PodURL: podURL, Certificate: &tls.Certificate{}}, says: "private key", field: "WithClientCertificate"},
		{name: "username", config: auth.Config{PodURL: podURL, Username: "bot\n", Key: rsaKey()}, says: "line break", field: "username"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, err := auth.NewClient(test.config)
			require.Nil(t, client)
			require.ErrorContains(t, err, test.says)
			var invalid *symphony.InvalidArgumentError
			require.ErrorAs(t, err, &invalid)
			if test.field == "" {
				test.field = "config"
			}
			require.Equal(t, test.field, invalid.Argument)
		})
	}
}

// chainPEM returns a certificate for rsaKey and the CA that signed it.
func chainPEM(t *testing.T) (leaf, ca []byte) {
	t.Helper()
	signer := selfSigned(t)
	template := x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	caTemplate := template
	caTemplate.Subject.CommonName, caTemplate.IsCA, caTemplate.BasicConstraintsValid = "CA", true, true
	caDER, err := x509.CreateCertificate(rand.Reader, &caTemplate, &caTemplate, other.Public(), other)
	require.NoError(t, err)
	parent, err := x509.ParseCertificate(caDER)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, signer.Leaf.PublicKey, other)
	require.NoError(t, err)
	return block("CERTIFICATE", der), block("CERTIFICATE", caDER)
}

func TestConfigFromEnv(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, text ...[]byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, bytes.Join(text, nil), 0o600))
		return path
	}
	key := block("PRIVATE KEY", pkcs8(t, rsaKey()))
	leaf, ca := chainPEM(t)
	for _, test := range []struct {
		name string
		env  map[string]string
		want auth.Config // but for Certificate
		says []string    // in place of want
	}{
		{
			name: "key",
			env:  map[string]string{"POD_URL": "https://a/pod", "USERNAME": "bot", "PRIVATE_KEY": file("key.pem", key)},
			want: auth.Config{PodURL: "https://a/pod", Username: "bot", Key: rsaKey()},
		},
		{
			name: "key text",
			env:  map[string]string{"POD_URL": "https://a/x", "LOGIN_URL": "https://b/login", "USERNAME": "bot", "PRIVATE_KEY": string(bytes.ReplaceAll(key, []byte("\n"), []byte(`\n`)))},
			want: auth.Config{PodURL: "https://a/x", LoginURL: "https://b/login", Username: "bot", Key: rsaKey()},
		},
		{
			name: "token",
			env:  map[string]string{"POD_URL": "https://a/pod", "SESSION_TOKEN": "x"},
			want: auth.Config{PodURL: "https://a/pod", SessionToken: "x"},
		},
		{
			name: "certificate",
			env:  map[string]string{"POD_URL": "https://a/x", "SESSION_AUTH_URL": "https://b/s", "CERTIFICATE": file("pair.pem", leaf, ca, key)},
			want: auth.Config{PodURL: "https://a/x", SessionAuthURL: "https://b/s"},
		},
		{
			name: "certificate behind its CA and key",
			env:  map[string]string{"POD_URL": "https://a/pod", "CERTIFICATE": file("reversed.pem", []byte("\ufeff"), key, ca, leaf)},
			want: auth.Config{PodURL: "https://a/pod"},
		},

		{name: "nothing", says: []string{"SYMPHONY_POD_URL is not set"}},
		{name: "only a pod", env: map[string]string{"POD_URL": "https://a/pod"}, says: []string{"SYMPHONY_PRIVATE_KEY (with SYMPHONY_USERNAME)", "SYMPHONY_CERTIFICATE", "SYMPHONY_SESSION_TOKEN"}},
		{name: "key and token", env: map[string]string{"POD_URL": "https://a/pod", "USERNAME": "b", "PRIVATE_KEY": string(key), "SESSION_TOKEN": "x"}, says: []string{"only one of SYMPHONY_PRIVATE_KEY and SYMPHONY_SESSION_TOKEN"}},
		{name: "no username", env: map[string]string{"POD_URL": "https://a/pod", "PRIVATE_KEY": string(key)}, says: []string{"SYMPHONY_PRIVATE_KEY needs SYMPHONY_USERNAME"}},
		{name: "no login URL", env: map[string]string{"POD_URL": "https://a", "USERNAME": "b", "PRIVATE_KEY": string(key)}, says: []string{"SYMPHONY_POD_URL does not end in /pod, so SYMPHONY_LOGIN_URL"}},
		{name: "line break", env: map[string]string{"POD_URL": "https://a/pod\n", "USERNAME": "b", "PRIVATE_KEY": string(key)}, says: []string{"SYMPHONY_POD_URL begins or ends with a blank or a line break"}},
		{name: "no session auth URL", env: map[string]string{"POD_URL": "https://a", "CERTIFICATE": file("pair2.pem", leaf, key)}, says: []string{"SYMPHONY_POD_URL does not end in /pod, so SYMPHONY_SESSION_AUTH_URL"}},
		{name: "no such key", env: map[string]string{"PRIVATE_KEY": "MIIEsecret"}, says: []string{"SYMPHONY_PRIVATE_KEY", "neither PEM text nor the path of a file that can be read"}},
		{name: "wrong key", env: map[string]string{"PRIVATE_KEY": file("wrong.pem", leaf)}, says: []string{"SYMPHONY_PRIVATE_KEY", "it holds CERTIFICATE and no private key"}},
		{name: "no such certificate", env: map[string]string{"CERTIFICATE": "MIIEsecret"}, says: []string{"SYMPHONY_CERTIFICATE", "no such file"}},
		{name: "certificate without key", env: map[string]string{"CERTIFICATE": file("leaf.pem", leaf)}, says: []string{"SYMPHONY_CERTIFICATE", "it holds CERTIFICATE and no private key"}},
		{name: "key without certificate", env: map[string]string{"CERTIFICATE": string(key)}, says: []string{"SYMPHONY_CERTIFICATE", "it holds PRIVATE KEY and no certificate"}},
		{name: "certificate of another key", env: map[string]string{"CERTIFICATE": file("other.pem", ca, key)}, says: []string{"SYMPHONY_CERTIFICATE", "no certificate in it belongs to its private key"}},
		{name: "broken certificate", env: map[string]string{"CERTIFICATE": file("broken.pem", key, block("CERTIFICATE", []byte("x")))}, says: []string{"SYMPHONY_CERTIFICATE", "block 2 of 2 (CERTIFICATE) cannot be used: x509:"}},
		{name: "certificate in PKCS#12", env: map[string]string{"CERTIFICATE": file("store.p12", []byte("\x30\x80\x02\x01\x03"))}, says: []string{"SYMPHONY_CERTIFICATE", "openssl pkcs12 -in store.p12 -nodes -out store.pem"}},
		{name: "certificate in DER", env: map[string]string{"CERTIFICATE": file("leaf.cer", selfSigned(t).Certificate[0])}, says: []string{"SYMPHONY_CERTIFICATE", "not PEM but a certificate in DER"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config, err := auth.ConfigFromEnv(func(name string) string { return test.env[strings.TrimPrefix(name, "SYMPHONY_")] })
			if test.says != nil {
				require.Equal(t, auth.Config{}, config)
				var invalid *symphony.InvalidArgumentError
				require.ErrorAs(t, err, &invalid)
				for _, says := range test.says {
					require.ErrorContains(t, err, says)
				}
				require.NotContains(t, err.Error(), "MII")
				return
			}
			require.NoError(t, err)
			if test.env["CERTIFICATE"] != "" {
				require.Equal(t, "leaf", config.Certificate.Leaf.Subject.CommonName)
				require.Len(t, config.Certificate.Certificate, 2, "the leaf and its CA")
				require.True(t, rsaKey().Equal(config.Certificate.PrivateKey))
				config.Certificate = nil
			}
			if config.Key != nil {
				require.True(t, rsaKey().Equal(config.Key))
				config.Key = rsaKey()
			}
			require.True(t, test.want == config, "%v", config)
		})
	}
	_, err := auth.ConfigFromEnv(nil)
	require.ErrorContains(t, err, "getenv")
}

func TestConfigHidesItsSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	cert := selfSigned(t)
	config := auth.Config{
		PodURL: "https://acme.symphony.com/pod", LoginURL: "https://u:" + secret + "@acme/login", SessionAuthURL: secret,
		Username: "bot", Key: rsaKey(), Certificate: &cert, SessionToken: secret,
	}
	var logged bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(handler).InfoContext(context.Background(), "start", "config", config, "pointer", &config,
			"list", []auth.Config{config}, "struct", struct{ Config *auth.Config }{&config})
	}
	texts := []string{logged.String(), config.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%t", "%e", "%c", "%U", "%d", "%x"} {
		for _, value := range []any{config, &config, []auth.Config{config}, struct{ Config auth.Config }{config}} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
	}
	key := rsaKey().D.String()
	for _, text := range texts {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, fmt.Sprintf("%x", secret))
		require.NotContains(t, text, key)
	}
	require.Equal(t, `auth.Config{PodURL: https://acme.symphony.com/pod, LoginURL: set, SessionAuthURL: set, Username: "bot", Key: set, Certificate: set, SessionToken: set}`, config.String())
	require.Equal(t, "<nil>", fmt.Sprint((*auth.Config)(nil)))
}

func ExampleNewClient() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "presence-bot", UserProvisioning: true, PublicKey: &rsaKey().PublicKey}))
	defer pod.Close()

	client, err := auth.NewClient(auth.Config{PodURL: pod.URL(), Username: "presence-bot", Key: rsaKey()})
	if err != nil {
		panic(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceInAMeeting, false)
	fmt.Println(presence.Category, err)
	// Output: IN_A_MEETING <nil>
}

func ExampleConfigFromEnv() {
	env := map[string]string{ // in a program, os.Getenv
		"SYMPHONY_POD_URL":       "https://acme.symphony.com/pod",
		"SYMPHONY_SESSION_TOKEN": "eyJhbGciOiJSUzUxMiJ9",
	}
	config, err := auth.ConfigFromEnv(func(name string) string { return env[name] })
	fmt.Println(config, err)

	env["SYMPHONY_SESSION_TOKEN"] = ""
	_, err = auth.ConfigFromEnv(func(name string) string { return env[name] })
	fmt.Println(err)
	// Output:
	// auth.Config{PodURL: https://acme.symphony.com/pod, SessionToken: set} <nil>
	// symphony: invalid environment: none of SYMPHONY_PRIVATE_KEY (with SYMPHONY_USERNAME), SYMPHONY_CERTIFICATE and SYMPHONY_SESSION_TOKEN is set
}
