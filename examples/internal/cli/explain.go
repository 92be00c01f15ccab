package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/symphony-go/symphony"
)

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

// ExplainForbidden adds to a 403 that is the first response of a pod what it usually means.
func ExplainForbidden(err error) error {
	const entitlement = `"User Provisioning"`
	var forbidden *symphony.ForbiddenError
	if !errors.As(err, &forbidden) || strings.Contains(err.Error(), entitlement) {
		return err
	}
	return fmt.Errorf("%w; does the service user have the %s entitlement?", err, entitlement)
}
