package symphony

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// APIError is a response other than 2xx, of the pod or of a gateway in front of it.
// Statuses that callers handle differently have types of their own, which embed
// APIError: [*NotFoundError] and so on. errors.As with an *APIError finds all of them.
type APIError struct {
	StatusCode int           // HTTP status; it decides the type
	Code       int           // "code" of the body, 0 if there was none; may differ from the status
	Message    string        // "message" of the body, else a short excerpt of it; one line
	Method     string        // HTTP method of the call
	Path       string        // path of the call, below the base URL
	TraceID    string        // X-Trace-Id of the response, else the one sent: what Symphony support asks for
	RetryAfter time.Duration // how long the response asked to wait, 0 if it did not
	Attempts   int           // how often the call was sent

	hint  string // what the caller can do about it
	login bool   // the call was a login
	// An earlier attempt of the call may have been applied: its response was lost.
	maybeApplied bool
	cause        error // of a call that was not sent
}

// Error returns one line of at most 512 bytes.
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

// Unwrap returns context.DeadlineExceeded for a call that was not sent because its turn
// would have come after its context's deadline, and nil for a response.
func (e *APIError) Unwrap() error { return e.cause }

// BadRequestError is a 400: the pod rejects the arguments.
type BadRequestError struct{ APIError }

// Unwrap returns the APIError.
func (e *BadRequestError) Unwrap() error { return &e.APIError }

// UnauthorizedError is a 401: the session token is not valid, or no longer valid, and
// the provider returned no valid one.
type UnauthorizedError struct{ APIError }

// Unwrap returns the APIError.
func (e *UnauthorizedError) Unwrap() error { return &e.APIError }

// ForbiddenError is a 403: the caller lacks an entitlement. Setting another user's
// presence requires "User Provisioning".
type ForbiddenError struct{ APIError }

// Unwrap returns the APIError.
func (e *ForbiddenError) Unwrap() error { return &e.APIError }

// NotFoundError is a 404: the pod has no such user, or the base URL is wrong (that of a
// pod often lacks "/pod", that of a login "/login").
type NotFoundError struct{ APIError }

// Unwrap returns the APIError.
func (e *NotFoundError) Unwrap() error { return &e.APIError }

// RateLimitError is a 429 that remained after the retries: the pod accepts fewer
// requests. RetryAfter is how long the pod asked to wait, 0 if it did not ask.
//
// A call whose turn would have come after its context's deadline also fails with a
// RateLimitError. Its Attempts is 0 if the call was never sent, and errors.Is with
// context.DeadlineExceeded reports true.
type RateLimitError struct{ APIError }

// Unwrap returns the APIError.
func (e *RateLimitError) Unwrap() error { return &e.APIError }

// ServerError is a 5xx that remained after the retries.
type ServerError struct{ APIError }

// Unwrap returns the APIError.
func (e *ServerError) Unwrap() error { return &e.APIError }

// typed returns e as the type that its status decides.
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
	Argument string // the name of the argument or option
	Reason   string // what is wrong with it, and what would be right
}

// Error returns one line of at most 512 bytes.
func (e *InvalidArgumentError) Error() string {
	return errorLine("symphony: invalid "+e.Argument, e.Reason, "")
}

// DecodeError is a 2xx response that is not what the API promises: not JSON,
// truncated, of other types, null, too large, or the page of a sign-on gateway. The pod
// may have done what the call asked for.
type DecodeError struct {
	Method     string
	Path       string // below the base URL
	StatusCode int
	TraceID    string
	Attempts   int
	Err        error // what is wrong with the response
}

// Error returns one line of at most 512 bytes.
func (e *DecodeError) Error() string {
	reason := "unusable body"
	if e.Err != nil {
		reason = e.Err.Error()
	}
	return errorLine(fmt.Sprintf("%s: the %d response cannot be used", where(e.Method, e.Path), e.StatusCode),
		reason, notes(nil, e.Attempts, e.TraceID))
}

// Unwrap returns what is wrong with the response.
func (e *DecodeError) Unwrap() error { return e.Err }

// callError is a call that ended without a response that decides it. Its text is
// formatted when the call ends, so that it holds no secret; its causes can be tested for.
type callError struct {
	text    string
	causes  []error
	noToken bool // the session-token provider failed; its error is the first cause
}

func (e *callError) Error() string   { return e.text }
func (e *callError) Unwrap() []error { return e.causes }

// newCallError describes a call by what happened to it and its causes.
func newCallError(method, path, what, facts string, causes ...error) *callError {
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

// ErrNoSessionToken means that the SessionTokenProvider returned "". Nothing was sent.
var ErrNoSessionToken = errors.New("the provider returned an empty session token")

// ErrUserNotFound means that no active user of the pod has the key of a result of
// [Client.UsersByEmail] or [Client.UsersByUsername].
var ErrUserNotFound = errors.New("symphony: user not found")

// ErrLookupRejected means that the pod rejected the key of a result of [Client.UsersByEmail]
// or [Client.UsersByUsername], such as a malformed e-mail address. Looking it up again
// does not help.
var ErrLookupRejected = errors.New("symphony: the pod rejected the key of a lookup")

// IsCredentialError reports whether err means that every other call with the same
// credentials would fail too: the pod rejected the session token and its replacement (401),
// a login was refused (400, 401, 403 or 404), or the provider has no token
// ([ErrNoSessionToken]). A worker should then stop, and an operator should check the
// credentials. Other errors, such as a 403 of a call that is not a login, do not count:
// they may concern one user only.
func IsCredentialError(err error) bool {
	login := false
	if call, ok := errors.AsType[*callError](err); ok && call.noToken {
		// A login that failed for another reason may succeed later, even if a 401 of the call caused it.
		err, login = call.causes[0], true
	}
	if api, ok := errors.AsType[*APIError](err); ok && (login || api.login) {
		switch api.StatusCode {
		case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
			return true
		}
	}
	return is[*UnauthorizedError](err) || errors.Is(err, ErrNoSessionToken)
}

// endsRun reports whether every later call of the same run would fail with err too:
// the provider has no token, or the turn of the next request comes after the deadline.
func endsRun(err error) bool {
	call, ok := errors.AsType[*callError](err)
	limit, limited := errors.AsType[*RateLimitError](err)
	return IsCredentialError(err) || ok && call.noToken || limited && limit.cause != nil
}

// is reports whether err or one of its causes has the type E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// where names the call that an error is about.
func where(method, path string) string {
	return strings.TrimSpace("symphony: " + method + " " + line(path, maxText/4))
}

// notes returns the facts of an error in parentheses.
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

// errorLine returns the text of an error. The reason in the middle is shortened to fit,
// because it is text from elsewhere.
func errorLine(before, reason, after string) string {
	const least = 32 // for the reason
	before = line(before, maxText/2)
	after = line(after, maxText-len(before)-least)
	if reason = line(reason, maxText-len(before)-len(": ")-len(" ")-len(after)); reason != "" {
		before += ": " + reason
	}
	if after != "" {
		before += " " + after
	}
	return before
}
