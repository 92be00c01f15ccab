package symphony

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// NewTransport returns a new transport with this package's settings, to adjust and to pass
// to [WithHTTPClient]: the proxy from the environment, HTTP/2, a pool of idle connections
// that is large enough for many workers, and time limits for connecting.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: onProxyConnectResponse,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		// A ping finds a connection that a firewall forgot before an attempt times out on it.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConnsPerHost: 512,
		// A pod's headers are far below 8 KB, and they are searched for secrets.
		MaxResponseHeaderBytes: 256 << 10,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true, // the bodies are small
	}
}

// proxyError is a proxy's refusal to open a tunnel to the pod.
type proxyError struct {
	proxy  string // host and port, without credentials
	status int
	header http.Header
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s returned %d %s", e.proxy, e.status, http.StatusText(e.status))
}

func onProxyConnectResponse(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy.Host, response.StatusCode, response.Header}
}

// proxyRefusal returns the 407 of a proxy that asks for credentials before it opens a
// tunnel. A transport without onProxyConnectResponse reports it by its text only.
func proxyRefusal(err error) (response, bool) {
	proxy, ok := errors.AsType[*proxyError](err)
	switch {
	case ok && proxy.status == http.StatusProxyAuthRequired:
		return response{status: proxy.status, header: proxy.header, proxy: proxy.proxy}, true
	case err.Error() == http.StatusText(http.StatusProxyAuthRequired):
		return response{status: http.StatusProxyAuthRequired}, true
	}
	return response{}, false
}

// sender sends requests. It holds functions, so that no fmt verb prints a secret that is a
// field of somebody's RoundTripper.
type sender struct {
	roundTrip func(*http.Request) (*http.Response, error)
	proxy     func(*http.Request) string // host and port of the request's proxy, "" if it is not known
	closeIdle func()
}

// newSender returns a sender through a transport, and through what was put around it.
func newSender(transport, around http.RoundTripper) sender {
	s := sender{
		roundTrip: around.RoundTrip,
		proxy:     func(*http.Request) string { return "" },
		closeIdle: func() {},
	}
	if t, ok := transport.(*http.Transport); ok && t.Proxy != nil {
		s.proxy = func(r *http.Request) string {
			if proxy, err := t.Proxy(r); err == nil && proxy != nil {
				return proxy.Host
			}
			return ""
		}
	}
	if t, ok := transport.(interface{ CloseIdleConnections() }); ok {
		s.closeIdle = t.CloseIdleConnections
	}
	return s
}

