package auth

import (
	"context"
	"crypto/tls"
	"slices"

	"github.com/symphony-go/symphony"
)

// Certificate logs in with a client certificate that the pod knows. It is safe for
// concurrent use, and serves any number of clients.
type Certificate struct{ *session }

var _ symphony.SessionTokenRefresher = (*Certificate)(nil)

// NewCertificate gives a provider that logs in by POST
// {sessionAuthURL}/v1/authenticate over mutual TLS. The sessionAuthURL is the session
// authentication API's base URL, often on a host or port of its own:
// https://acme-api.symphony.com:8444/sessionauth. Only that host is shown the
// certificate. Nothing is sent before the first token is asked for.
//
// An HTTP client among the options must have an *http.Transport; it is cloned.
//
// Source: "Bot Authentication Workflow",
// https://docs.developers.symphony.com/bots/authentication/certificate-authentication.
func NewCertificate(sessionAuthURL string, cert tls.Certificate, opts ...symphony.Option) (*Certificate, error) {
	opts = append(slices.Clip(opts), symphony.WithClientCertificate(cert))
	client, err := newClient("sessionAuthURL", sessionAuthURL, "/sessionauth", symphony.NoSessionToken, opts)
	if err != nil {
		return nil, err
	}
	return &Certificate{newSession(func(ctx context.Context) (string, error) {
		return post(ctx, client, "/v1/authenticate", nil) // a body or Content-Type would be answered with 401
	})}, nil
}
