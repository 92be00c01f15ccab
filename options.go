package symphony

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

const defaultAttemptTimeout = 30 * time.Second

// settings are what the options of a client say.
type settings struct {
	httpClient     *http.Client
	policy         RetryPolicy
	attemptTimeout time.Duration
	logger         *slog.Logger
	userAgent      string
	header         http.Header
	certificate    *tls.Certificate
	rate           float64 // calls a second, infinite without a limit
	plaintext      bool
}

// Option sets how a [Client] works. The order of options does not matter, but
// that of two that set the same thing the last one holds.
type Option func(*settings) error

// apply reads the options into settings that hold together.
func apply(opts []Option) (*settings, error) {
	s := &settings{attemptTimeout: defaultAttemptTimeout, header: http.Header{}, rate: math.Inf(1)}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			return nil, err
		}
	}
	s.policy = s.policy.withDefaults()
	if s.policy.MinBackoff > s.policy.MaxBackoff {
		return nil, &InvalidArgumentError{"WithRetryPolicy", fmt.Sprintf(
			"MinBackoff (%v) is above MaxBackoff (%v); a zero field means its default, so set both",
			s.policy.MinBackoff, s.policy.MaxBackoff)}
	}
	return s, nil
}

// WithHTTPClient sends through a client of yours: a proxy, a trust store, tracing
// go here. Start from [NewTransport] to keep this package's settings:
//
//	transport := symphony.NewTransport()
//	transport.TLSClientConfig.RootCAs = pool
//	symphony.WithHTTPClient(&http.Client{Transport: transport})
//
// The client is copied, never modified; a nil Transport becomes NewTransport. Its
// Timeout bounds each try, like [WithAttemptTimeout]; the shorter one holds. Its
// CheckRedirect is not asked, because redirects are never followed.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) error {
		s.httpClient = client
		return nil
	}
}

// WithRetryPolicy sets how often, and after which waits, a call is tried again.
func WithRetryPolicy(policy RetryPolicy) Option {
	return func(s *settings) error {
		if policy.MaxAttempts < 0 || policy.MinBackoff < 0 || policy.MaxBackoff < 0 || policy.MaxRetryAfter < 0 {
			return &InvalidArgumentError{"WithRetryPolicy", fmt.Sprintf("a field is negative: %+v", policy)}
		}
		s.policy = policy
		return nil
	}
}

// WithAttemptTimeout bounds one try of a call, until its answer is read; the
// default is 30 s. The call as a whole is bounded by its context.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return &InvalidArgumentError{"WithAttemptTimeout", fmt.Sprintf("%v is not above 0", timeout)}
		}
		s.attemptTimeout = timeout
		return nil
	}
}

// WithRateLimit sends at most perSecond calls a second, evenly spaced, retries
// included. It is for those who know their limit: a client learns it from the first
// 429 too, see "Throttling" in the package documentation. A call that cannot be sent
// before its context's deadline fails at once with a [*RateLimitError].
func WithRateLimit(perSecond float64) Option {
	return func(s *settings) error {
		if !(perSecond > 0) { // nor is it a number
			return &InvalidArgumentError{"WithRateLimit", fmt.Sprintf("%v calls a second is not above 0", perSecond)}
		}
		s.rate = perSecond
		return nil
	}
}

// WithLogger logs each attempt at Debug and each retry at Warn, with method,
// path, status, trace id, and the pace in calls a second where there is one; never a
// token, a header or a body. The default, and nil, is silence.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) error {
		s.logger = logger
		return nil
	}
}

// WithUserAgent puts a product, such as "phone-presence/2.1", before this
// package's own in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(s *settings) error {
		if !validHeaderValue(product) {
			return &InvalidArgumentError{"WithUserAgent", "it holds a line break or another control character"}
		}
		s.userAgent = strings.TrimSpace(product)
		return nil
	}
}

// WithHeader sends a header with every request, for a gateway in front of the
// pod. The headers that this package sets itself are refused: sessionToken, Host,
// Accept, User-Agent, X-Trace-Id and those that begin with Content-.
func WithHeader(name, value string) Option {
	return func(s *settings) error {
		key := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !validHeaderName(name):
			return &InvalidArgumentError{"WithHeader", fmt.Sprintf("%q is not a header name", line(name, maxTraceID))}
		case strings.HasPrefix(key, "Content-") || slices.Contains(
			[]string{headerSessionToken, "Host", headerAccept, headerUserAgent, headerTraceID}, key):
			return &InvalidArgumentError{"WithHeader", key + " is set by the SDK itself"}
		case !validHeaderValue(value):
			return &InvalidArgumentError{"WithHeader", "the value of " + key + " holds a line break or another control character"}
		}
		s.header.Set(key, value)
		return nil
	}
}

// WithClientCertificate shows a certificate to a gateway that asks for one. It is
// not a login: for that see package auth. It is set on a clone of the transport,
// which must be an *http.Transport.
func WithClientCertificate(certificate tls.Certificate) Option {
	return func(s *settings) error {
		if len(certificate.Certificate) == 0 || certificate.PrivateKey == nil {
			return &InvalidArgumentError{"WithClientCertificate", "it needs a certificate and its private key; see tls.LoadX509KeyPair"}
		}
		s.certificate = &certificate
		return nil
	}
}

// WithPlaintextHTTP allows a base URL with http:// to a host that is not
// loopback. A session token is a password: use it only where the network between
// is trusted.
func WithPlaintextHTTP() Option {
	return func(s *settings) error {
		s.plaintext = true
		return nil
	}
}

// lentClient is the HTTP client to work with, a copy that may be changed, and its
// transport.
func (s *settings) lentClient() (*http.Client, http.RoundTripper, error) {
	client := http.Client{}
	if s.httpClient != nil {
		client = *s.httpClient
	}
	if client.Transport == nil {
		client.Transport = NewTransport()
	}
	if s.certificate == nil {
		return &client, client.Transport, nil
	}
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		return nil, nil, &InvalidArgumentError{"WithClientCertificate", fmt.Sprintf(
			"it needs an *http.Transport, and the HTTP client has a %T", client.Transport)}
	}
	transport = transport.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.Certificates = []tls.Certificate{*s.certificate}
	transport.TLSClientConfig.GetClientCertificate = nil // which would be asked instead
	return &client, transport, nil
}

// requestHeader is the header that every request has.
func (s *settings) requestHeader() http.Header {
	header := maps.Clone(s.header)
	header[headerAccept] = []string{contentTypeJSON}
	header[headerUserAgent] = []string{strings.TrimSpace(s.userAgent + " " + ownUserAgent())}
	return header
}

type traceIDKey struct{}

// ContextWithTraceID makes calls with the context send traceID as X-Trace-Id,
// instead of six random characters: Symphony support finds a call by it. A trace
// id that is not printable ASCII, is empty or has more than 64 bytes is ignored.
func ContextWithTraceID(ctx context.Context, traceID string) context.Context {
	return context.WithValue(ctx, traceIDKey{}, traceID)
}
