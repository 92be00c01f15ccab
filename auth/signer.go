package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"

	"github.com/symphony-go/symphony"
)

// checkKey refuses a key that cannot sign with RS512.
func checkKey(key crypto.Signer) error {
	if isNil(key) {
		return &symphony.InvalidArgumentError{Argument: "key", Reason: "it is nil; LoadRSAPrivateKey reads one"}
	}
	public := safeSigner{key}.Public()
	if _, ok := public.(*rsa.PublicKey); !ok {
		return &symphony.InvalidArgumentError{Argument: "key", Reason: fmt.Sprintf("its public key is a %T; a pod accepts RSA keys only", public)}
	}
	return nil
}

// isNil reports whether a key is nil or a nil pointer.
func isNil(key crypto.Signer) bool {
	v := reflect.ValueOf(key)
	return key == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// safeSigner is a signer whose panics are errors: crypto/tls calls the signer of a
// certificate on a goroutine where no one else can recover.
type safeSigner struct{ crypto.Signer }

// Public implements [crypto.Signer]. It returns nil if the signer panics.
func (s safeSigner) Public() (key crypto.PublicKey) {
	defer func() { _ = recover() }()
	return s.Signer.Public()
}

// Sign implements [crypto.Signer].
func (s safeSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	defer recoverTo(&err)
	return s.Signer.Sign(random, digest, opts)
}

// SignMessage implements [crypto.MessageSigner].
func (s safeSigner) SignMessage(random io.Reader, message []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	defer recoverTo(&err)
	return crypto.SignMessage(s.Signer, random, message, opts)
}

// recoverTo turns a panic into an error. The error shows the type of the panic's value
// only, because the value may hold a secret; a runtime error is shown in full.
func recoverTo(err *error) {
	switch v := recover().(type) {
	case nil:
	case runtime.Error:
		*err = fmt.Errorf("it panicked: %w", v)
	default:
		*err = fmt.Errorf("it panicked with a %T", v)
	}
}

// guard calls f on a goroutine of its own. It returns what f returns, an error if f
// panics or ends its goroutine, and the cause of ctx if that ends first.
func guard[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errors.New("it was broken off")} // remains if f calls runtime.Goexit
		defer func() { done <- r }()
		defer recoverTo(&r.err)
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}
