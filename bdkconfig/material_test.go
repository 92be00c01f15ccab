package bdkconfig_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/symphony-go/symphony/symphonytest"
)

// certificates are some of no use.
func certificates() []*x509.Certificate {
	return []*x509.Certificate{newCertificate("other", nil).Leaf}
}

func p12(t *testing.T, encode func() ([]byte, error)) []byte {
	t.Helper()
	data, err := encode()
	require.NoError(t, err)
	return data
}

// The pod is trusted by the trust store, and the login by the system's roots.
func TestTrustStoreAddsToTheSystemsRoots(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the tests' own system roots work with SSL_CERT_FILE")
	}
	pod := start(t, symphonytest.WithTLS())
	login := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"name":"sessionToken","token":"`+pod.IssueToken("admin")+`"}`)
	}))
	login.TLS = &tls.Config{Certificates: []tls.Certificate{*newCertificate("login", systemCA)}}
	login.StartTLS()
	t.Cleanup(login.Close)

	rootsPEM := podPEM(t, pod)
	block, _ := pem.Decode(rootsPEM)
	root, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	other := newCertificate("other", nil)
	roots := append(certificates(), root)
	for name, data := range map[string][]byte{
		"PEM":              append(pemOf(other), rootsPEM...),
		"Java trust store": p12(t, func() ([]byte, error) { return pkcs12.Modern.EncodeTrustStore(roots, "changeit") }),
		"legacy":           p12(t, func() ([]byte, error) { return pkcs12.LegacyRC2.EncodeTrustStore(roots, "changeit") }),
		"without password": p12(t, func() ([]byte, error) { return pkcs12.Passwordless.EncodeTrustStore(roots, "") }),
		"leaf": p12(t, func() ([]byte, error) {
			return pkcs12.Modern.Encode(other.PrivateKey, root, certificates(), "changeit")
		}),
		"chain": p12(t, func() ([]byte, error) {
			return pkcs12.Modern.Encode(other.PrivateKey, other.Leaf, roots, "changeit")
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			password := "changeit"
			if name == "without password" {
				password = "''"
			}
			for _, ssl := range []string{
				"{trustStore: {path: $ROOTS, password: " + password + "}}",
				"{trustStore: {content: $CONTENT, password: " + password + "}}",
				"{trustStorePath: $ROOTS, trustStorePassword: " + password + "}",
			} {
				client := newClient(t, "{host: 127.0.0.1, port: $PORT, sessionAuth: {port: $LOGIN}, ssl: "+ssl+", bot: {certificate: {path: $BOT}}}",
					"$PORT", port(t, pod.URL()), "$LOGIN", port(t, login.URL), "$ROOTS", write(t, "store", data),
					"$CONTENT", base64Of(data), "$BOT", write(t, "bot.pem", pairPEM(t, other)))
				require.NoError(t, set(t, client))
			}
		})
	}
	client := newClient(t, "{host: 127.0.0.1, port: $PORT, bot: {username: bot, privateKey: {path: $KEY}}}",
		"$PORT", port(t, pod.URL()), "$KEY", write(t, "key.pem", keyPEM()))
	require.ErrorContains(t, set(t, client), "certificate signed by unknown authority")
}

func TestWrongMaterial(t *testing.T) {
	t.Parallel()
	bot := newCertificate("bot", nil)
	const keytool = "PEM or PKCS#12 but a Java keystore (JKS) (keytool -importkeystore -srckeystore store.jks -destkeystore store.p12 -deststoretype PKCS12 converts it to PKCS#12)"
	key := func(data []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data}) }
	store := p12(t, func() ([]byte, error) { return pkcs12.Modern.EncodeTrustStore(certificates(), "changeit") })
	pair := p12(t, func() ([]byte, error) { return pkcs12.Modern.Encode(bot.PrivateKey, bot.Leaf, nil, "changeit") })
	alien := p12(t, func() ([]byte, error) {
		return pkcs12.Modern.Encode(bot.PrivateKey, certificates()[0], nil, "changeit")
	})
	for _, test := range []struct {
		name, text string
		data       []byte
		want       string
	}{
		{"key of nothing", "bot: {username: bot, privateKey: {path: $PATH}}", nil, "bot.privateKey.path: symphony: invalid private key: it is not PEM"},
		{"broken key", "bot: {username: bot, privateKey: {path: $PATH}}", key([]byte(secret)), "bot.privateKey.path: symphony: invalid private key: its PRIVATE KEY is broken"},
		{"key that is a certificate", "bot: {username: bot, privateKey: {path: $PATH}}", pemOf(bot), "bot.privateKey.path: symphony: invalid private key: it holds CERTIFICATE"},
		{"content", "bot: {username: bot, privateKey: {content: " + secret + "}}", nil, "bot.privateKey.content: it is neither PEM nor base64"},
		{"content of another kind", "bot: {username: bot, privateKey: {content: " + base64Of([]byte(secret)) + "}}", nil, "bot.privateKey.content: symphony: invalid private key: it is not PEM"},

		{"certificate without key", "bot: {certificate: {path: $PATH}}", pemOf(bot), "bot.certificate.path: it is not a certificate with its private key in PEM: it holds CERTIFICATE and no private key"},
		{"certificate with a broken key", "bot: {certificate: {path: $PATH}}", append(pemOf(bot), key([]byte(secret))...), "bot.certificate.path: it is not a certificate with its private key in PEM: its PRIVATE KEY is broken"},
		{"certificate that is a trust store", "bot: {certificate: {path: $PATH, password: changeit}}", store, "bot.certificate.path: it is not a certificate with its private key in PEM or PKCS#12: pkcs12: private key missing"},
		{"certificate of another key", "bot: {certificate: {path: $PATH, password: changeit}}", alien, "bot.certificate.path: it is not a certificate with its private key in PEM or PKCS#12: no certificate in it belongs to its private key"},
		{"certificate of nothing", "bot: {certificatePath: $PATH}", []byte(secret), "bot.certificatePath: it is not a certificate with its private key in PEM or PKCS#12 but in an unknown format"},
		{"certificate in JKS", "bot: {certificate: {path: $PATH}}", []byte("\xFE\xED\xFE\xED\x00\x00" + secret), "bot.certificate.path: it is not a certificate with its private key in " + keytool},
		{"wrong password", "bot: {certificate: {path: $PATH, password: " + secret + "}}", pair, "bot.certificate.password: it is missing or wrong: pkcs12: decryption password incorrect"},
		{"missing password", "bot: {certificate: {path: $PATH}}", pair, "bot.certificate.password: it is missing or wrong: pkcs12: decryption password incorrect"},
		{"wrong older password", "bot: {certificatePath: $PATH, certificatePassword: " + secret + "}", pair, "bot.certificatePassword: it is missing or wrong: pkcs12: decryption password incorrect"},

		{"trust store of nothing", "ssl: {trustStore: {path: $PATH}}", []byte(secret), "ssl.trustStore.path: it is not a trust store in PEM or PKCS#12 but in an unknown format"},
		{"trust store without certificates", "ssl: {trustStore: {path: $PATH}}", key([]byte(secret)), "ssl.trustStore.path: it holds no certificate that can be used: block 1 of 1 (PRIVATE KEY) cannot be used: it is not a certificate"},
		{"trust store in JKS", "ssl: {trustStore: {path: $PATH}}", []byte("\xFE\xED\xFE\xED\x00\x00"), "ssl.trustStore.path: it is not a trust store in " + keytool},
		{"trust store in JCEKS", "ssl: {trustStorePath: $PATH}", []byte("\xCE\xCE\xCE\xCE\x00\x00"), "ssl.trustStorePath: it is not a trust store in " + keytool},
		{"wrong password of a trust store", "ssl: {trustStore: {path: $PATH, password: " + secret + "}}", store, "ssl.trustStore.password: it is missing or wrong: pkcs12: decryption password incorrect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, "host: acme\n"+test.text, "$PATH", write(t, "material", test.data))
			require.ErrorContains(t, err, "config.yaml:2: "+test.want)
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, strings.Contains(test.want, "password incorrect"), errors.Is(err, pkcs12.ErrIncorrectPassword))
		})
	}
}
