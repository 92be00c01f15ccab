package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// IsCertificateError reports whether the certificate of the pod, or of a proxy before it, is
// not trusted. Another attempt does not help.
func IsCertificateError(err error) bool {
	var untrusted *tls.CertificateVerificationError
	var hostname x509.HostnameError
	return errors.As(err, &untrusted) || errors.As(err, &hostname) || isMissingAuthority(err) || errors.As(err, new(x509.CertificateInvalidError))
}

func isMissingAuthority(err error) bool {
	return errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.SystemRootsError))
}

// Explain adds to an error what to do about it, if the error does not say so itself.
func Explain(err error) error {
	if !isMissingAuthority(err) {
		return err
	}
	missing := "the CA certificates"
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && unknown.Cert != nil {
		missing = fmt.Sprintf("the CA certificate of %q", unknown.Cert.Issuer)
	}
	return fmt.Errorf("%w; this machine does not have %s: install it, or set SSL_CERT_FILE to a PEM file that has it (in a config.yaml: ssl.trustStore)", err, missing)
}
