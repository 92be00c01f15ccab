package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return der
}

func TestParseRSAPrivateKey(t *testing.T) {
	t.Parallel()
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))
	for name, text := range map[string][]byte{
		"PKCS#1":               pkcs1,
		"PKCS#8":               block("PRIVATE KEY", pkcs8(t, rsaKey())),
		"literal line breaks":  bytes.ReplaceAll(pkcs1, []byte("\n"), []byte(`\n`)),
		"literal CRLF":         bytes.ReplaceAll(pkcs1, []byte("\n"), []byte(`\r\n`)),
		"CRLF":                 bytes.ReplaceAll(pkcs1, []byte("\n"), []byte("\r\n")),
		"behind a certificate": append(block("CERTIFICATE", []byte("x")), pkcs1...),
		"with text around":     append(append([]byte("Bag Attributes\n"), pkcs1...), "more"...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := auth.ParseRSAPrivateKey(text)
			require.NoError(t, err)
			require.True(t, key.Equal(rsaKey()))

			path := filepath.Join(t.TempDir(), "key.pem")
			require.NoError(t, os.WriteFile(path, text, 0o600))
			key, err = auth.LoadRSAPrivateKey(path)
			require.NoError(t, err)
			require.True(t, key.Equal(rsaKey()))
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(ec)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	require.NoError(t, err)
	der := x509.MarshalPKCS1PrivateKey(rsaKey())
	for _, test := range []struct {
		name string
		text []byte
		says string
	}{
		{"empty", nil, "not PEM"},
		{"a path", []byte("/run/secrets/key.pem"), "not PEM"},
		{"DER", der, "not PEM"},
		{"cut off", block("RSA PRIVATE KEY", der)[:300], "not PEM"},
		{"public", block("PUBLIC KEY", public), "PUBLIC KEY and no private key"},
		{"certificate", block("CERTIFICATE", public), "CERTIFICATE"},
		{"EC, SEC 1", block("EC PRIVATE KEY", sec1), "EC PRIVATE KEY"},
		{"EC, PKCS#8", block("PRIVATE KEY", pkcs8(t, ec)), "ecdsa"},
		{"encrypted, PKCS#8", block("ENCRYPTED PRIVATE KEY", der), "encrypted"},
		{"encrypted, PKCS#1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}}), "encrypted"},
		{"broken PKCS#1", block("RSA PRIVATE KEY", der[:len(der)/2]), "broken"},
		{"PKCS#1 named PKCS#8", block("PRIVATE KEY", der), "broken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			key, err := auth.ParseRSAPrivateKey(test.text)
			require.Nil(t, key)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "PKCS#8", "what is wanted")
			for line := range strings.Lines(string(test.text)) {
				if line = strings.TrimSpace(line); len(line) > 40 && !strings.HasPrefix(line, "-") {
					require.NotContains(t, err.Error(), line[:20])
				}
			}
			var invalid *symphony.InvalidArgumentError
			require.ErrorAs(t, err, &invalid)

			path := filepath.Join(t.TempDir(), "key.pem")
			require.NoError(t, os.WriteFile(path, test.text, 0o600))
			_, err = auth.LoadRSAPrivateKey(path)
			require.ErrorContains(t, err, path)
			require.ErrorAs(t, err, &invalid)
		})
	}
	_, err = auth.LoadRSAPrivateKey(filepath.Join(t.TempDir(), "none.pem"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
