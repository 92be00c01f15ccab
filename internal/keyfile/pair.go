package keyfile

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// PEMPair returns the certificate chain and the private key in PEM text, in which they
// may stand in any order.
func PEMPair(data []byte) (tls.Certificate, error) {
	blocks := Blocks(data)
	if len(blocks) == 0 {
		format := FormatOf(data)
		return tls.Certificate{}, fmt.Errorf("it is not PEM but %s%s", format, format.ToPEM())
	}
	var key crypto.Signer
	var certificates []*x509.Certificate
	for i, b := range blocks {
		switch {
		case b.IsPrivateKey() && key == nil:
			var err error
			if key, err = b.PrivateKey(); err != nil {
				return tls.Certificate{}, err
			}
		case b.Type == "CERTIFICATE" || b.Type == "X509 CERTIFICATE" || b.Type == "TRUSTED CERTIFICATE":
			c, err := b.Certificate()
			if err != nil {
				return tls.Certificate{}, fmt.Errorf("block %d of %d (%s) cannot be used: %w", i+1, len(blocks), b.name(), err)
			}
			certificates = append(certificates, c)
		}
	}
	switch {
	case len(certificates) == 0:
		return tls.Certificate{}, fmt.Errorf("it holds %s and no certificate", Types(blocks))
	case key == nil:
		return tls.Certificate{}, fmt.Errorf("it holds %s and no private key", Types(blocks))
	}
	return Pair(key, certificates)
}

// Pair returns a key with its certificate and the chain above it.
func Pair(key crypto.Signer, certificates []*x509.Certificate) (tls.Certificate, error) {
	i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool {
		public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && public.Equal(key.Public())
	})
	if i < 0 {
		return tls.Certificate{}, errors.New("no certificate in it belongs to its private key")
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: certificates[i]}
	for _, c := range chain(i, certificates) {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}

// chain sorts certificates: first the leaf, which is at index i, then each issuer after
// what it issued, and last the certificates that do not belong to the chain.
func chain(i int, certificates []*x509.Certificate) []*x509.Certificate {
	certificates = slices.Clone(certificates)
	for next := range certificates {
		if i < 0 {
			break
		}
		certificates[next], certificates[i] = certificates[i], certificates[next]
		current := certificates[next]
		i = slices.IndexFunc(certificates[next+1:], func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, current.RawIssuer) })
		if i >= 0 {
			i += next + 1
		}
	}
	return certificates
}
