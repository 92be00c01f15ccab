package bdkconfig_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/bdkconfig"
	"github.com/symphony-go/symphony/symphonytest"
)

// secret is a password of the tests: it must never show. It is neither a header
// name nor that of a variable.
const secret = "s3cr3t=password"

// systemCA is all that the tests' system trusts.
var systemCA = newCertificate("system CA", nil)

// TestMain has the system trust systemCA, for x509 reads its roots only once.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "")
	roots := filepath.Join(dir, "roots.pem")
	err = errors.Join(err, os.WriteFile(roots, pemOf(systemCA), 0o600), os.Setenv("SSL_CERT_FILE", roots))
	if err != nil {
		log.Fatal(err)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // warnings; see TestWarningsAreLogged
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// rsaKey is one key for all tests: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func keyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})
}

// newCertificate makes a certificate for loopback, signed by itself or by another.
func newCertificate(name string, signer *tls.Certificate) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: signer == nil,
	}
	parent, parentKey := template, any(key)
	if signer != nil {
		parent, parentKey = signer.Leaf, signer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// pemOf is a certificate in PEM.
func pemOf(c *tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
}

// pairPEM is a certificate with its key.
func pairPEM(t *testing.T, c *tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	require.NoError(t, err)
	return append(pemOf(c), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
}

// write writes a file of a test and returns its path.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// load loads a file in which each $NAME of the pairs is replaced by its value.
func load(t *testing.T, text string, pairs ...string) (*bdkconfig.Config, error) {
	t.Helper()
	return bdkconfig.Load(write(t, "config.yaml", []byte(strings.NewReplacer(pairs...).Replace(text))))
}

// newClient makes a client from the text of a file.
func newClient(t *testing.T, text string, pairs ...string) *symphony.Client {
	t.Helper()
	config, err := load(t, text, pairs...)
	require.NoError(t, err)
	client, err := config.NewClient()
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// start starts a pod with a bot that has rsaKey.
func start(t *testing.T, opts ...symphonytest.Option) *symphonytest.Pod {
	t.Helper()
	pod := symphonytest.NewPod(append(opts,
		symphonytest.WithUsers(symphonytest.User{ID: 42}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &rsaKey().PublicKey}),
	)...)
	t.Cleanup(pod.Close)
	return pod
}

// port is the port of a server on loopback.
func port(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	require.NoError(t, err)
	return u.Port()
}

// podPEM is the certificate of a pod that speaks TLS.
func podPEM(t *testing.T, pod *symphonytest.Pod) []byte {
	t.Helper()
	response, err := pod.Client().Get(pod.URL())
	require.NoError(t, err)
	defer response.Body.Close()
	pod.ClearRequests()
	return pemOf(&tls.Certificate{Certificate: [][]byte{response.TLS.PeerCertificates[0].Raw}})
}

// set makes the main call.
func set(t *testing.T, client *symphony.Client) error {
	t.Helper()
	_, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false)
	return err
}

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// indent puts a text below a key that ends in "|".
func indent(data []byte, by int) string {
	space := strings.Repeat(" ", by)
	return space + strings.ReplaceAll(strings.TrimSpace(string(data)), "\n", "\n"+space)
}
