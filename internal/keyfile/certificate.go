package keyfile

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// TrustStore returns the certificates in PEM blocks, and a line for each block that
// cannot be used: it says which one, and why.
func TrustStore(blocks []Block) (certificates []*x509.Certificate, unusable []string) {
	for i, b := range blocks {
		c, err := b.Certificate()
		if err != nil {
			unusable = append(unusable, fmt.Sprintf("block %d of %d (%s) cannot be used: %v", i+1, len(blocks), b.name(), err))
			continue
		}
		certificates = append(certificates, c)
	}
	return certificates, unusable
}

// Certificate returns the certificate in a block.
func (b Block) Certificate() (*x509.Certificate, error) {
	switch {
	case b.Err != nil:
		return nil, b.Err
	case b.Type == "TRUSTED CERTIFICATE":
		return nil, errors.New("only OpenSSL reads it; openssl x509 -in trusted.pem -out certificate.pem converts it")
	case strings.HasPrefix(b.Type, "PKCS"), b.Type == "CMS":
		return nil, errors.New("openssl pkcs7 -print_certs -in certificates.p7b -out certificates.pem converts it")
	case b.Type != "CERTIFICATE" && b.Type != "X509 CERTIFICATE":
		return nil, errors.New("it is not a certificate")
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return nil, errors.New(printable(err.Error()))
	}
	return c, nil
}

// name is the type of a block, and the subject of a certificate even if the
// certificate cannot be parsed.
func (b Block) name() string {
	var certificate struct {
		TBS struct {
			Version      int `asn1:"optional,explicit,default:0,tag:0"`
			SerialNumber asn1.RawValue
			Algorithm    asn1.RawValue
			Issuer       asn1.RawValue
			Validity     asn1.RawValue
			Subject      pkix.RDNSequence
			Key          asn1.RawValue
		}
	}
	if _, err := asn1.Unmarshal(b.Bytes, &certificate); err != nil || !strings.HasSuffix(b.Type, "CERTIFICATE") {
		return b.Type
	}
	return printable(b.Type + " " + certificate.TBS.Subject.String())
}

// printable makes one line of at most 200 characters of text.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	return fmt.Sprintf("%.200s", text)
}
