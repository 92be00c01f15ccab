package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
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
