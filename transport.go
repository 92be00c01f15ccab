package symphony

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	maxBody      = 16 << 20 // bytes read of an answer
	maxErrorBody = 64 << 10 // bytes read of an answer that is an error, or that nobody wants
)

// NewTransport is a new transport with this package's settings, to adjust and to
// lend with [WithHTTPClient]: the proxy from the environment, HTTP/2, an idle pool
// that serves many workers, and no wait without an end.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: onProxyConnectResponse,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		// A connection that a firewall forgot is found out before an attempt times out on it.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConnsPerHost: 512,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true, // the answers are small
	}
}

// proxyError is a proxy's refusal to open a tunnel to the pod.
type proxyError struct {
	proxy  string // host and port, without credentials
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s answered %d %s", e.proxy, e.status, http.StatusText(e.status))
}

func onProxyConnectResponse(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy.Host, response.StatusCode}
}

// outcome is what one attempt brought: an answer, or the error in its place. A 2xx
// may have both, when its body broke off.
type outcome struct {
	status int // 0 without an answer
	header http.Header
	body   []byte
	cut    bool // there was more of the body
	err    error
	proxy  string // who wants credentials, when the status is 407
	final  bool   // there is no time for another attempt
}

// attempts is the RoundTripper under go-retryablehttp and http.Client: it makes one
// attempt, bounded in time and in size, and leaves the outcome in the call.
//
// What it hands up is always an empty 200. So http.Client sees no redirect to follow
// with the session token, and go-retryablehttp no failure after which to close the
// idle connections of other calls; it also always has a response to find the call by.
// It has no method CloseIdleConnections for the same reason.
type attempts struct {
	base     http.RoundTripper
	throttle *throttle
	timeouts *timeouts
	logger   *slog.Logger // nil for none
}

func (t *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	call := callOf(req.Context())
	if !call.replay {
		if err := t.make(call, req, req.Header); err != nil {
			return nil, err
		}
	}
	call.replay = false
	return &http.Response{StatusCode: http.StatusOK, Header: call.last.header, Body: http.NoBody, Request: req}, nil
}

// make makes an attempt with a copy of a request. Its error is that of a context that
// ended.
func (t *attempts) make(call *call, template *http.Request, header http.Header) error {
	turn, ok, err := t.throttle.wait(call)
	if err == nil {
		err = call.Err()
	}
	switch {
	case err != nil:
		return err
	case !ok && call.attempts > 0:
		call.last.final = true
		return nil
	case !ok:
		call.last = t.throttle.late(turn)
		return nil
	}
	call.attempts++
	ctx := context.Context(call)
	// No timeout is needed where the call's deadline comes first.
	if deadline, ok := call.Deadline(); !ok || time.Until(deadline) > t.timeouts.after {
		bounded := t.timeouts.start(call)
		defer t.timeouts.end(bounded)
		ctx = bounded
	}
	last := t.attempt(call.request(ctx, template, header), call.discard)
	if last.err != nil {
		if err := call.Err(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			last = outcome{err: newAttemptTimeoutError(t.timeouts.after, call.secrets.redactError(last.err))}
		}
	}
	call.last = last
	call.pace = turn.pace
	switch last.status {
	case 0:
	case http.StatusTooManyRequests:
		call.wait = t.throttle.refused(turn, retryAfter(last.header))
	default:
		t.throttle.took(turn)
	}
	call.log(t.logger, slog.LevelDebug, "symphony: attempt")
	return nil
}

// attempt sends a request and reads its answer.
func (t *attempts) attempt(req *http.Request, discard bool) outcome {
	response, err := t.base.RoundTrip(req)
	if err != nil {
		if isProxyAuthRequired(err) {
			return outcome{status: http.StatusProxyAuthRequired, proxy: t.proxy(req)}
		}
		return outcome{err: err}
	}
	if response == nil {
		return outcome{err: errors.New("the HTTP transport returned neither a response nor an error")}
	}
	if response.StatusCode < 100 { // which net/http lets pass
		_ = response.Body.Close()
		return outcome{err: fmt.Errorf("malformed HTTP status %03d", response.StatusCode)}
	}
	answer := outcome{status: response.StatusCode, header: response.Header}
	if answer.status == http.StatusProxyAuthRequired {
		answer.proxy = t.proxy(req)
	}
	if response.Body == nil || response.Body == http.NoBody {
		return answer
	}
	defer response.Body.Close()
	ok := isSuccess(answer.status)
	limit := maxErrorBody
	if ok && !discard {
		limit = maxBody
	}
	answer.body, answer.cut, err = readBody(response, limit)
	if ok && !discard {
		answer.err = err
	} else {
		answer.cut = answer.cut || err != nil
	}
	return answer
}

// isProxyAuthRequired reports whether a proxy wants credentials before it opens a
// tunnel. A transport without onProxyConnectResponse says it in words only.
func isProxyAuthRequired(err error) bool {
	proxy, ok := errors.AsType[*proxyError](err)
	return ok && proxy.status == http.StatusProxyAuthRequired ||
		err.Error() == http.StatusText(http.StatusProxyAuthRequired)
}

// proxy names the proxy that a request goes through, where the transport can say.
func (t *attempts) proxy(req *http.Request) string {
	if transport, ok := t.base.(*http.Transport); ok && transport.Proxy != nil {
		if proxy, err := transport.Proxy(req); err == nil && proxy != nil {
			return proxy.Host
		}
	}
	return ""
}

// readBody reads at most limit bytes of a body, and to its end if it can, so that
// the connection can be used again.
func readBody(response *http.Response, limit int) (body []byte, cut bool, err error) {
	size := response.ContentLength
	if size <= 0 || size > maxErrorBody { // a mock may leave it 0 over a body
		size = 512
	}
	body = make([]byte, 0, size+1) // one more, so that the last read finds the end
	for len(body) <= limit {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := response.Body.Read(body[len(body):min(cap(body), limit+1)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, false, nil
		}
		if err != nil {
			return body, false, err
		}
	}
	return body[:limit], true, nil
}
