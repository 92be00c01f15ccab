package bdkconfig_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/symphony-go/symphony/symphonytest"
)

// negativeSerial returns a certificate with a serial number of -1, which older CAs
// issued and crypto/x509 does not parse.
func negativeSerial(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x7F), Subject: pkix.Name{CommonName: "old CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	version := []byte{0xA0, 3, 2, 1, 2, 2, 1}
	return bytes.Replace(der, append(version, 0x7F), append(version, 0xFF), 1)
}

// command runs a program in a directory with the files that it reads, and returns what
// it writes to the file out. It skips the test where the program is not installed.
func command(t *testing.T, files map[string][]byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not installed")
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = t.TempDir()
	for file, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(cmd.Dir, file), data, 0o600))
	}
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, output)
	data, err := os.ReadFile(filepath.Join(cmd.Dir, "out"))
	require.NoError(t, err)
	return data
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A trust store with the pod's certificate among others. What cannot be used is named.
func TestTrustStores(t *testing.T) {
	t.Parallel()
	pod := start(t, symphonytest.WithTLS())
	root := podPEM(t, pod)
	rootBlock, _ := pem.Decode(root)
	rootCertificate, err := x509.ParseCertificate(rootBlock.Bytes)
	require.NoError(t, err)
	other := pemOf(newCertificate("other", nil))
	otherBlock, _ := pem.Decode(other)
	bad := negativeSerial(t)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	const bom = "\ufeff"
	for _, test := range []struct {
		name     string
		data     []byte
		make     func(*testing.T) []byte // in place of data
		warnings []string                // parts of them
	}{
		{name: "byte-order mark", data: join([]byte(bom), other, root)},
		{name: "byte-order mark before the only one", data: join([]byte(bom), root)},
		{name: "byte-order marks", data: join([]byte(bom), other, []byte(bom), root)},
		{name: "indented", data: []byte("  " + strings.ReplaceAll(string(join(other, root)), "\n", "\n  "))},
		{name: "second one indented", data: join(other, []byte(strings.ReplaceAll(string(root), "\n", "\n\t")))},
		{name: "CR", data: bytes.ReplaceAll(join(other, root), []byte("\n"), []byte("\r"))},
		{name: "literal line breaks", data: bytes.ReplaceAll(join(other, root), []byte("\n"), []byte(`\n`))},
		{name: "no line break between", data: join(bytes.TrimSpace(other), root)},
		{name: "X509 CERTIFICATE", data: pem.EncodeToMemory(&pem.Block{Type: "X509 CERTIFICATE", Bytes: rootBlock.Bytes})},
		{name: "DER", data: rootBlock.Bytes},
		{name: "DER, two", data: join(otherBlock.Bytes, rootBlock.Bytes)},
		{
			name: "negative serial number", data: join(other, certificatePEM(bad), root),
			warnings: []string{"block 2 of 3 (CERTIFICATE CN=old CA) cannot be used: x509: negative serial number"},
		},
		{
			name: "negative serial number in DER", data: join(bad, rootBlock.Bytes),
			warnings: []string{"block 1 of 2 (CERTIFICATE CN=old CA) cannot be used: x509: negative serial number"},
		},
		{
			name: "cut off", data: join(root, other[:len(other)-30]),
			warnings: []string{"block 2 of 2 (CERTIFICATE) cannot be used: it is not PEM to its end: it has no END line"},
		},
		{
			name: "not base64", data: join(bytes.Replace(other, []byte("MII"), []byte("M$I"), 1), root),
			warnings: []string{"block 1 of 2 (CERTIFICATE) cannot be used: the text between its BEGIN and END lines is not base64"},
		},
		{name: "a key beside it", data: join(keyPEM(), root), warnings: []string{"block 1 of 2 (RSA PRIVATE KEY) cannot be used: it is not a certificate"}},
		{
			name: "two that are bad", data: join(certificatePEM([]byte("x")), root, certificatePEM(bad)),
			warnings: []string{"block 1 of 3 (CERTIFICATE) cannot be used: x509: ", "block 3 of 3 (CERTIFICATE CN=old CA)"},
		},
		{
			name: "openssl x509 -trustout", make: func(t *testing.T) []byte {
				t.Helper()
				return join(command(t, map[string][]byte{"in": other}, "openssl", "x509", "-in", "in", "-trustout", "-addtrust", "serverAuth", "-out", "out"), root)
			},
			warnings: []string{"block 1 of 2 (TRUSTED CERTIFICATE"},
		},
		{
			name: "openssl crl2pkcs7", make: func(t *testing.T) []byte {
				t.Helper()
				return join(root, command(t, map[string][]byte{"in": other}, "openssl", "crl2pkcs7", "-nocrl", "-certfile", "in", "-out", "out"))
			},
			warnings: []string{"block 2 of 2 (PKCS7) cannot be used: openssl pkcs7 -print_certs"},
		},
		{name: "openssl pkcs7 -print_certs", make: func(t *testing.T) []byte {
			t.Helper()
			p7 := command(t, map[string][]byte{"in": join(other, root)}, "openssl", "crl2pkcs7", "-nocrl", "-certfile", "in", "-outform", "DER", "-out", "out")
			return command(t, map[string][]byte{"in": p7}, "openssl", "pkcs7", "-inform", "DER", "-print_certs", "-in", "in", "-out", "out")
		}},
		{name: "openssl pkcs12 -nokeys, from a store without keys", make: func(t *testing.T) []byte {
			t.Helper()
			p12 := command(t, map[string][]byte{"in": join(other, root)}, "openssl", "pkcs12", "-export", "-nokeys", "-in", "in", "-passout", "pass:changeit", "-out", "out")
			return command(t, map[string][]byte{"in": p12}, "openssl", "pkcs12", "-in", "in", "-nokeys", "-passin", "pass:changeit", "-out", "out")
		}},
		{name: "keytool -importcert", make: func(t *testing.T) []byte {
			t.Helper()
			return command(t, map[string][]byte{"in": root}, "keytool", "-importcert", "-noprompt", "-alias", "pod", "-file", "in", "-keystore", "out", "-storetype", "PKCS12", "-storepass", "changeit")
		}},
		{name: "keytool -importkeystore", make: func(t *testing.T) []byte {
			t.Helper()
			jks := command(t, map[string][]byte{"in": root}, "keytool", "-importcert", "-noprompt", "-alias", "pod", "-file", "in", "-keystore", "out", "-storetype", "JKS", "-storepass", "changeit")
			_, err := load(t, "host: acme\nssl: {trustStore: {path: $PATH, password: changeit}}", "$PATH", write(t, "store.jks", jks))
			require.ErrorContains(t, err, "a Java keystore (JKS) (keytool -importkeystore -srckeystore store.jks -destkeystore store.p12 -deststoretype PKCS12")
			return command(t, map[string][]byte{"store.jks": jks}, "keytool", "-importkeystore", "-srckeystore", "store.jks", "-destkeystore", "out", "-deststoretype", "PKCS12", "-srcstorepass", "changeit", "-deststorepass", "changeit")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := test.data
			if test.make != nil {
				data = test.make(t)
			}
			const text = "{host: 127.0.0.1, port: $PORT,\nssl: {trustStore: {path: '$ROOTS', password: changeit}}, bot: {username: bot, privateKey: {path: '$KEY'}}}"
			pairs := []string{"$PORT", port(t, pod.URL()), "$ROOTS", write(t, "roots", data), "$KEY", write(t, "key.pem", keyPEM())}
			config, err := load(t, text, pairs...)
			require.NoError(t, err)
			require.Len(t, config.Warnings(), len(test.warnings), "%v", config.Warnings())
			for i, warning := range config.Warnings() {
				require.Contains(t, warning, "config.yaml:2: ssl.trustStore.path: "+test.warnings[i])
				require.NotContains(t, warning, "\n")
			}
			client, err := config.NewClient()
			require.NoError(t, err)
			t.Cleanup(client.CloseIdleConnections)
			require.NoError(t, set(t, client))
		})
	}

	const text = "host: acme\nssl: {trustStore: {path: $PATH, password: changeit}}"
	badStore := p12(t, func() ([]byte, error) {
		return pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{rootCertificate, {Raw: bad}}, "changeit")
	})
	indefinite := func(der []byte) []byte { // the outer length is 4 bytes
		return join([]byte{0x30, 0x80}, der[4:], []byte{0, 0})
	}
	for _, test := range []struct {
		name string
		data []byte
		make func(*testing.T) []byte
		want string
	}{
		{name: "none but bad ones", data: join(certificatePEM(bad), certificatePEM([]byte("x"))), want: "it holds no certificate that can be used: block 1 of 2 (CERTIFICATE CN=old CA) cannot be used: x509: negative serial number; block 2 of 2"},
		{name: "bad one in PKCS#12", data: badStore, want: "x509: negative serial number (openssl pkcs12 -in store.p12 -nodes -out store.pem converts it)"},
		{name: "PKCS#12 in BER", data: indefinite(badStore), want: "PKCS#12 in BER (openssl pkcs12 -in store.p12 -nodes -out store.pem converts it)"},
		{name: "empty", want: "PEM or PKCS#12 but empty"},
		{name: "base64 of PEM", data: []byte(base64Of(root)), want: "PEM text in base64 (base64 -d"},
		{name: "PKCS#7 in DER", make: func(t *testing.T) []byte {
			t.Helper()
			return command(t, map[string][]byte{"in": root}, "openssl", "crl2pkcs7", "-nocrl", "-certfile", "in", "-outform", "DER", "-out", "out")
		}, want: "but PKCS#7 (openssl pkcs7 -inform DER -print_certs"},
		{name: "openssl pkcs12 -export -nokeys", make: func(t *testing.T) []byte {
			t.Helper()
			return command(t, map[string][]byte{"in": root}, "openssl", "pkcs12", "-export", "-nokeys", "-in", "in", "-passout", "pass:changeit", "-out", "out")
		}, want: "not marked as trusted (openssl pkcs12 -in store.p12 -nodes -out store.pem converts it)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := test.data
			if test.make != nil {
				data = test.make(t)
			}
			_, err := load(t, text, "$PATH", write(t, "store", data))
			require.ErrorContains(t, err, "config.yaml:2: ssl.trustStore.path: it ")
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// The certificate of a bot in the forms in which it arrives.
func TestCertificateForms(t *testing.T) {
	t.Parallel()
	bot := newCertificate("bot", systemCA)
	pod := start(t, symphonytest.WithTLS(), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: bot.Leaf}))
	pair := pairPEM(t, bot)
	reversed := append(pemOf(systemCA), pair[len(pemOf(bot)):]...)
	reversed = append(reversed, pemOf(bot)...)
	p12Pair := p12(t, func() ([]byte, error) {
		return pkcs12.Modern.Encode(bot.PrivateKey, bot.Leaf, []*x509.Certificate{systemCA.Leaf}, "changeit")
	})
	for _, test := range []struct {
		name string
		data []byte
		make func(*testing.T) []byte
	}{
		{name: "CA and key before the certificate", data: reversed},
		{name: "byte-order mark", data: append([]byte("\ufeff"), pair...)},
		{name: "indented", data: bytes.ReplaceAll(pair, []byte("\n"), []byte("\r\n  "))},
		{name: "openssl pkcs12 -nodes", make: func(t *testing.T) []byte {
			t.Helper()
			return command(t, map[string][]byte{"in": p12Pair}, "openssl", "pkcs12", "-in", "in", "-nodes", "-passin", "pass:changeit", "-out", "out")
		}},
		{name: "openssl pkcs12 -export", make: func(t *testing.T) []byte {
			t.Helper()
			return command(t, map[string][]byte{"in": pair}, "openssl", "pkcs12", "-export", "-in", "in", "-passout", "pass:changeit", "-out", "out")
		}},
		{name: "openssl pkcs12 -export -legacy", make: func(t *testing.T) []byte {
			t.Helper()
			return command(t, map[string][]byte{"in": pair}, "openssl", "pkcs12", "-export", "-legacy", "-in", "in", "-passout", "pass:changeit", "-out", "out")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := test.data
			if test.make != nil {
				data = test.make(t)
			}
			client := newClient(t, "{host: 127.0.0.1, port: $PORT, ssl: {trustStore: {path: $ROOTS}}, bot: {certificate: {path: $PATH, password: changeit}}}",
				"$PORT", port(t, pod.URL()), "$ROOTS", write(t, "roots.pem", podPEM(t, pod)), "$PATH", write(t, "bot", data))
			require.NoError(t, set(t, client))
		})
	}
}

// With GODEBUG=fips140=only, RC2, which older PKCS#12 files need, panics.
func TestParserPanics(t *testing.T) {
	t.Parallel()
	const marker = "BDKCONFIG_TEST_FIPS_STORE"
	if path := os.Getenv(marker); path != "" {
		_, err := load(t, "host: acme\nssl: {trustStore: {path: $PATH, password: changeit}}", "$PATH", path)
		require.ErrorContains(t, err, "config.yaml:2: ssl.trustStore.path: it is not a trust store in PEM or PKCS#12: the parser panicked; with GODEBUG=fips140=only")
		return
	}
	store := p12(t, func() ([]byte, error) { return pkcs12.LegacyRC2.EncodeTrustStore(certificates(), "changeit") })
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestParserPanics$", "-test.count=1")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", marker+"="+write(t, "store.p12", store))
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}
