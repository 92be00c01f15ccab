package symphony

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// APIError is an answer of the pod, or of a gateway in front of it, other than
// 2xx. Each status that calls for something else to be done has a type of its
// own that embeds APIError ([*NotFoundError] and so on); errors.As with an
// *APIError finds all of them.
type APIError struct {
	StatusCode int           // HTTP status; it decides the type
	Code       int           // "code" of the body, 0 if there was none; may differ from the status
	Message    string        // "message" of the body, else a short excerpt of it; one line
	Method     string        // HTTP method of the call
	Path       string        // path of the call, below the base URL
	TraceID    string        // X-Trace-Id of the response, else the one sent: what Symphony support asks for
	RetryAfter time.Duration // what the response asked to wait, 0 if it did not
	Attempts   int           // how often the call was sent

	hint string // what the caller can do about it
}

// Error is one line of at most 512 bytes.
func (e *APIError) Error() string {
	facts := []string{}
	if e.Code != 0 && e.Code != e.StatusCode {
		facts = append(facts, "code "+strconv.Itoa(e.Code))
	}
	if e.RetryAfter > 0 {
		facts = append(facts, "retry after "+e.RetryAfter.String())
	}
	after := notes(facts, e.Attempts, e.TraceID)
	if e.hint != "" {
		after = strings.TrimSpace(after + " " + e.hint)
	}
	status := strings.TrimSpace(fmt.Sprint(e.StatusCode, " ", http.StatusText(e.StatusCode)))
	return errorLine(where(e.Method, e.Path)+": "+status, e.Message, after)
}

// BadRequestError is a 400: the pod does not take these values.
type BadRequestError struct{ APIError }

// Unwrap gives the APIError.
func (e *BadRequestError) Unwrap() error { return &e.APIError }

// UnauthorizedError is a 401: the session token is not valid, or no longer, and
// the provider had no better one.
type UnauthorizedError struct{ APIError }

// Unwrap gives the APIError.
func (e *UnauthorizedError) Unwrap() error { return &e.APIError }

// ForbiddenError is a 403: the caller lacks an entitlement. To set another
// user's presence it is "User Provisioning".
type ForbiddenError struct{ APIError }

// Unwrap gives the APIError.
func (e *ForbiddenError) Unwrap() error { return &e.APIError }

// NotFoundError is a 404: the pod knows no such user, or the base URL is not
// that of a pod (it often lacks "/pod").
type NotFoundError struct{ APIError }

// Unwrap gives the APIError.
func (e *NotFoundError) Unwrap() error { return &e.APIError }

// RateLimitError is a 429 that the retries did not outlast: the pod wants fewer
// requests. RetryAfter says how long to wait, if the pod said it. Attempts is 0 for a
// call that was not sent, because the client's pace leaves it no turn before its
// context's deadline.
type RateLimitError struct{ APIError }

// Unwrap gives the APIError.
func (e *RateLimitError) Unwrap() error { return &e.APIError }

// ServerError is a 5xx that the retries did not outlast.
type ServerError struct{ APIError }

// Unwrap gives the APIError.
func (e *ServerError) Unwrap() error { return &e.APIError }

// typed is e as the type that its status decides.
func (e APIError) typed() error {
	switch {
	case e.StatusCode == http.StatusBadRequest:
		return &BadRequestError{e}
	case e.StatusCode == http.StatusUnauthorized:
		return &UnauthorizedError{e}
	case e.StatusCode == http.StatusForbidden:
		return &ForbiddenError{e}
	case e.StatusCode == http.StatusNotFound:
		return &NotFoundError{e}
	case e.StatusCode == http.StatusTooManyRequests:
		return &RateLimitError{e}
	case e.StatusCode >= 500 && e.StatusCode < 600:
		return &ServerError{e}
	}
	return &e
}

// InvalidArgumentError is an argument that was refused before anything was sent.
type InvalidArgumentError struct {
	Argument string // which one
	Reason   string // what is wrong with it, and what would be right
}

// Error is one line of at most 512 bytes.
func (e *InvalidArgumentError) Error() string {
	return errorLine("symphony: invalid "+e.Argument, e.Reason, "")
}

// DecodeError is a 2xx answer that is not what the API promises: not JSON, cut
// off, of other types, null, too large, or a page of a sign-on gateway. Whether
// the pod did what it was asked is not known.
type DecodeError struct {
	Method     string
	Path       string // below the base URL
	StatusCode int
	TraceID    string
	Attempts   int
	Err        error // what is wrong with the answer
}

// Error is one line of at most 512 bytes.
func (e *DecodeError) Error() string {
	words := "unusable answer"
	if e.Err != nil {
		words = e.Err.Error()
	}
	return errorLine(fmt.Sprintf("%s: the answer (%d) cannot be used", where(e.Method, e.Path), e.StatusCode),
		words, notes(nil, e.Attempts, e.TraceID))
}

// Unwrap gives what is wrong with the answer.
func (e *DecodeError) Unwrap() error { return e.Err }

// callError is a call that ended without an answer that decides it. Its text is
// made when it happens, so that it holds no secret; its causes can be tested for.
type callError struct {
	text    string
	causes  []error
	noToken bool // the provider gave no token
}

func (e *callError) Error() string   { return e.text }
func (e *callError) Unwrap() []error { return e.causes }

// newCallError describes a call by what happened to it and the first cause.
func newCallError(method, path, what string, facts string, causes ...error) *callError {
	before := where(method, path)
	if what != "" {
		before += ": " + what
	}
	texts := make([]string, len(causes))
	for i, cause := range causes {
		texts[i] = strings.TrimPrefix(cause.Error(), "symphony: ")
	}
	return &callError{text: errorLine(before, strings.Join(texts, "; "), facts), causes: causes}
}

// where names the call that an error is about.
func where(method, path string) string {
	return strings.TrimSpace("symphony: " + method + " " + line(path, maxText/4))
}

// notes are the facts of an error in parentheses.
func notes(facts []string, attempts int, traceID string) string {
	if attempts > 1 {
		facts = append(facts, fmt.Sprintf("%d attempts", attempts))
	}
	if traceID != "" {
		facts = append(facts, "trace id "+line(traceID, maxTraceID))
	}
	if len(facts) == 0 {
		return ""
	}
	return "(" + strings.Join(facts, ", ") + ")"
}
