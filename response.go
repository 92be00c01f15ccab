package symphony

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxBody = 16 << 20 // bytes read of a response

// response is the result of an attempt: a response, or the error in its place. A 2xx may
// have both, when its body breaks off.
type response struct {
	status    int // 0 without a response
	header    http.Header
	body      []byte
	truncated bool // the body is longer than what was read
	err       error
	proxy     string // the proxy that a 407 came from, as far as known

	number   int           // of the attempt, from 1; 0 if none was made
	queued   time.Duration // waited for the limiter
	duration time.Duration
	wait     time.Duration // what the limiter asks to wait before another attempt
	// An attempt before this one may have been applied: its response was lost.
	maybeApplied bool
}

func (r *response) ok() bool { return r.status >= 200 && r.status < 300 }

// lost reports whether the pod may have applied the request although no 2xx came back.
func (r *response) lost() bool { return r.err != nil || r.status >= 500 }

// result decodes a 2xx into out, or returns the error that the response stands for.
func (c *call) result(resp response, out any) error {
	switch {
	case !resp.ok() || out != nil && resp.err != nil:
		return c.failure(resp)
	case out == nil:
		return nil
	}
	if err := resp.decode(out, c.secrets); err != nil {
		return c.decodeError(resp, err)
	}
	if v, ok := out.(interface{ received(*call, response) }); ok {
		v.received(c, resp)
	}
	return nil
}

// failure returns the error of an attempt that failed: a status, no response, or a body
// that breaks off.
func (c *call) failure(resp response) error {
	switch {
	case resp.status == 0:
		return c.fail("", resp.err)
	case resp.ok():
		return c.decodeError(resp, fmt.Errorf("the body breaks off after %d bytes: %w", len(resp.body), resp.err))
	}
	return c.statusError(resp)
}

func (c *call) decodeError(resp response, err error) error {
	return &DecodeError{c.method, c.path, resp.status, c.receivedTraceID(resp), c.attempts, c.secrets.redactError(err)}
}

// receivedTraceID returns the trace id of the response, else the one sent.
func (c *call) receivedTraceID(resp response) string {
	if id := line(c.secrets.redact(resp.header.Get(headerTraceID)), maxTraceID); id != "" {
		return id
	}
	return c.traceID
}

// decode reads the body of a 2xx into out.
func (r *response) decode(out any, s secrets) error {
	body := bytes.TrimSpace(trimBOM(r.body))
	switch {
	case r.truncated:
		return fmt.Errorf("the body is larger than %d MiB", maxBody>>20)
	case r.status == http.StatusNoContent && acceptsNoContent(out):
		return nil
	case len(body) == 0:
		return errors.New("the body is empty")
	case string(body) == "null":
		return errors.New("the body is null")
	}
	if presence, ok := out.(*V2Presence); ok && presence.scan(body) {
		return nil
	}
	err := json.Unmarshal(body, out)
	if v, ok := out.(interface{ validate() error }); ok && err == nil {
		err = v.validate()
	}
	switch {
	case err == nil:
		return nil
	case isHTML(r.header, body):
		return fmt.Errorf("the body is an HTML page, %q: %w", line(s.redact(pageTitle(body)), maxTraceID), err)
	}
	if e := readErrorBody(r.header, body, s); e.isPod {
		return fmt.Errorf("the body is an error of the pod, code %d, %q: %w", e.code, e.message, err)
	}
	return err
}

// acceptsNoContent reports whether a 204 is a result, and not an error.
func acceptsNoContent(out any) bool {
	_, ok := out.(interface{ acceptsNoContent() })
	return ok
}

// statusError returns the error of a response other than 2xx.
func (c *call) statusError(resp response) error {
	body := resp.body
	if resp.truncated { // perhaps within an echoed token
		body = body[:max(0, len(body)-c.secrets.longest())]
	}
	e := readErrorBody(resp.header, body, c.secrets)
	return APIError{
		StatusCode:   resp.status,
		Code:         e.code,
		Message:      e.message,
		Method:       c.method,
		Path:         c.path,
		TraceID:      c.receivedTraceID(resp),
		RetryAfter:   retryAfter(resp.header),
		Attempts:     c.attempts,
		hint:         c.hint(resp, e),
		login:        c.isLogin(),
		maybeApplied: resp.maybeApplied,
	}.typed()
}

// isLogin reports whether the call logs in: one of Do that carries no session token.
func (c *call) isLogin() bool { return c.secrets.token == "" && c.route == "" }

// hint says what the caller can do about a response.
func (c *call) hint(resp response, e errorBody) string {
	switch {
	case resp.status == http.StatusForbidden && c.entitlement != "" && (e.isJSON || len(resp.body) == 0):
		return fmt.Sprintf("- does the service user have the %q entitlement?", c.entitlement)
	case resp.status == http.StatusNotFound && !e.isJSON && c.isLogin():
		return "- does the login URL end in /login, or for a certificate in /sessionauth?"
	case resp.status == http.StatusNotFound && !e.isJSON:
		return "- does the base URL lack /pod?"
	case resp.status == http.StatusProxyAuthRequired:
		return "- " + resp.proxyHint(c.secrets)
	case resp.status >= 300 && resp.status < 400:
		if to, err := url.Parse(resp.header.Get("Location")); err == nil && to.Host != "" {
			return "- redirects are not followed; this one leads to " + line(c.secrets.redact(to.Host), maxTraceID)
		}
		return "- redirects are not followed"
	}
	return ""
}

// proxyHint names the proxy that asks for credentials, and the schemes that it offers.
func (r *response) proxyHint(s secrets) string {
	hint := "the proxy asks for credentials"
	if r.proxy != "" {
		hint = fmt.Sprintf("the proxy %s asks for credentials", line(r.proxy, maxTraceID))
	}
	var schemes []string
	for _, challenge := range r.header.Values("Proxy-Authenticate") {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		schemes = append(schemes, scheme)
	}
	if len(schemes) > 0 {
		hint += " (" + line(s.redact(strings.Join(schemes, ", ")), maxTraceID) + ")"
	}
	return hint
}

// retryAfter returns the wait that a response asks for, in seconds (a fraction too) or
// until a date; 0 if it asks for none. A date is compared with the response's own Date,
// because this machine's clock may be wrong.
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
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now := time.Now()
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(0, until.Sub(now))
}
