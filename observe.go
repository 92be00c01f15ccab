package symphony

import (
	"context"
	"log/slog"
	"net/http/httptrace"
	"time"
)

// Attempt is one attempt of a call, as an observer sees it ([WithObserver]). A call that
// was never sent (no token, no turn before its deadline, a context that ended while it
// waited) is reported once, with Number 0.
type Attempt struct {
	Operation  string        // "SetUserPresence"; for [Client.Do] the Operation of its Request, else method and path
	Method     string        // HTTP method
	Route      string        // path with placeholders, "/v3/user/{uid}/presence"; "" for Client.Do
	Host       string        // of the base URL
	TraceID    string        // the X-Trace-Id that was sent
	Number     int           // 1 for the first attempt
	Last       bool          // no other attempt follows, as far as known when this one ended
	StatusCode int           // HTTP status; 0 without a response
	Err        error         // why there is no complete response, or (a *DecodeError) no usable 2xx; nil for any other response; holds no secret
	Queued     time.Duration // waited for the limiter before it was sent
	Duration   time.Duration // from sending it until the body was read
	Backoff    time.Duration // the wait before the next attempt; 0 with Last
	Elapsed    time.Duration // since the call began
}

// attemptState is the context value of a request: what [AttemptFromContext] returns, and
// the bound of the attempt for the transport below all middleware.
type attemptState struct {
	Attempt

	limit sendLimit
	trace httptrace.ClientTrace
}

// context returns the context of the attempt's request.
func (s *attemptState) context(ctx context.Context) context.Context {
	s.trace.GotConn, s.trace.WroteHeaders = s.limit.gotConn, s.limit.wroteHeaders
	return httptrace.WithClientTrace(context.WithValue(ctx, attemptKey{}, s), &s.trace)
}

type attemptKey struct{}

// AttemptFromContext returns the attempt that a request belongs to, from the request's
// context in a RoundTripper or a middleware. Operation, Method, Route, Host, TraceID,
// Number and Queued are set.
func AttemptFromContext(ctx context.Context) (Attempt, bool) {
	state, ok := ctx.Value(attemptKey{}).(*attemptState)
	if !ok {
		return Attempt{}, false
	}
	return state.Attempt, true
}

// Limits is a snapshot of what a client knows of the pod's limits, for a gauge or a
// progress line.
type Limits struct {
	Rate        float64       // requests a second; +Inf when no limit is known
	Concurrency int           // requests in flight at most; 0 when no limit is known
	InFlight    int           // requests in flight; counted while a limit is known
	Waiting     int           // calls that wait for their turn
	Pause       time.Duration // until requests are sent again
}

// log writes an attempt at Debug, and at Warn if another follows.
func (a *Attempt) log(ctx context.Context, logger *slog.Logger, userID int64) {
	if logger == nil || !logger.Enabled(ctx, slog.LevelWarn) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("operation", line(a.Operation, maxText)),
		slog.Int("attempt", a.Number),
		slog.Int("status", a.StatusCode),
		slog.String("duration", a.Duration.String()),
		slog.String("symphony_trace_id", a.TraceID))
	if userID != 0 {
		attrs = append(attrs, slog.Int64("user_id", userID))
	}
	if a.Queued > 0 {
		attrs = append(attrs, slog.String("queued", a.Queued.String()))
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("error", line(a.Err.Error(), maxText)))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "symphony: attempt", attrs...)
	if !a.Last {
		logger.LogAttrs(ctx, slog.LevelWarn, "symphony: retry", append(attrs, slog.String("backoff", a.Backoff.String()))...)
	}
}
