package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// Whatever stands in a key file, it is a key that reads the same when it is written
// again, or an error of one line that says what it is and shows none of it.
func FuzzParseRSAPrivateKey(f *testing.F) {
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(f, err)
	for _, key := range []any{rsaKey(), other} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(f, err)
		f.Add(block("PRIVATE KEY", der))
	}
	f.Add(pkcs1)
	f.Add(bytes.ReplaceAll(pkcs1, []byte("\n"), []byte(`\r\n`)))
	f.Add(append([]byte("Bag Attributes\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), pkcs1...))
	f.Add(bytes.Replace(pkcs1, []byte("\n"), []byte("\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AA\n\n"), 1))
	f.Add([]byte(`-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`))
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := auth.ParseRSAPrivateKey(text)
		if err == nil {
			again, err := auth.ParseRSAPrivateKey(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
			require.NoError(t, err)
			require.True(t, key.Equal(again))
			return
		}
		require.Nil(t, key)
		var refused *symphony.InvalidArgumentError
		require.ErrorAs(t, err, &refused)
		require.NotContains(t, err.Error(), "\n")
		if block, _ := pem.Decode(text); block != nil && len(block.Bytes) > 8 {
			require.NotContains(t, err.Error(), string(block.Bytes))
		}
	})
}
