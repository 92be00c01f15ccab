package auth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/symphony-go/symphony"
)

// jwtLifetime is the middle of the five minutes that a pod allows: a clock that is two
// minutes fast or slow still logs in.
const jwtLifetime = 150 * time.Second

// loginFunc logs in and returns the session token.
type loginFunc func(context.Context) (string, error)

// loginToken is the token in the response of a login endpoint.
type loginToken string

// UnmarshalJSON decodes {"name":"sessionToken","token":…}.
func (t *loginToken) UnmarshalJSON(data []byte) error {
	var response struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(data, &response); err != nil {
		return err
	}
	if response.Token == "" {
		return errors.New("a login without a token")
	}
	*t = loginToken(response.Token)
	return nil
}

// post calls a login endpoint. It may be retried: it only opens a session.
func post(ctx context.Context, client *symphony.Client, path string, body any) (string, error) {
	var token loginToken
	err := client.Do(ctx, symphony.Request{Operation: "Login", Method: http.MethodPost, Path: path, Body: body, Retryable: true}, &token)
	return string(token), err
}

// keyLogin returns a login with a JWT, which says who logs in and is signed with
// their key.
func keyLogin(client *symphony.Client, path, subject string, key crypto.Signer) loginFunc {
	return func(ctx context.Context) (string, error) {
		token, err := guard(ctx, func() (string, error) { return signJWT(subject, key) })
		if err != nil {
			return "", fmt.Errorf("symphony: signing the JWT: %w", err)
		}
		return post(ctx, client, path, map[string]string{"token": token})
	}
}

// certificateLogin returns a login with the certificate of the client. A body or a
// Content-Type would be refused with 401.
func certificateLogin(client *symphony.Client, path string) loginFunc {
	return func(ctx context.Context) (string, error) { return post(ctx, client, path, nil) }
}

func signJWT(subject string, key crypto.Signer) (string, error) {
	return jwt.NewWithClaims(rs512{jwt.SigningMethodRS512}, jwt.RegisteredClaims{
		Subject:   subject,
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(jwtLifetime)),
	}).SignedString(key)
}

// rs512 is the library's RS512 for any signer, such as a key in an HSM.
type rs512 struct{ *jwt.SigningMethodRSA }

// Sign signs with a crypto.Signer.
func (m rs512) Sign(signingString string, key any) ([]byte, error) {
	return crypto.SignMessage(key.(crypto.Signer), rand.Reader, []byte(signingString), m.Hash)
}

// The base URLs of the two login APIs.
var (
	loginAPI       = api{"loginURL", "https://acme.symphony.com/login"}
	sessionAuthAPI = api{"sessionAuthURL", "https://acme.symphony.com/sessionauth"}
)

// api is a login API: the argument that holds its base URL, and an example of one.
type api struct{ argument, example string }

// newClient returns a client of a login API.
func (a api) newClient(url string, tokens symphony.SessionTokenProvider, opts []symphony.Option) (*symphony.Client, error) {
	client, err := symphony.NewClient(url, tokens, opts...)
	if invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err); ok && invalid.Argument == "podURL" {
		return nil, &symphony.InvalidArgumentError{Argument: a.argument, Reason: "it is not an https:// URL without user info, query and fragment, such as " +
			a.example + " (http:// is allowed for loopback, or by WithPlaintextHTTP)"}
	}
	return client, err
}

// withCertificate returns options with a certificate for the login host.
func withCertificate(cert tls.Certificate, opts []symphony.Option) []symphony.Option {
	if signer, ok := cert.PrivateKey.(crypto.Signer); ok && !isNil(signer) {
		cert.PrivateKey = safeSigner{signer}
	}
	return append(slices.Clip(opts), symphony.WithClientCertificate(cert))
}

// checkName refuses a name that is empty, or that cannot be a name as it is written.
func checkName(argument, name string) error {
	reason := ""
	switch {
	case strings.TrimSpace(name) == "":
		reason = "it is empty"
	case strings.TrimSpace(name) != name:
		reason = "it begins or ends with a blank or a line break; was it read from a file without trimming?"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		reason = "it holds a line break or another control character, or is not UTF-8"
	default:
		return nil
	}
	return &symphony.InvalidArgumentError{Argument: argument, Reason: reason}
}

func isControl(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }
