package cli

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

func TestCertificateErrors(t *testing.T) {
	t.Parallel()
	certificate := &x509.Certificate{Issuer: pkix.Name{CommonName: "Acme Proxy CA"}}
	for _, test := range []struct {
		name        string
		err         error
		explanation string // what is added
	}{
		{"unknown authority", x509.UnknownAuthorityError{Cert: certificate}, `; this machine does not have the CA certificate of "CN=Acme Proxy CA": install it, or set SSL_CERT_FILE`},
		{"unknown", x509.UnknownAuthorityError{}, "; this machine does not have the CA certificates: install"},
		{"no roots", x509.SystemRootsError{Err: errors.New("no file")}, "; this machine does not have the CA certificates: install"},
		{"other host", x509.HostnameError{Certificate: certificate, Host: "acme.symphony.com"}, ""},
		{"expired", x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{test.err, &tls.CertificateVerificationError{Err: test.err}} {
				err = fmt.Errorf("symphony: POST: %w", err)
				require.True(t, IsCertificateError(err))
				require.Equal(t, ExitFailed, ExitCode(t.Context(), err))
				explained := Explain(err)
				require.ErrorIs(t, explained, err)
				require.Contains(t, explained.Error(), err.Error()+test.explanation)
			}
		})
	}
	refused := errors.New("connection refused")
	require.False(t, IsCertificateError(refused))
	require.Equal(t, ExitLater, ExitCode(t.Context(), refused))
	require.Equal(t, refused, Explain(refused))
	require.NoError(t, Explain(nil))
}

func TestExplainForbidden(t *testing.T) {
	t.Parallel()
	gateway := fmt.Errorf("x: %w", &symphony.ForbiddenError{APIError: symphony.APIError{StatusCode: 403, Method: "POST", Message: "Access denied"}})
	explained := ExplainForbidden(gateway)
	require.ErrorIs(t, explained, gateway)
	require.Contains(t, explained.Error(), `Access denied; does the service user have the "User Provisioning" entitlement?`)
	require.Equal(t, explained, ExplainForbidden(explained), "once")
	other := errors.New("403")
	require.Equal(t, other, ExplainForbidden(other))
}
