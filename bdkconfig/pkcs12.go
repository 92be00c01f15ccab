package bdkconfig

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/symphony-go/symphony/internal/keyfile"
)

// keyPair returns the material as the certificate of a login.
func (m material) keyPair() tls.Certificate {
	if keyfile.IsPEM(m.data) {
		pair, err := keyfile.PEMPair(m.data)
		if err != nil {
			m.fail("it is not a certificate with its private key in PEM: %w", err)
		}
		return pair
	}
	pair, err := m.pkcs12Pair()
	if err != nil {
		m.refuse("certificate with its private key", err)
	}
	return pair
}

func (m material) pkcs12Pair() (pair tls.Certificate, err error) {
	defer recoverTo(&err)
	key, leaf, chain, err := pkcs12.DecodeChain(m.data, m.password.text())
	if err != nil {
		return tls.Certificate{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, errors.New("its private key cannot sign")
	}
	return keyfile.Pair(signer, append(chain, leaf))
}

// roots returns the system's roots with the certificates of the material, nil if there
// is none.
func (m material) roots() *x509.CertPool {
	if m.node == nil {
		return nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		m.fail("it cannot be added to the system's roots: %w", err)
		return nil
	}
	for _, c := range m.trusted() {
		roots.AddCert(c)
	}
	return roots
}

// trusted returns the certificates of a trust store. Those that cannot be used are
// named by warnings, or by an error if there are no others.
func (m material) trusted() []*x509.Certificate {
	blocks := keyfile.Blocks(m.data)
	if len(blocks) == 0 {
		blocks = keyfile.DERBlocks(m.data)
	}
	if len(blocks) == 0 {
		certificates, err := m.pkcs12Certificates()
		if err != nil {
			m.refuse("trust store", err)
		}
		return certificates
	}
	certificates, unusable := keyfile.TrustStore(blocks)
	if len(certificates) == 0 {
		m.fail("it holds no certificate that can be used: %s", strings.Join(unusable, "; "))
		return nil
	}
	for _, problem := range unusable {
		m.warn("%s", problem)
	}
	return certificates
}

// pkcs12Certificates returns the certificates of a Java trust store, or of a key with
// its chain.
func (m material) pkcs12Certificates() (certificates []*x509.Certificate, err error) {
	defer recoverTo(&err)
	password := m.password.text()
	certificates, err = pkcs12.DecodeTrustStore(m.data, password)
	if err == nil {
		return certificates, nil
	}
	_, leaf, chain, chainErr := pkcs12.DecodeChain(m.data, password)
	if chainErr != nil {
		return nil, fmt.Errorf("%w%s", err, keyfile.PKCS12.ToPEM())
	}
	return append(chain, leaf), nil
}

// refuse says what is wrong with material that is not PEM, or with its password.
func (m material) refuse(what string, err error) {
	format := keyfile.FormatOf(m.data)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		m.password.fail("it is missing or wrong: %w", err)
	case format != keyfile.PKCS12:
		m.fail("it is not a %s in PEM or PKCS#12 but %s%s", what, format, format.ToPEM())
	case strings.HasPrefix(err.Error(), "pkcs12: error reading"): // a page of ASN.1 follows
		m.fail("it is not a %s in PEM or PKCS#12 but broken or in BER%s", what, format.ToPEM())
	default:
		m.fail("it is not a %s in PEM or PKCS#12: %w", what, err)
	}
}
