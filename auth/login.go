package auth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/symphony-go/symphony"
)

// jwtLifetime is the middle of the five minutes that a pod allows, so that a clock
// which is two minutes fast or slow still logs in.
const jwtLifetime = 150 * time.Second

// loginAnswer is the token in the answer of a login endpoint.
type loginAnswer string

// UnmarshalJSON takes {"name":"sessionToken","token":…}.
func (a *loginAnswer) UnmarshalJSON(data []byte) error {
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	if answer.Token == "" {
		return errors.New("a login without a token")
	}
	*a = loginAnswer(answer.Token)
	return nil
}

// post makes a login call. It may be repeated: it does no more than open a session.
func post(ctx context.Context, client *symphony.Client, path string, body any) (string, error) {
	var answer loginAnswer
	err := client.Do(ctx, symphony.Request{Operation: "Login", Method: http.MethodPost, Path: path, Body: body, Retryable: true}, &answer)
	return string(answer), err
}

// keyLogin is a login with a JWT: it says who logs in, signed with their key.
func keyLogin(client *symphony.Client, path, subject string, key crypto.Signer) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		token, err := signJWT(subject, key)
		if err != nil {
			return "", err
		}
		return post(ctx, client, path, map[string]string{"token": token})
	}
}

// signJWT makes a JWT as the login endpoints want it.
func signJWT(subject string, key crypto.Signer) (string, error) {
	token, err := jwt.NewWithClaims(rs512{jwt.SigningMethodRS512}, jwt.RegisteredClaims{
		Subject:   subject,
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(jwtLifetime)),
	}).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("symphony: signing the JWT: %w", err)
	}
	return token, nil
}

// rs512 is the library's RS512 for any signer, such as a key in an HSM.
type rs512 struct{ *jwt.SigningMethodRSA }

// Sign signs with a crypto.Signer.
func (m rs512) Sign(signingString string, key any) ([]byte, error) {
	hash := m.Hash.New()
	hash.Write([]byte(signingString))
	return key.(crypto.Signer).Sign(rand.Reader, hash.Sum(nil), m.Hash)
}

// newClient is a client of a login endpoint. An error for its URL names the
// argument as the caller knows it.
func newClient(argument, url, example string, tokens symphony.SessionTokenProvider, opts []symphony.Option) (*symphony.Client, error) {
	client, err := symphony.NewClient(url, tokens, opts...)
	if invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err); ok && invalid.Argument == "podURL" {
		invalid.Argument = argument
		invalid.Reason = strings.Replace(invalid.Reason, "/pod", example, 1)
	}
	return client, err
}

// checkKey refuses a key that cannot sign with RS512.
func checkKey(key crypto.Signer) error {
	if private, ok := key.(*rsa.PrivateKey); key == nil || ok && private == nil {
		return &symphony.InvalidArgumentError{Argument: "key", Reason: "it is nil; LoadRSAPrivateKey reads one"}
	}
	if _, ok := key.Public().(*rsa.PublicKey); !ok {
		return &symphony.InvalidArgumentError{Argument: "key", Reason: fmt.Sprintf("its public key is a %T; a pod takes RSA keys only", key.Public())}
	}
	return nil
}

// checkName refuses an empty name.
func checkName(argument, name string) error {
	if strings.TrimSpace(name) == "" {
		return &symphony.InvalidArgumentError{Argument: argument, Reason: "it is empty"}
	}
	return nil
}
