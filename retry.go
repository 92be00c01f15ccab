package symphony

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// RetryPolicy says how often a call is tried, and how long is waited in between.
// A zero field means its default. See "Retries" in the package documentation for
// what is tried again.
type RetryPolicy struct {
	MaxAttempts   int           // tries in all, the first included; default 4, 1 never tries again
	MinBackoff    time.Duration // the shortest wait; default 250 ms
	MaxBackoff    time.Duration // the longest wait that the pod did not ask for; default 5 s
	MaxRetryAfter time.Duration // the longest Retry-After that is waited for; default 30 s
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

// backoff is the wait after an attempt, counted from 1: at random between
// MinBackoff and a ceiling that doubles each time, from twice MinBackoff.
func (p RetryPolicy) backoff(attempt int) time.Duration {
	ceiling := p.MaxBackoff
	if shift := min(attempt, 62); p.MinBackoff <= ceiling>>shift {
		ceiling = p.MinBackoff << shift
	}
	return p.MinBackoff + randomUpTo(ceiling-p.MinBackoff)
}

// randomUpTo is a random duration from 0 to below limit.
func randomUpTo(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return rand.N(limit)
}

// newRetrier is the loop around a client's attempts. It asks the call what to do,
// and never gives up by itself.
func newRetrier(client *http.Client, s *settings, header func(*call) http.Header) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: client,
		RetryMax:   math.MaxInt,
		CheckRetry: func(ctx context.Context, _ *http.Response, err error) (bool, error) {
			if err != nil {
				return false, err // the context ended
			}
			call := callOf(ctx)
			again, err := call.shallRetry(s.policy)
			if again {
				call.log(s.logger, slog.LevelWarn, "symphony: trying again", slog.Duration("wait", call.wait))
			}
			return again, err
		},
		Backoff: func(_, _ time.Duration, _ int, response *http.Response) time.Duration {
			call := callOf(response.Request.Context())
			if call.last.status == http.StatusTooManyRequests {
				return 0 // the throttle does the waiting: the call takes the next turn after it
			}
			return call.wait
		},
		// A header of its own for each attempt: http.Client adds its jar's cookies to it.
		PrepareRetry: func(r *http.Request) error {
			r.Header = header(callOf(r.Context()))
			return nil
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// shallRetry decides after an attempt whether there is to be another one, and
// sets the wait before it, which a 429 has set already. Its error is that of a context
// that ended meanwhile.
func (c *call) shallRetry(policy RetryPolicy) (bool, error) {
	if !c.mayTryAgain() {
		return false, nil
	}
	switch asked := retryAfter(c.last.header); {
	case asked > policy.MaxRetryAfter:
		return false, nil
	case c.last.status == http.StatusTooManyRequests:
	case asked > 0:
		// Those who were asked to wait together do not come back together.
		c.wait = asked + randomUpTo(min(policy.MinBackoff, math.MaxInt64-asked))
	default:
		c.wait = policy.backoff(c.attempts)
	}
	if err := c.Err(); err != nil {
		return false, err
	}
	deadline, ok := c.Deadline()
	return !ok || time.Until(deadline) > c.wait, nil
}

// mayTryAgain reports whether there is any use in another attempt.
func (c *call) mayTryAgain() bool {
	return c.retryable && c.attempts < c.maxAttempts && c.last.retryable() && !c.last.final
}

// retryable reports whether the same request may fare better later.
func (o *outcome) retryable() bool {
	switch o.status {
	case 0:
		return isTransient(o.err)
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return isSuccess(o.status) && o.err != nil
}

// isTransient reports whether a connection may come about later. A host that does
// not exist, a certificate that is refused by either side and a server that speaks
// no TLS stay as they are.
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
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return false
	}
	if strings.Contains(err.Error(), "invalid proxy address") { // which net/http says in words only
		return false
	}
	return !errors.Is(err, http.ErrSchemeMismatch) && !isCertificateError(err)
}

func isCertificateError(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return verification || authority || host || invalid
}

// retryAfter is the wait that an answer asks for, in seconds (a fraction too) or
// until a date; 0 if it asks for none.
func retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return 0
		case seconds >= math.MaxInt64/float64(time.Second):
			return math.MaxInt64
		}
		return time.Duration(seconds * float64(time.Second))
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, time.Until(date))
}

// log logs what the last attempt brought.
func (c *call) log(logger *slog.Logger, level slog.Level, message string, attrs ...slog.Attr) {
	if logger == nil || !logger.Enabled(c.Context, level) {
		return
	}
	attrs = append([]slog.Attr{
		slog.String("method", c.method),
		slog.String("path", line(c.path, maxText)),
		slog.Int("attempt", c.attempts),
		slog.Int("status", c.last.status),
		slog.String("trace_id", c.traceID),
	}, attrs...)
	if c.pace > 0 && !math.IsInf(c.pace, 1) {
		attrs = append(attrs, slog.Float64("pace", c.pace))
	}
	if c.last.err != nil {
		attrs = append(attrs, slog.String("error", line(c.secrets.redact(c.last.err.Error()), maxText)))
	}
	logger.LogAttrs(c.Context, level, message, attrs...)
}
