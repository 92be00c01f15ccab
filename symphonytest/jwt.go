package symphonytest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxJWTLifetime is how far ahead of the pod's clock a JWT may expire.
const maxJWTLifetime = 5 * time.Minute

// verifyJWT checks a JWT as the login does: it is signed by RS512 with the key of its
// subject, and expires within five minutes. It returns the subject.
func verifyJWT(token string, now time.Time, keyOf func(subject string) *rsa.PublicKey) (subject string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the token is not a JWT")
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Subject string   `json:"sub"`
		Expires *float64 `json:"exp"` // seconds since the Unix epoch
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil {
		return "", errors.New("the token is not a JWT")
	}
	if header.Algorithm != "RS512" {
		return "", fmt.Errorf("the token is signed by %.20q, not by RS512", header.Algorithm)
	}
	key := keyOf(claims.Subject)
	if key == nil {
		return "", errors.New("no key is known for the subject")
	}
	digest := sha512.Sum512([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA512, digest[:], signature); err != nil {
		return "", errors.New("the signature of the token is not valid")
	}
	if claims.Expires == nil {
		return "", errors.New("the token has no expiry")
	}
	switch left := *claims.Expires - float64(now.UnixMilli())/1000; {
	case left <= 0:
		return "", errors.New("the token has expired")
	case left > maxJWTLifetime.Seconds():
		return "", fmt.Errorf("the token expires more than %v ahead", maxJWTLifetime)
	}
	return claims.Subject, nil
}

// decodePart decodes the header or the claims of a JWT.
func decodePart(part string, out any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
