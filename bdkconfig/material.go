package bdkconfig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/symphony-go/symphony/auth"
)

// material is a key, a certificate or a trust store.
type material struct {
	value    // where the file names it
	data     []byte
	password value
}

// material reads what a section names, as NAME.path or NAME.content, or in the older
// form as NAMEPath or NAMEContent.
func (v value) material(name string) material {
	section := v.at(name)
	m := material{password: section.at("password")}
	if section.node == nil {
		m.password = v.at(name + "Password")
	}
	for _, source := range []struct {
		value
		read func(value, string) []byte
	}{
		{section.at("path"), value.readFile},
		{section.at("content"), value.decode},
		{v.at(name + "Path"), value.readFile},
		{v.at(name + "Content"), value.decode},
	} {
		text := source.text()
		if text == "" {
			continue
		}
		if m.node != nil {
			source.fail("there is %s already", m.key)
			break
		}
		m.value, m.data = source.value, source.read(source.value, text)
	}
	return m
}

// readFile reads the file that the value names. The error does not, for what stands
// in place of a path may be a key.
func (v value) readFile(path string) []byte {
	data, err := os.ReadFile(path) //nolint:gosec // the config names the file
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if err != nil {
		v.fail("the file cannot be read (a relative path starts at the working directory): %w", err)
	}
	return data
}

// decode takes PEM text as it is, and anything else as base64.
func (v value) decode(content string) []byte {
	if isPEM([]byte(content)) {
		return []byte(content)
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
	if err != nil {
		v.fail("it is neither PEM nor base64")
	}
	return data
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// rsaKey is the material as the key of a login.
func (m material) rsaKey() *rsa.PrivateKey {
	key, err := auth.ParseRSAPrivateKey(m.data)
	if err != nil {
		m.fail("%w", err)
	}
	return key
}

// keyPair is the material as the certificate of a login.
func (m material) keyPair() tls.Certificate {
	if isPEM(m.data) {
		pair, err := tls.X509KeyPair(m.data, m.data)
		if err != nil {
			m.fail("it does not hold a certificate and its private key, unencrypted: %w", err)
		}
		return pair
	}
	m.refuseJKS()
	key, leaf, chain, err := pkcs12.DecodeChain(m.data, m.password.text())
	if err != nil {
		m.refusePKCS12("certificate with its private key", err)
		return tls.Certificate{}
	}
	// The leaf is the one that belongs to the key, wherever it stands.
	chain = append([]*x509.Certificate{leaf}, chain...)
	i := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return belongs(c, key) })
	if i < 0 {
		m.fail("no certificate in it belongs to its private key")
		return tls.Certificate{}
	}
	pair := tls.Certificate{Certificate: [][]byte{chain[i].Raw}, PrivateKey: key, Leaf: chain[i]}
	for _, c := range slices.Delete(chain, i, i+1) {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair
}

// belongs reports whether a certificate is that of a key.
func belongs(c *x509.Certificate, key any) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(signer.Public())
}

// roots are the system's roots and the certificates of the material, nil when there
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
	if isPEM(m.data) {
		if !roots.AppendCertsFromPEM(m.data) {
			m.fail("it holds no certificate")
		}
		return roots
	}
	m.refuseJKS()
	for _, c := range m.trusted() {
		roots.AddCert(c)
	}
	return roots
}

// trusted are the certificates of a PKCS#12 file: of a Java trust store, or of a key
// with its chain.
func (m material) trusted() []*x509.Certificate {
	password := m.password.text()
	trusted, err := pkcs12.DecodeTrustStore(m.data, password)
	if err == nil {
		return trusted
	}
	_, leaf, chain, chainErr := pkcs12.DecodeChain(m.data, password)
	if chainErr != nil {
		m.refusePKCS12("trust store", err)
		return nil
	}
	return append(chain, leaf)
}

// refuseJKS refuses the older Java format, which nothing but Java reads.
func (m material) refuseJKS() {
	for _, magic := range []string{"\xFE\xED\xFE\xED", "\xCE\xCE\xCE\xCE"} { // JKS, JCEKS
		if bytes.HasPrefix(m.data, []byte(magic)) {
			m.fail("it is a Java keystore (JKS); wanted is PKCS#12, which this makes of it: " +
				"keytool -importkeystore -srckeystore store.jks -destkeystore store.p12 -deststoretype PKCS12")
		}
	}
}

// refusePKCS12 says what is wrong with a PKCS#12 file, or with its password.
func (m material) refusePKCS12(what string, err error) {
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		m.password.fail("it is missing or wrong: %w", err)
	case strings.HasPrefix(err.Error(), "pkcs12: error reading"): // a page of ASN.1 follows
		m.fail("it is not a %s in PEM or PKCS#12 (DER)", what)
	default:
		m.fail("it is not a %s in PEM or PKCS#12: %w", what, err)
	}
}
