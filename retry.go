package symphony

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/symphony-go/symphony/internal/limiter"
)

// RetryPolicy says how often a call is sent, and how long it waits between attempts. A
// zero field means its default. See "Retries" in the package documentation for what is
// retried.
type RetryPolicy struct {
	MaxAttempts   int           // attempts in all, including the first; default 4; 1 means no retries
	MinBackoff    time.Duration // the longest first wait; it doubles with each further wait; default 250 ms
	MaxBackoff    time.Duration // the longest wait that the pod did not ask for; default 5 s
	MaxRetryAfter time.Duration // the longest Retry-After that is respected; default 30 s
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 4
	}
	if p.MinBackoff == 0 {
		p.MinBackoff = 250 * time.Millisecond
	}
	if p.MaxBackoff == 0 {
		p.MaxBackoff = 5 * time.Second
	}
	if p.MaxRetryAfter == 0 {
		p.MaxRetryAfter = 30 * time.Second
	}
	return p
}

// backoff returns the wait after an attempt, counted from 1: at random from the upper half
// of a ceiling that doubles with each attempt, so that callers do not retry at the same time.
func (p RetryPolicy) backoff(attempt int) time.Duration {
	ceiling := p.MaxBackoff
	if shift := min(attempt-1, 62); p.MinBackoff <= ceiling>>shift {
		ceiling = p.MinBackoff << shift
	}
	return ceiling - randomBelow(ceiling/2)
}

// randomBelow returns a random duration from 0 up to, but not including, limit.
func randomBelow(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return rand.N(limit)
}

// longestPause is the longest wait that the limiter is told; no time overflows with it.
const longestPause = 365 * 24 * time.Hour

// outcome tells the limiter how an attempt ended. The limiter waits for what the response
// asked for, within the policy.
func (p RetryPolicy) outcome(resp response, attempt int) limiter.Outcome {
	o := limiter.Outcome{Kind: limiter.Accepted, Attempt: attempt}
	asked := retryAfter(resp.header)
	switch {
	case resp.status == http.StatusTooManyRequests, resp.status == http.StatusServiceUnavailable && asked > 0:
		o.Kind = limiter.Throttled
		if o.RetryAfter = min(asked, p.MaxRetryAfter, longestPause); o.RetryAfter == 0 {
			o.RetryAfter = p.backoff(attempt)
		}
	case resp.err != nil, resp.status >= 500:
		o.Kind = limiter.Failed
	}
	return o
}

// wait returns how long to wait after an attempt that is to be repeated; ok is false if the
// policy or the context's deadline leaves no time for that wait.
func (p RetryPolicy) wait(ctx context.Context, resp response) (wait time.Duration, ok bool) {
	asked := retryAfter(resp.header)
	switch throttled := p.outcome(resp, resp.number).Kind == limiter.Throttled; {
	case asked > p.MaxRetryAfter:
		return 0, false
	case throttled:
		wait = resp.wait
	case asked > 0:
		// Callers that were asked to wait together do not come back together.
		wait = max(resp.wait, asked+randomBelow(min(p.MinBackoff, math.MaxInt64-asked)))
	default:
		wait = max(resp.wait, p.backoff(resp.number))
	}
	deadline, limited := ctx.Deadline()
	if !limited || ctx.Done() == nil {
		return wait, true
	}
	left := time.Until(deadline)
	if asked > 0 && asked < left { // the random part of the wait is no reason to give up
		wait = min(wait, asked+(left-asked)/2)
	}
	return wait, left > wait
}

// retry makes the attempts of a call that follow its first one, until one decides the call
// or it has had all its attempts. go-retryablehttp runs the loop, with a client made for
// this call: its transport returns the first response and then makes attempts. report is
// told of each attempt that another one follows.
func (p RetryPolicy) retry(ctx context.Context, call *call, first response, attempt func() (response, error), report func(response, time.Duration)) (response, error) {
	last, started := first, false
	var wait time.Duration
	var ended error // no further attempt can be made
	transport := roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		if started {
			next, err := attempt()
			if err != nil {
				ended = call.stopped(ctx, err, call.failure(last))
				last = next
				return nil, ended
			}
			next.maybeApplied = last.maybeApplied || last.lost()
			last = next
		}
		started = true
		if last.status == 0 {
			return nil, last.err
		}
		return &http.Response{StatusCode: last.status, Header: last.header, Body: http.NoBody, Request: r}, nil
	})
	again := false
	loop := &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax: math.MaxInt,
		CheckRetry: func(context.Context, *http.Response, error) (bool, error) {
			again = false
			if ended != nil || !last.retryable() || call.attempts >= call.maxAttempts {
				return false, ended
			}
			if err := ctx.Err(); err != nil {
				ended = call.stopped(ctx, err, call.failure(last))
				return false, ended
			}
			if wait, again = p.wait(ctx, last); again {
				report(last, wait)
			}
			return again, nil
		},
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	r := (&http.Request{Method: call.method, URL: &call.url, Header: http.Header{}}).WithContext(ctx)
	_, err := loop.Do(&retryablehttp.Request{Request: r}) //nolint:bodyclose // there is none
	if err != nil && again {                              // the context ended during the wait
		return response{}, call.stopped(ctx, err, call.failure(last))
	}
	return last, ended
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// retryable reports whether the same request may succeed later.
func (r *response) retryable() bool {
	switch r.status {
	case 0:
		return isTransient(r.err)
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		520, 521, 522, 523, 524, 529, 530: // of gateways
		return true
	}
	return r.ok() && r.err != nil
}

// isTransient reports whether a connection may succeed later. A host name that does not
// exist, a certificate that one side rejects and a server without TLS are permanent.
func isTransient(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return false // a TLS alert
	}
	if proxy, ok := errors.AsType[*proxyError](err); ok {
		return proxy.status >= 500
	}
	if strings.Contains(err.Error(), "invalid proxy address") { // net/http has no type for it
		return false
	}
	return !is[tls.RecordHeaderError](err) && !errors.Is(err, http.ErrSchemeMismatch) && !isCertificateError(err)
}

func isCertificateError(err error) bool {
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err)
}
