package auth

import (
	"crypto"

	"github.com/symphony-go/symphony"
)

// RSA logs in with an RSA key whose public half the pod knows. It is safe for
// concurrent use, and serves any number of clients.
type RSA struct{ *session }

var _ symphony.SessionTokenRefresher = (*RSA)(nil)

// NewRSA returns a provider that logs in by POST {loginURL}/pubkey/authenticate.
//
// The loginURL is the base URL of the login API, https://acme.symphony.com/login. The
// username is that of the service user. The key is an RSA key: an *rsa.PrivateKey, or
// a signer whose key stays in an HSM. An argument that cannot work is an
// [*symphony.InvalidArgumentError]. Nothing is sent before the first token is needed.
//
// Source: "RSA Bot Authentication Workflow",
// https://docs.developers.symphony.com/bots/authentication/rsa-authentication.
func NewRSA(loginURL, username string, key crypto.Signer, opts ...symphony.Option) (*RSA, error) {
	session, err := keySession(loginURL, "/pubkey/authenticate", "username", username, key, opts)
	if err != nil {
		return nil, err
	}
	return &RSA{session}, nil
}

// keySession returns a session that is opened with a key.
func keySession(loginURL, path, argument, subject string, key crypto.Signer, opts []symphony.Option) (*session, error) {
	if err := checkName(argument, subject); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	client, err := loginAPI.newClient(loginURL, symphony.NoSessionToken, opts)
	if err != nil {
		return nil, err
	}
	return newSession(keyLogin(client, path, subject, key)), nil
}
