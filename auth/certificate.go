package auth

import (
	"crypto/tls"

	"github.com/symphony-go/symphony"
)

// Certificate logs in with a client certificate that the pod knows. It is safe for
// concurrent use, and serves any number of clients.
type Certificate struct{ *session }

var _ symphony.SessionTokenRefresher = (*Certificate)(nil)

// NewCertificate returns a provider that logs in by POST
// {sessionAuthURL}/v1/authenticate over mutual TLS.
//
// The sessionAuthURL is the base URL of the session authentication API, often on a
// host or port of its own: https://acme-api.symphony.com:8444/sessionauth. The
// certificate is shown to that host only. An HTTP client among the options must have
// an *http.Transport, which is cloned. An argument that cannot work is an
// [*symphony.InvalidArgumentError]. Nothing is sent before the first token is needed.
//
// Source: "Bot Authentication Workflow",
// https://docs.developers.symphony.com/bots/authentication/certificate-authentication.
func NewCertificate(sessionAuthURL string, cert tls.Certificate, opts ...symphony.Option) (*Certificate, error) {
	session, err := certificateSession(sessionAuthURL, "/v1/authenticate", cert, opts)
	if err != nil {
		return nil, err
	}
	return &Certificate{session}, nil
}

// certificateSession returns a session that is opened with a certificate.
func certificateSession(sessionAuthURL, path string, cert tls.Certificate, opts []symphony.Option) (*session, error) {
	client, err := sessionAuthAPI.newClient(sessionAuthURL, symphony.NoSessionToken, withCertificate(cert, opts))
	if err != nil {
		return nil, err
	}
	return newSession(certificateLogin(client, path)), nil
}
