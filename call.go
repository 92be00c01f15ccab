package symphony

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/symphony-go/symphony/internal/limiter"
)

// Headers, in the form in which net/http keeps them; on the wire their case does not matter.
const (
	headerSessionToken   = "Sessiontoken"
	headerAccept         = "Accept"
	headerAcceptEncoding = "Accept-Encoding"
	headerContentType    = "Content-Type"
	headerUserAgent      = "User-Agent"
	headerTraceID        = "X-Trace-Id"

	contentTypeJSON = "application/json"
)

// request describes a call of the API. Its arguments have been checked.
type request struct {
	operation string // "SetUserPresence", for observers and logs
	route     string // the path with placeholders; "" for Do
	method    string
	path      string // below the base URL, escaped
	query     string // encoded
	body      any
	retryable bool // may be sent twice
	class     limiter.Class
	userID    int64 // whom the call is about; 0 for no one or several

	entitlement string // what a 403 suggests is missing
}

// call is a call of the API: the request that each of its attempts sends. Only attempts
// and secrets change.
type call struct {
	request

	url         url.URL
	json        []byte // the body; nil for none
	traceID     string
	started     time.Time
	maxAttempts int  // 1 if the call may be sent only once
	wanted      bool // the body of a 2xx is decoded

	attempts int // requests sent
	secrets  secrets
}

// newCall returns the call that a request makes below a base URL.
func newCall(ctx context.Context, base *url.URL, req request, maxAttempts int, wanted bool) (*call, error) {
	c := &call{request: req, traceID: traceIDFor(ctx), started: time.Now(), maxAttempts: maxAttempts, wanted: wanted}
	if !req.retryable {
		c.maxAttempts = 1
	}
	var err error
	if c.url, err = joinPath(base, req.path); err != nil {
		return nil, err
	}
	c.url.RawQuery = req.query
	if req.body != nil {
		if c.json, err = json.Marshal(req.body); err != nil {
			return nil, &InvalidArgumentError{"req.Body", "it cannot be sent as JSON: " + err.Error()}
		}
	}
	return c, nil
}

// joinPath appends an escaped path to the base URL, which stays as it is.
func joinPath(base *url.URL, path string) (url.URL, error) {
	joined := *base
	plain, err := url.PathUnescape(path)
	if err != nil {
		return joined, &InvalidArgumentError{"req.Path", "it is not in escaped form"}
	}
	joined.Path += plain
	if base.RawPath != "" || (&url.URL{Path: plain}).EscapedPath() != path {
		joined.RawPath = base.EscapedPath() + path
	}
	return joined, nil
}

// newRequest returns the request of an attempt. Nothing that a transport may change is
// shared with the request of another attempt.
//
// What net/http may send again on its own depends on the body. It repeats a request with
// GetBody, and a GET, HEAD, OPTIONS or DELETE without a body. A call that may be sent only
// once therefore has no GetBody, and an empty body instead of no body; over HTTP/1.1
// net/http sends nothing for it.
func (c *call) newRequest(ctx context.Context, template *http.Request) *http.Request {
	r := template.WithContext(ctx)
	r.Method = c.method
	target := c.url
	r.URL = &target
	r.Header = template.Header.Clone()
	values := []string{c.secrets.token, c.traceID, contentTypeJSON}
	if c.secrets.token != "" {
		r.Header[headerSessionToken] = values[0:1:1]
	}
	r.Header[headerTraceID] = values[1:2:2]
	if c.json != nil {
		r.Header[headerContentType] = values[2:3:3]
		r.Body = c.newBody()
		r.ContentLength = int64(len(c.json))
	}
	switch {
	case c.json != nil && c.maxAttempts > 1:
		r.GetBody = func() (io.ReadCloser, error) { return c.newBody(), nil }
	case c.json == nil && c.maxAttempts == 1 && c.method != http.MethodPost && c.method != http.MethodPut && c.method != http.MethodPatch:
		r.Body = c.newBody()
	}
	return r
}

// newBody returns a reader of the body, of a type that net/http knows to be in memory and
// sends in one packet with the header.
func (c *call) newBody() io.ReadCloser { return io.NopCloser(bytes.NewReader(c.json)) }

// tokenError is an error of the session-token provider.
type tokenError struct{ error }

// stopped returns the error of a call that ends because no further attempt could be made,
// or because its context ended during an attempt. previous is the error of the attempt before
// that, if there was one.
func (c *call) stopped(ctx context.Context, err, previous error) error {
	if late, ok := errors.AsType[*limiter.TooLateError](err); ok {
		if previous != nil {
			return previous
		}
		return c.tooLate(late)
	}
	if failed, ok := errors.AsType[tokenError](err); ok {
		failure := c.fail("session token", failed.error)
		failure.noToken = true
		return failure
	}
	causes := []error{err}
	if ended := ctx.Err(); ended != nil {
		causes = []error{ended}
		if cause := context.Cause(ctx); !errors.Is(ended, cause) {
			causes = append(causes, cause)
		}
	}
	if previous != nil {
		causes = append(causes, previous)
	}
	return c.fail("", causes...)
}

// tooLate returns the error of a call that was not sent because of its deadline.
func (c *call) tooLate(late *limiter.TooLateError) error {
	return APIError{
		StatusCode: http.StatusTooManyRequests,
		Message:    "not sent: " + late.Error(),
		Method:     c.method,
		Path:       c.path,
		TraceID:    c.traceID,
		RetryAfter: late.Wait,
		Attempts:   c.attempts,
		cause:      context.DeadlineExceeded,
	}.typed()
}

// fail returns an error without a response that decides the call.
func (c *call) fail(what string, causes ...error) *callError {
	for i, cause := range causes {
		causes[i] = c.secrets.redactError(cause)
	}
	facts := "(not sent)"
	if c.attempts > 0 {
		most := ""
		if c.maxAttempts < math.MaxInt {
			most = fmt.Sprintf(" of %d", max(c.attempts, c.maxAttempts))
		}
		facts = fmt.Sprintf("(attempt %d%s), trace id %s", c.attempts, most, c.traceID)
	}
	return newCallError(c.method, c.path, what, facts, causes...)
}

type traceIDKey struct{}

// ContextWithTraceID makes calls with the context send traceID as X-Trace-Id, instead of
// six random characters: Symphony support finds a call by it. A trace id that is empty, has
// more than 64 bytes or is not printable ASCII is ignored.
func ContextWithTraceID(ctx context.Context, traceID string) context.Context {
	return context.WithValue(ctx, traceIDKey{}, traceID)
}

const traceIDAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// traceIDFor returns the caller's trace id, or a new one: six random characters.
func traceIDFor(ctx context.Context) string {
	if id, ok := ctx.Value(traceIDKey{}).(string); ok && id != "" && len(id) <= maxTraceID &&
		!strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
		return id
	}
	var id [6]byte
	for i := range id {
		id[i] = traceIDAlphabet[rand.IntN(len(traceIDAlphabet))]
	}
	return string(id[:])
}