// exchange sends a request and reads the response. The body of a 2xx is read whole if
// wanted.
func (s *sender) exchange(req *http.Request, wanted bool) response {
	r, err := s.roundTrip(req)
	switch {
	case err != nil:
		if refusal, ok := proxyRefusal(err); ok {
			if refusal.proxy == "" {
				refusal.proxy = s.proxy(req)
			}
			return refusal
		}
		return response{err: err}
	case r == nil:
		return response{err: errors.New("the HTTP transport returned neither a response nor an error")}
	}
	if r.Body == nil { // a mock's
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	if r.StatusCode < 100 { // net/http does not check it
		return response{err: fmt.Errorf("malformed HTTP status %03d", r.StatusCode)}
	}
	resp := response{status: r.StatusCode, header: r.Header}
	if resp.status == http.StatusProxyAuthRequired {
		resp.proxy = s.proxy(req)
	}
	// The body of a 101 is the connection itself, which no context ends.
	if r.Body == http.NoBody || resp.status == http.StatusSwitchingProtocols {
		return resp
	}
	wanted = wanted && resp.ok()
	limit := maxErrorBody
	if wanted {
		limit = maxBody
	}
	resp.body, resp.truncated, err = readBody(r, limit)
	if wanted {
		resp.err = err
	} else {
		resp.truncated = resp.truncated || err != nil
	}
	return resp
}

// readBody reads at most limit bytes of a body, and to its end if it can, so that the
// connection can be used again.
func readBody(r *http.Response, limit int) (body []byte, truncated bool, err error) {
	size := r.ContentLength
	if size <= 0 || size > maxErrorBody { // a mock may leave it 0 over a body
		size = 512
	}
	reader := io.Reader(r.Body)
	if encoding := r.Header.Get("Content-Encoding"); strings.EqualFold(encoding, "gzip") || strings.EqualFold(encoding, "x-gzip") {
		reader = &gzipReader{compressed: reader}
	}
	body = make([]byte, 0, size+1) // one more, so that the last read finds the end
	for empty := 0; len(body) <= limit; {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := reader.Read(body[len(body):min(cap(body), limit+1)])
		body = body[:len(body)+n]
		if empty++; n > 0 {
			empty = 0
		}
		switch {
		case err == io.EOF:
			return body, false, nil
		case err != nil:
			return body, false, err
		case empty == 100: // like package bufio
			return body, false, io.ErrNoProgress
		}
	}
	return body[:limit], true, nil
}

// gzipReader decompresses a body. It reads nothing before the first Read. Without
// compressed data it returns io.EOF.
type gzipReader struct {
	compressed io.Reader
	plain      *gzip.Reader
	err        error
}

func (g *gzipReader) Read(p []byte) (int, error) {
	if g.plain == nil && g.err == nil {
		g.plain, g.err = gzip.NewReader(g.compressed)
	}
	if g.err != nil {
		return 0, g.err
	}
	return g.plain.Read(p)
}

// A sendLimit bounds how often net/http sends the request of an attempt on its own. Over
// HTTP/2 it repeats a request that the server resets, and over HTTP/1.1 a request whose idle
// connection the server has closed, on new connections and without a bound of its own.
type sendLimit struct {
	most   int    // how often the request may be sent
	cancel func() // ends the attempt

	mu       sync.Mutex
	conns    int // connections that were chosen
	sent     int
	exceeded bool
}

// errSentTooOften is an attempt that the server ended again and again without a response.
var errSentTooOften = errors.New("the server closes its connections or streams without a response")

// roundTrip sends a request, at most as often as the limit says. A middleware may call it
// several times.
func (l *sendLimit) roundTrip(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.conns, l.sent = 0, 0
	l.mu.Unlock()
	r, err := transport.RoundTrip(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.exceeded {
		return nil, errSentTooOften
	}
	return r, err
}

// gotConn ends the attempt when the request is about to be sent once too often. It does not
// count a connection on which the request was not sent after all, unless that happens again
// and again.
func (l *sendLimit) gotConn(httptrace.GotConnInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns++; l.sent == l.most || l.conns > l.most+3 {
		l.exceeded = true
		l.cancel()
	}
}

func (l *sendLimit) wroteHeaders() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
}

// withAttemptTimeout returns the context of an attempt, which ends with ctx or when the
// attempt has taken too long; its cause is then timeout.
//
// Package context starts no timer where the parent reports an earlier deadline. A parent
// that reports a deadline and never ends would leave the attempt without a bound, so the
// parent's deadline is hidden, and reported by the result.
func withAttemptTimeout(ctx context.Context, timeout *attemptTimeoutError) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) > timeout.after {
		return context.WithTimeoutCause(ctx, timeout.after, timeout)
	}
	bounded, cancel := context.WithTimeoutCause(otherDeadline{ctx, time.Time{}}, timeout.after, timeout)
	return otherDeadline{bounded, deadline}, cancel
}

// otherDeadline is a context that reports a deadline of its own, or none.
type otherDeadline struct {
	context.Context
	deadline time.Time
}

// Deadline returns the deadline.
func (c otherDeadline) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// attemptTimeoutError is an attempt that took too long.
type attemptTimeoutError struct {
	after time.Duration
	cause error // the transport's error; nil if it says only that the context ended
}

// with returns the error with what the transport returned. context.Canceled is left out: it
// would be taken for the caller's cancellation.
func (e *attemptTimeoutError) with(cause error) error {
	if errors.Is(cause, context.Canceled) {
		cause = nil
	}
	return &attemptTimeoutError{e.after, cause}
}

func (e *attemptTimeoutError) Error() string   { return fmt.Sprintf("no response within %v", e.after) }
func (e *attemptTimeoutError) Timeout() bool   { return true }
func (e *attemptTimeoutError) Temporary() bool { return true }
func (e *attemptTimeoutError) Unwrap() []error {
	if e.cause == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.cause}
}

// withoutCancel returns err without context.Canceled among its causes: a transport ended
// its own context, not the caller's.
func withoutCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("the HTTP transport: " + err.Error())
	}
	return err
}
