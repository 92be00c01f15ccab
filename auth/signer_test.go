package auth_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

// faultySigner fails the first time in a way of its own.
type faultySigner struct {
	crypto.Signer
	fault func()
	once  sync.Once
}

func (s *faultySigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	first := false
	s.once.Do(func() { first = true })
	if first {
		s.fault()
	}
	return s.Signer.Sign(random, digest, opts)
}

// A signer that panics, or ends its goroutine, fails its login only.
func TestSignerPanics(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-pin"
	for _, test := range []struct {
		name  string
		fault func()
		says  string
	}{
		{"panic", func() { panic("PIN " + secret) }, "signing the JWT: it panicked with a string"},
		{"runtime error", func() { var none *faultySigner; none.fault() }, "it panicked: runtime error: invalid memory address"},
		{"ended goroutine", runtime.Goexit, "signing the JWT: it was broken off"}, // as require does in a test
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := start(t)
			tokens, err := auth.NewRSA(pod.LoginURL(), "bot", &faultySigner{Signer: rsaKey(), fault: test.fault}, symphony.WithHTTPClient(pod.Client()))
			require.NoError(t, err)
			_, err = tokens.SessionToken(t.Context())
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), secret)
			_, err = tokens.SessionToken(t.Context())
			require.NoError(t, err, "the next call logs in at once")
		})
	}
}

// The signer of a certificate is called on a goroutine of net/http.
func TestSignerOfACertificatePanics(t *testing.T) {
	t.Parallel()
	known := selfSigned(t)
	pod := start(t, symphonytest.WithTLS(), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: known.Leaf}))
	known.PrivateKey = &faultySigner{Signer: rsaKey(), fault: func() { panic("no token in the slot") }}
	tokens, err := auth.NewCertificate(pod.SessionAuthURL(), known, symphony.WithHTTPClient(pod.Client()),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = tokens.SessionToken(t.Context())
	require.ErrorContains(t, err, "it panicked with a string")
	_, err = tokens.SessionToken(t.Context())
	require.NoError(t, err)

	known.PrivateKey = opaque{} // its Public panics
	tokens, err = auth.NewCertificate(pod.SessionAuthURL(), known, symphony.WithHTTPClient(pod.Client()),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = tokens.SessionToken(t.Context())
	require.Error(t, err)
}

// A transport, middleware or observer may panic too.
func TestTransportPanics(t *testing.T) {
	t.Parallel()
	tokens := newRSA(t, "https://acme.symphony.com/login", symphony.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("no route") }),
	}))
	_, err := tokens.SessionToken(t.Context())
	require.ErrorContains(t, err, "it panicked with a string")
}

// A signer that hangs does not outlast the login's time limit; its late signature is
// not used.
func TestSignerHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		host := &loginHost{respond: numbered}
		release := make(chan struct{})
		tokens, err := auth.NewRSA("https://acme.symphony.com/login", "bot", &faultySigner{Signer: rsaKey(), fault: func() { <-release }},
			symphony.WithHTTPClient(&http.Client{Transport: host}))
		require.NoError(t, err)
		start := time.Now()
		_, err = tokens.SessionToken(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "signing the JWT: the login took longer than 60s")
		require.Equal(t, time.Minute, time.Since(start))
		token, err := tokens.SessionToken(t.Context())
		require.NoError(t, err, "the next call logs in at once")
		require.Equal(t, "I", token)
		close(release)
		synctest.Wait()
		require.Equal(t, 1, host.logins)
	})
}

// messageSigner signs messages only, as a key in a cloud service may.
type messageSigner struct{ crypto.Signer }

func (messageSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("only whole messages are signed")
}

func (s messageSigner) SignMessage(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	return crypto.SignMessage(s.Signer, random, message, opts)
}

func TestMessageSigner(t *testing.T) {
	t.Parallel()
	pod := start(t, symphonytest.WithTLS())
	tokens, err := auth.NewRSA(pod.LoginURL(), "bot", messageSigner{rsaKey()}, symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	_, err = tokens.SessionToken(t.Context())
	require.NoError(t, err)

	cert := selfSigned(t)
	server := startSessionAuth(t, "app")
	app, err := auth.NewCertificateApp(server.URL+"/sessionauth", tls.Certificate{Certificate: cert.Certificate, PrivateKey: messageSigner{rsaKey()}},
		symphony.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	_, err = app.User(42).SessionToken(t.Context())
	require.NoError(t, err)
}
