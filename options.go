package symphony

import (
	"context"
	"crypto/tls"
	"fmt"
	"go/version"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/textproto"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
)

// sdkVersion is the version of this package, for the User-Agent.
const sdkVersion = "0.1.0"

const defaultAttemptTimeout = 30 * time.Second

// settings are what the options of a client set.
type settings struct {
	httpClient     *http.Client
	middleware     []func(http.RoundTripper) http.RoundTripper // the first is the outermost
	observers      []func(context.Context, Attempt)
	policy         RetryPolicy
	attemptTimeout time.Duration
	logger         *slog.Logger
	userAgent      string
	header         http.Header
	certificate    *tls.Certificate
	rate           float64 // requests a second; +Inf for no limit
	plaintext      bool
}

// Option sets how a [Client] works. Options may come in any order; if two set the same
// thing, the last one wins. [WithObserver] and [WithMiddleware] can be used several times.
type Option func(*settings) error

// Options combines several options into one, for packages that offer an option.
func Options(opts ...Option) Option {
	return func(s *settings) error {
		for _, opt := range opts {
			if opt == nil {
				continue
			}
			if err := opt(s); err != nil {
				return err
			}
		}
		return nil
	}
}

// apply returns the settings that the options make.
func apply(opts []Option) (*settings, error) {
	s := &settings{attemptTimeout: defaultAttemptTimeout, header: http.Header{}, rate: math.Inf(1)}
	if err := Options(opts...)(s); err != nil {
		return nil, err
	}
	s.policy = s.policy.withDefaults()
	if s.policy.MinBackoff > s.policy.MaxBackoff {
		return nil, &InvalidArgumentError{"WithRetryPolicy", fmt.Sprintf(
			"MinBackoff (%v) is above MaxBackoff (%v); a zero field means its default, so set both",
			s.policy.MinBackoff, s.policy.MaxBackoff)}
	}
	return s, nil
}

// WithHTTPClient sends requests through client, for example to set a proxy or a trust store.
// Start from [NewTransport] to keep this package's settings:
//
//	transport := symphony.NewTransport()
//	transport.TLSClientConfig.RootCAs = pool
//	symphony.WithHTTPClient(&http.Client{Transport: transport})
//
// The client is copied, never modified; a nil Transport becomes NewTransport. Its Timeout
// bounds each attempt, like [WithAttemptTimeout]; the shorter one applies. Its CheckRedirect
// is not used, because redirects are never followed. Its Transport should send each request
// once; a RoundTripper that repeats requests belongs in [WithMiddleware].
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) error {
		s.httpClient = client
		return nil
	}
}

// WithMiddleware puts a RoundTripper around each attempt: to sign requests, to trace them,
// to add the headers of a gateway. The middleware is called once for each client; the
// RoundTripper that it returns calls next. The middleware of the first option is the outermost.
//
// The request has all headers that are sent, and [AttemptFromContext] returns its attempt. A
// middleware that sends a request several times is not bounded by the [RetryPolicy].
func WithMiddleware(middleware func(next http.RoundTripper) http.RoundTripper) Option {
	return func(s *settings) error {
		if middleware != nil {
			s.middleware = append(s.middleware, middleware)
		}
		return nil
	}
}

// WithObserver calls observe after each attempt of a call, on the call's goroutine, when it
// is known whether another attempt follows. The context is the call's. If the option is
// given several times, all observers are called, in order.
func WithObserver(observe func(context.Context, Attempt)) Option {
	return func(s *settings) error {
		if observe != nil {
			s.observers = append(s.observers, observe)
		}
		return nil
	}
}

// WithRetryPolicy sets how often a call is sent, and how long it waits between attempts.
func WithRetryPolicy(policy RetryPolicy) Option {
	return func(s *settings) error {
		if policy.MaxAttempts < 0 || policy.MinBackoff < 0 || policy.MaxBackoff < 0 || policy.MaxRetryAfter < 0 {
			return &InvalidArgumentError{"WithRetryPolicy", fmt.Sprintf("a field is negative: %+v", policy)}
		}
		s.policy = policy
		return nil
	}
}

