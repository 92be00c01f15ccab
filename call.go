package symphony

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// call is one call of the API: what it sends, and what its attempts brought. It is
// the context of its requests, so that the retry policy and the transport find it.
type call struct {
	context.Context

	method    string
	path      string // below the base URL, escaped
	url       url.URL
	body      []byte
	retryable bool
	discard   bool    // nobody wants the answer's body
	secrets   secrets // the token first
	traceID   string

	maxAttempts int
	attempts    int
	last        outcome       // of the last attempt that was not interrupted
	wait        time.Duration // before the next one
	pace        float64       // of the last one, in calls a second; 0 without a throttle
	replay      bool          // the loop is to begin with the last attempt's outcome
	resent      int           // how often net/http asked for the body of the attempt again
}

type callKey struct{}

// Value finds the call itself, besides what the caller's context holds.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Deadline is the caller's, unless their context has one and does not end by it, as
// detached contexts do.
func (c *call) Deadline() (time.Time, bool) {
	if c.Done() == nil {
		return time.Time{}, false
	}
	return c.Context.Deadline()
}

// Format shows nothing of the call, whose context a transport may print.
func (c *call) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "symphony.call") }

// callOf is the call that a request belongs to.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// address joins the path to the base URL as it stands.
func (c *call) address(base *url.URL, query string) error {
	plain, err := url.PathUnescape(c.path)
	if err != nil {
		return &InvalidArgumentError{"req.Path", "it is not in escaped form"}
	}
	c.url = *base
	c.url.Path += plain
	if base.RawPath != "" || (&url.URL{Path: plain}).EscapedPath() != c.path {
		c.url.RawPath = base.EscapedPath() + c.path
	}
	c.url.RawQuery = query
	return nil
}

// encode makes the body.
func (c *call) encode(body any) error {
	if body == nil {
		return nil
	}
	var err error
	if c.body, err = json.Marshal(body); err != nil {
		return &InvalidArgumentError{"req.Body", "it cannot be sent as JSON: " + err.Error()}
	}
	return nil
}

// setHeader sets what differs from call to call.
func (c *call) setHeader(header http.Header) {
	values := []string{c.secrets[0], c.traceID}
	if c.secrets[0] != "" {
		header[headerSessionToken] = values[0:1:1]
	}
	header[headerTraceID] = values[1:2:2]
	if c.body != nil {
		header[headerContentType] = jsonValue
	}
	if _, set := header[headerIdempotencyKey]; c.retryable && !set {
		// Without a value it is not sent. It has net/http send a POST again, on another
		// connection, where the server ends an idle one just when the request arrives.
		header[headerIdempotencyKey] = nil
	}
}

var jsonValue = []string{contentTypeJSON}

// request is the request of one attempt.
func (c *call) request(ctx context.Context, template *http.Request, header http.Header) *http.Request {
	r := template.WithContext(ctx)
	r.Method = c.method
	r.URL = &c.url
	r.Header = header
	if c.body != nil {
		r.Body = c.reader()
		r.ContentLength = int64(len(c.body))
	}
	if c.body != nil && c.retryable {
		c.resent = 0
		r.GetBody = c.resend
	}
	return r
}

// reader reads the body. Each attempt has one of its own: that of the one before may
// still be read. It is one that net/http knows to be in memory, and sends in one packet.
func (c *call) reader() io.ReadCloser { return io.NopCloser(bytes.NewReader(c.body)) }

// maxResent is how often net/http may ask for the body again in one attempt: over
// HTTP/2 it does so twice before the request is on another connection.
const maxResent = 2

// resend has net/http send an attempt's request again, at once, where the server ended
// the connection without serving it, as gateways do after a thousand requests. Left
// alone it would go on over HTTP/2 until the attempt times out, and wait more and more
// in between: that is the retries' affair.
func (c *call) resend() (io.ReadCloser, error) {
	if c.resent == maxResent {
		return nil, errors.New("the server ends its connections without serving the request")
	}
	c.resent++
	return c.reader(), nil
}

// answeredTraceID is the trace id of the answer, else the one sent.
func (c *call) answeredTraceID() string {
	if id := line(c.secrets.redact(c.last.header.Get(headerTraceID)), maxTraceID); id != "" {
		return id
	}
	return c.traceID
}

// statusError is the error of an answer other than 2xx.
func (c *call) statusError() error {
	body := c.last.body
	if c.last.cut { // perhaps in the middle of an echoed token
		body = body[:max(0, len(body)-max(len(c.secrets[0]), len(c.secrets[1])))]
	}
	code, message, isJSON := readErrorBody(c.last.header, body, c.secrets)
	return APIError{
		StatusCode: c.last.status,
		Code:       code,
		Message:    message,
		Method:     c.method,
		Path:       c.path,
		TraceID:    c.answeredTraceID(),
		RetryAfter: retryAfter(c.last.header),
		Attempts:   c.attempts,
		hint:       c.hint(isJSON),
	}.typed()
}

// hint says what the caller can do about an answer.
func (c *call) hint(isJSON bool) string {
	switch status := c.last.status; {
	case status == http.StatusForbidden && c.method == http.MethodPost && c.path == pathUserPresence:
		return `- does the service user have the "User Provisioning" entitlement?`
	case status == http.StatusNotFound && !isJSON:
		return "- does the base URL lack /pod?"
	case status == http.StatusProxyAuthRequired && c.last.proxy != "":
		return fmt.Sprintf("- the proxy %s asks for credentials", line(c.last.proxy, maxTraceID))
	case status == http.StatusProxyAuthRequired:
		return "- the proxy asks for credentials"
	case status >= 300 && status < 400:
		if to, err := url.Parse(c.last.header.Get("Location")); err == nil && to.Host != "" {
			return fmt.Sprintf("- redirects are not followed; this one leads to %s", line(c.secrets.redact(to.Host), maxTraceID))
		}
		return "- redirects are not followed"
	}
	return ""
}

// unanswered is the error of a call whose last attempt brought no answer.
func (c *call) unanswered() error {
	return c.fail("", c.last.err)
}

// interrupted is the error of a call whose context ended: the context's, and that
// of the last answer if there was one.
func (c *call) interrupted(err error) error {
	causes := []error{err}
	if ended := c.Err(); ended != nil {
		causes = []error{ended}
		if cause := context.Cause(c.Context); !errors.Is(ended, cause) {
			causes = append(causes, cause)
		}
	}
	switch {
	case c.last.status != 0 && !isSuccess(c.last.status):
		causes = append(causes, c.statusError())
	case c.last.err != nil:
		causes = append(causes, c.last.err)
	}
	return c.fail("", causes...)
}

// fail is an error without an answer that decides the call.
func (c *call) fail(what string, causes ...error) *callError {
	for i, cause := range causes {
		causes[i] = c.secrets.redactError(cause)
	}
	facts := "(not sent)"
	if c.attempts > 0 {
		facts = fmt.Sprintf("(attempt %d of %d), trace id %s", c.attempts, c.triesInAll(), c.traceID)
	}
	return newCallError(c.method, c.path, what, facts, causes...)
}

// triesInAll is how often the call may be sent.
func (c *call) triesInAll() int {
	if !c.retryable {
		return max(1, c.attempts)
	}
	return c.maxAttempts
}
