package keyfile_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/internal/keyfile"
)

// certificate makes a certificate for a key, signed by a parent or by itself.
func certificate(t testing.TB, name string, key *ecdsa.PrivateKey, parent *x509.Certificate, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// A pair begins with the leaf; each issuer follows what it issued, and the rest comes
// last.
func TestPairSortsTheChain(t *testing.T) {
	t.Parallel()
	rootKey, middleKey, leafKey := newKey(t), newKey(t), newKey(t)
	root := certificate(t, "root", rootKey, nil, nil)
	middle := certificate(t, "middle", middleKey, root, rootKey)
	leaf := certificate(t, "leaf", leafKey, middle, middleKey)
	other := certificate(t, "other", newKey(t), nil, nil)
	for _, order := range [][]*x509.Certificate{
		{leaf, middle, root, other}, {other, root, middle, leaf}, {root, leaf, other, middle}, {middle, other, root, leaf},
	} {
		pair, err := keyfile.Pair(leafKey, order)
		require.NoError(t, err)
		require.Equal(t, leaf, pair.Leaf)
		require.Equal(t, [][]byte{leaf.Raw, middle.Raw, root.Raw, other.Raw}, pair.Certificate)
	}
	_, err := keyfile.Pair(newKey(t), []*x509.Certificate{leaf})
	require.EqualError(t, err, "no certificate in it belongs to its private key")
}

// Whatever PEM bundle it is, each certificate in it is returned or named, and an error
// is one line without a private key.
func FuzzBlocks(f *testing.F) {
	key := newKey(f)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(f, err)
	c := certificate(f, "a\nb", key, nil, nil)
	bundle := append(block("CERTIFICATE", c.Raw), block("PRIVATE KEY", der)...)
	f.Add(bundle)
	f.Add(append([]byte("\ufeff  "), bundle...))
	f.Add(bytes.ReplaceAll(bundle, []byte("\n"), []byte(`\\n`)))
	f.Add(bundle[:len(bundle)-20])
	f.Add(append(block("PKCS7", c.Raw), block("TRUSTED CERTIFICATE", append(c.Raw, c.Raw...))...))
	f.Add(append([]byte{0xFF, 0xFE}, bundle...))
	f.Add(bytes.Replace(bundle, []byte("\n"), []byte("\nDEK-Info: AES-256-CBC,AA\n\n"), 1))
	f.Add(c.Raw)
	f.Add(der)
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks := append(keyfile.Blocks(data), keyfile.DERBlocks(data)...)
		certificates, unusable := keyfile.TrustStore(blocks)
		require.Len(t, blocks, len(certificates)+len(unusable))
		texts := append(unusable, string(keyfile.FormatOf(data)))
		for _, b := range blocks {
			if _, err := b.PrivateKey(); err != nil {
				texts = append(texts, err.Error())
			}
		}
		pair, err := keyfile.PEMPair(data)
		if err != nil {
			texts = append(texts, err.Error())
		} else {
			public := pair.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
			require.True(t, public.Equal(pair.PrivateKey.(crypto.Signer).Public()))
		}
		for _, text := range texts {
			require.NotContains(t, text, "\n")
			require.Less(t, len(text), 700)
			for _, b := range keyfile.Blocks(data) {
				if b.IsPrivateKey() && len(b.Bytes) > 16 {
					require.NotContains(t, text, string(b.Bytes))
				}
			}
		}
		if strings.Count(string(data), "-----BEGIN CERTIFICATE-----") > 0 && keyfile.Text(data) == string(data) {
			require.NotEmpty(t, blocks)
		}
	})
}
