package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The headers of a signed request.
const (
	headerTimestamp = "X-Phonebridge-Timestamp" // seconds since the Unix epoch
	headerSignature = "X-Phonebridge-Signature" // hex of HMAC-SHA256 over time stamp, "." and body
)

// tolerance is how far the clock of the telephone system may be off.
const tolerance = 5 * time.Minute

// envSecret names the environment variable with the shared secret.
const envSecret = "PHONEBRIDGE_SECRET"

// minSecret is how many bytes a shared secret must have.
const minSecret = 32

// signer signs and verifies requests with a shared secret.
type signer struct{ secret []byte }

func newSigner(secret string) (signer, error) {
	if len(secret) < minSecret {
		return signer{}, fmt.Errorf("%s has %d bytes; it must have at least %d, for example from: openssl rand -hex 32", envSecret, len(secret), minSecret)
	}
	return signer{[]byte(secret)}, nil
}

// String keeps the secret out of logs.
func (signer) String() string { return "signer" }

func (s signer) mac(timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// sign sets the headers of a request with this body.
func (s signer) sign(header http.Header, body []byte, now time.Time) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	header.Set(headerTimestamp, timestamp)
	header.Set(headerSignature, hex.EncodeToString(s.mac(timestamp, body)))
}

// verify returns the signature of a request that was signed with the secret a short time
// ago. Whether the request is a replay is for the store to say.
func (s signer) verify(header http.Header, body []byte, now time.Time) (signature []byte, err error) {
	timestamp := header.Get(headerTimestamp)
	signature, err = hex.DecodeString(header.Get(headerSignature))
	if err != nil || !hmac.Equal(signature, s.mac(timestamp, body)) {
		return nil, fmt.Errorf("%s is not the hex of HMAC-SHA256 over %s, \".\" and the body with the shared secret", headerSignature, headerTimestamp)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is not a number of seconds since the Unix epoch", headerTimestamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age.Abs() > tolerance {
		return nil, fmt.Errorf("%s is %v off; at most %v is accepted", headerTimestamp, age.Abs().Round(time.Second), tolerance)
	}
	return signature, nil
}

// errReplay means that this same request was accepted before.
var errReplay = errors.New("this request was accepted before; a repeated event needs a new time stamp")