// WithAttemptTimeout bounds one attempt of a call, until its response is read; the default
// is 30 s. The context of a call bounds the call as a whole.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return &InvalidArgumentError{"WithAttemptTimeout", fmt.Sprintf("%v is not above 0", timeout)}
		}
		s.attemptTimeout = timeout
		return nil
	}
}

// WithRateLimit sends at most perSecond requests a second, retries included, with bursts of
// at most a tenth of that (at least one). It is for those who know their limit; without it
// the client learns the limit from the pod's 429 responses, see "Rate limits" in the package
// documentation. A call that cannot be sent before its context's deadline fails at once with
// a [*RateLimitError].
func WithRateLimit(perSecond float64) Option {
	return func(s *settings) error {
		if !(perSecond > 0) { // also false for NaN
			return &InvalidArgumentError{"WithRateLimit", fmt.Sprintf("%v requests a second is not above 0", perSecond)}
		}
		s.rate = perSecond
		return nil
	}
}

// WithLogger logs each attempt at Debug, and each attempt that is followed by another at Warn,
// with operation, attempt, status, duration, user id and trace id; never a token, a header
// or a body. Without this option, or with nil, nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) error {
		s.logger = logger
		return nil
	}
}

// WithUserAgent puts a product, such as "phone-presence/2.1", before this package's own in
// the User-Agent header.
func WithUserAgent(product string) Option {
	return func(s *settings) error {
		if !validHeaderValue(product) {
			return &InvalidArgumentError{"WithUserAgent", "it holds a line break or another control character"}
		}
		s.userAgent = strings.TrimSpace(product)
		return nil
	}
}

// Headers that WithHeader refuses, besides those that begin with Content- or Proxy-.
var (
	ownHeaders      = []string{headerSessionToken, "Host", headerAccept, headerAcceptEncoding, headerUserAgent, headerTraceID}
	hopByHopHeaders = []string{"Connection", "Transfer-Encoding", "Upgrade", "Te", "Trailer", "Keep-Alive"}
)

// WithHeader sends a header with every request, for a gateway in front of the pod. It
// refuses the headers that this package sets (sessionToken, Host, Accept, Accept-Encoding,
// User-Agent, X-Trace-Id and those that begin with Content-) and hop-by-hop headers
// (Connection, Transfer-Encoding, Upgrade, TE, Trailer, Keep-Alive and those that begin with
// Proxy-).
func WithHeader(name, value string) Option {
	return func(s *settings) error {
		key := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !validHeaderName(name):
			return &InvalidArgumentError{"WithHeader", fmt.Sprintf("%q is not a header name", line(name, maxTraceID))}
		case strings.HasPrefix(key, "Content-") || slices.Contains(ownHeaders, key):
			return &InvalidArgumentError{"WithHeader", key + " is set by the SDK itself"}
		case strings.HasPrefix(key, "Proxy-") || slices.Contains(hopByHopHeaders, key):
			return &InvalidArgumentError{"WithHeader", key + " concerns one connection only, which the HTTP transport manages"}
		case !validHeaderValue(value):
			return &InvalidArgumentError{"WithHeader", "the value of " + key + " holds a line break or another control character"}
		}
		s.header.Set(key, value)
		return nil
	}
}

// WithClientCertificate presents a certificate to a gateway that asks for one. It is not a
// login: for that see package auth. The certificate is set on a clone of the transport, which
// must be an *http.Transport without DialTLSContext and DialTLS. Connections made with the
// certificate never carry requests of the original transport.
func WithClientCertificate(certificate tls.Certificate) Option {
	return func(s *settings) error {
		if len(certificate.Certificate) == 0 || isNil(certificate.PrivateKey) {
			return &InvalidArgumentError{"WithClientCertificate", "it needs a certificate and its private key; see tls.LoadX509KeyPair"}
		}
		s.certificate = &certificate
		return nil
	}
}

// WithPlaintextHTTP allows a base URL with http:// to a host that is not loopback. A session
// token is a password: use this option only if the whole network up to that host is trusted.
func WithPlaintextHTTP() Option {
	return func(s *settings) error {
		s.plaintext = true
		return nil
	}
}

