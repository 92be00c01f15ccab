package auth_test

import (
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/auth"
)

// Whatever stands in a key file, it is a key or an error.
func FuzzParseRSAPrivateKey(f *testing.F) {
	f.Add(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())))
	f.Add([]byte(`-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`))
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := auth.ParseRSAPrivateKey(text)
		require.Equal(t, key == nil, err != nil)
	})
}