// sender returns what sends the requests of the client.
func (s *settings) sender() (sender, error) {
	client := &http.Client{}
	if s.httpClient != nil {
		client = s.httpClient
	}
	if client.Timeout > 0 {
		s.attemptTimeout = min(s.attemptTimeout, client.Timeout)
	}
	transport := client.Transport
	switch {
	case transport == nil:
		transport = NewTransport()
	case isNil(transport):
		return sender{}, &InvalidArgumentError{"WithHTTPClient", fmt.Sprintf("its Transport is a nil %T; leave it nil, or set an *http.Transport", transport)}
	}
	if s.certificate != nil {
		var err error
		if transport, err = withCertificate(transport, *s.certificate); err != nil {
			return sender{}, err
		}
	}
	around := bounded(transport)
	for _, middleware := range slices.Backward(s.middleware) {
		if around = middleware(around); isNil(around) {
			return sender{}, &InvalidArgumentError{"WithMiddleware", "the middleware returned a nil RoundTripper"}
		}
	}
	if client.Jar != nil {
		around = withCookies(around, client.Jar)
	}
	return newSender(transport, around), nil
}

// withCertificate returns a clone of a transport that presents a certificate.
func withCertificate(transport http.RoundTripper, certificate tls.Certificate) (http.RoundTripper, error) {
	refuse := func(reason string) (http.RoundTripper, error) {
		return nil, &InvalidArgumentError{"WithClientCertificate", reason}
	}
	original, ok := transport.(*http.Transport)
	if !ok {
		return refuse(fmt.Sprintf("it needs an *http.Transport, and the HTTP client has a %T", transport))
	}
	if original.DialTLSContext != nil || original.DialTLS != nil { //nolint:staticcheck // deprecated, and still in use
		return refuse("the transport's DialTLSContext or DialTLS makes the TLS connections and would not present it; set DialContext and TLSClientConfig instead")
	}
	clone := original.Clone()
	if clone.TLSClientConfig == nil {
		clone.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	clone.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	clone.TLSClientConfig.GetClientCertificate = nil // it would take precedence
	if len(clone.TLSNextProto) > 0 {
		// x/net/http2 keeps its connections here, which Clone shares with the original.
		clone.TLSNextProto = nil
		clone.ForceAttemptHTTP2 = true
	}
	return clone, nil
}

// bounded returns a transport that sends the request of an attempt as often as the attempt
// allows, at most.
func bounded(transport http.RoundTripper) http.RoundTripper {
	return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		state, ok := r.Context().Value(attemptKey{}).(*attemptState)
		if !ok { // a middleware has replaced the context
			return transport.RoundTrip(r)
		}
		return state.limit.roundTrip(transport, r)
	})
}

// withCookies returns a transport that keeps cookies in a jar, as an http.Client does.
func withCookies(transport http.RoundTripper, jar http.CookieJar) http.RoundTripper {
	return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		for _, cookie := range jar.Cookies(r.URL) {
			r.AddCookie(cookie)
		}
		response, err := transport.RoundTrip(r)
		if response != nil {
			if cookies := response.Cookies(); len(cookies) > 0 {
				jar.SetCookies(r.URL, cookies)
			}
		}
		return response, err
	})
}

// requestHeader returns the header that every request has.
func (s *settings) requestHeader() http.Header {
	header := maps.Clone(s.header)
	header[headerAccept] = []string{contentTypeJSON}
	header[headerAcceptEncoding] = []string{"identity"} // the bodies are small
	header[headerUserAgent] = []string{strings.TrimSpace(s.userAgent + " " + userAgent())}
	return header
}

// userAgent returns "symphony-go/VERSION (go1.26; linux/amd64)".
func userAgent() string {
	return fmt.Sprintf("symphony-go/%s (%s; %s/%s)", sdkVersion, version.Lang(runtime.Version()), runtime.GOOS, runtime.GOARCH)
}

// validHeaderName reports whether s is a token of RFC 9110.
func validHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&'*+-.^_`|~", r) &&
			(r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}
