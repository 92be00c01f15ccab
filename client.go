package symphony

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/symphony-go/symphony/internal/limiter"
)

// Client calls a pod. It is immutable and safe for concurrent use; make one with
// [NewClient] and keep it, because it holds the connections.
type Client struct {
	// Behind a pointer, so that no fmt verb prints a header, also not of a Client that is a
	// field of something else.
	*core
}

// core holds what a Client is made of.
type core struct {
	base      *url.URL
	tokens    tokenSource
	template  *http.Request // what all requests have in common
	sender    sender
	observers []func(context.Context, Attempt)
	logger    *slog.Logger
	policy    RetryPolicy
	timeout   *attemptTimeoutError
	limiter   *limiter.Limiter
}

// NewClient returns a client of the pod at podURL, the API's base URL with its path:
// https://acme.symphony.com/pod. Nothing is sent before the first call.
//
// The error is an [*InvalidArgumentError] if the URL is not absolute http or https, or has
// user info, a query, a fragment or a blank, if its scheme is http and its host is not
// loopback (unless [WithPlaintextHTTP] allows that), if the provider is nil, and if an
// option cannot work.
func NewClient(podURL string, tokens SessionTokenProvider, opts ...Option) (*Client, error) {
	s, err := apply(opts)
	if err != nil {
		return nil, err
	}
	base, err := parseBaseURL(podURL, s.plaintext)
	if err != nil {
		return nil, err
	}
	source, err := newTokenSource(tokens)
	if err != nil {
		return nil, err
	}
	sender, err := s.sender()
	if err != nil {
		return nil, err
	}
	return &Client{&core{
		base:      base,
		tokens:    source,
		template:  &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: base.Host, Header: s.requestHeader()},
		sender:    sender,
		observers: s.observers,
		logger:    s.logger,
		policy:    s.policy,
		timeout:   &attemptTimeoutError{after: s.attemptTimeout},
		limiter:   limiter.New(s.rate),
	}}, nil
}

// CloseIdleConnections closes the connections that no call uses at the moment. With
// [WithHTTPClient] these are the connections of that client's transport.
func (c *Client) CloseIdleConnections() {
	if c.isMade() {
		c.sender.closeIdle()
	}
}

// Host returns the host of the base URL, with its port if it names one.
func (c *Client) Host() string {
	if !c.isMade() {
		return ""
	}
	return c.base.Host
}

// Limits returns what the client knows of the pod's limits at the moment.
func (c *Client) Limits() Limits {
	if !c.isMade() {
		return Limits{}
	}
	return Limits(c.limiter.Snapshot())
}

// isMade reports whether NewClient made the client.
func (c *Client) isMade() bool { return c != nil && c.core != nil }

// do makes a call: it sends the request until a response decides the call, and decodes the
// response into out or returns it as an error.
func (c *Client) do(ctx context.Context, req request, out any) error {
	if !c.isMade() {
		return &InvalidArgumentError{"client", "it was not made by NewClient"}
	}
	if ctx == nil {
		return &InvalidArgumentError{"ctx", "it is nil"}
	}
	call, err := newCall(ctx, c.base, req, c.policy.MaxAttempts, out != nil)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, call, "")
	if err == nil && resp.status == http.StatusUnauthorized {
		resp, err = c.reauthorize(ctx, call, resp)
	}
	if err == nil {
		err = call.result(resp, out)
	}
	if resp.number > 0 || call.attempts == 0 {
		c.report(ctx, call, resp, err)
	}
	return err
}

// send makes the attempts of a call until one decides it. token is the session token of the
// first attempt, "" to ask the provider. Most calls need no more than one attempt.
func (c *Client) send(ctx context.Context, call *call, token string) (response, error) {
	resp, err := c.attempt(ctx, call, token)
	if err != nil {
		return resp, call.stopped(ctx, err, nil)
	}
	if !resp.retryable() {
		return resp, nil
	}
	return c.policy.retry(ctx, call, resp,
		func() (response, error) { return c.attempt(ctx, call, "") },
		func(resp response, wait time.Duration) { c.reportRetry(ctx, call, resp, wait) })
}

// reauthorize sends a call that was rejected with 401 once more, with a new session token
// if the provider has one.
func (c *Client) reauthorize(ctx context.Context, call *call, rejected response) (response, error) {
	token, ok, err := c.tokens.replace(ctx, call.secrets.token)
	if err != nil {
		failure := call.fail("401 Unauthorized, and no new session token", err, call.statusError(rejected))
		failure.noToken = true
		return rejected, failure
	}
	if !ok {
		return rejected, nil
	}
	c.reportRetry(ctx, call, rejected, 0)
	call.secrets = secrets{token: token, rejected: call.secrets.token, earlier: call.secrets.earlier}
	resp, err := c.send(ctx, call, token)
	resp.maybeApplied = resp.maybeApplied || rejected.maybeApplied
	return resp, err
}

// attempt makes one attempt of a call: it waits for the limiter, asks for the session
// token, sends the request and reads the response. An error means that the call ends.
func (c *Client) attempt(ctx context.Context, call *call, token string) (resp response, err error) {
	turn, err := c.admit(ctx, call, token, false)
	queued := turn.Queued()
	for tries := 1; errors.Is(err, errSlowToken); tries++ {
		turn, err = c.admit(ctx, call, token, tries == maxSlowTokens)
		queued += turn.Queued()
	}
	if err != nil {
		return resp, err
	}
	var outcome limiter.Outcome // neutral if the transport panics
	defer func() { resp.wait = c.limiter.Done(turn, outcome) }()
	call.attempts++
	start := time.Now()
	resp = c.exchange(ctx, call, queued)
	resp.number, resp.queued, resp.duration = call.attempts, queued, time.Since(start)
	if resp.err != nil && ctx.Err() != nil {
		resp.err = ctx.Err()
		return resp, resp.err
	}
	outcome = c.policy.outcome(resp, call.attempts)
	call.class = call.class.After(outcome.Kind)
	return resp, nil
}

// maxTokenTime is how long a provider may take before the call needs another turn. A
// provider that takes longer probably logs in: all calls that wait for the login would be
// sent at the moment it ends, whatever the rate limit.
const maxTokenTime = 200 * time.Microsecond

// maxSlowTokens is how often a call waits for another turn because of a slow provider.
const maxSlowTokens = 3

var errSlowToken = errors.New("the session token took longer than the turn lasts")

// admit waits for the call's turn, and then sets its session token, so that a token that is
// renewed while calls wait is the one they send. If it returns no error, the caller sends at
// once. If the provider was slow, it returns errSlowToken, unless maySlow is set.
func (c *Client) admit(ctx context.Context, call *call, token string, maySlow bool) (turn limiter.Turn, err error) {
	turn, err = c.limiter.Wait(ctx, call.class)
	if err != nil {
		return turn, err
	}
	err = errSlowToken // unless all goes well; a provider may panic
	defer func() {
		if err != nil {
			c.limiter.Done(turn, limiter.Outcome{})
		}
	}()
	if err := ctx.Err(); err != nil {
		return turn, err
	}
	// A token that was obtained just now may have been replaced while the call waited.
	if token != "" && turn.Queued() == 0 {
		return turn, nil
	}
	start := time.Now()
	if err := c.authorize(ctx, call); err != nil {
		return turn, err
	}
	if !maySlow && turn.IsLimited() && time.Since(start) > maxTokenTime {
		return turn, errSlowToken
	}
	return turn, nil
}

// authorize sets the call's session token.
func (c *Client) authorize(ctx context.Context, call *call) error {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return tokenError{err}
	}
	// A provider may return the rejected token although it has a replacement for it.
	if token != call.secrets.rejected && token != call.secrets.token {
		if call.attempts > 0 {
			call.secrets.earlier = append(call.secrets.earlier, call.secrets.token)
		}
		call.secrets.token = token
	}
	return nil
}

// exchange sends the request of an attempt and reads the response, within the attempt
// timeout.
func (c *Client) exchange(ctx context.Context, call *call, queued time.Duration) response {
	bounded, cancel := withAttemptTimeout(ctx, c.timeout)
	defer cancel()
	state := &attemptState{Attempt: c.newAttempt(call), limit: sendLimit{most: 3, cancel: cancel}}
	state.Number, state.Queued = call.attempts, queued
	if call.maxAttempts == 1 {
		state.limit.most = 1
	}
	req := call.newRequest(state.context(bounded), c.template)
	resp := c.sender.exchange(req, call.wanted)
	if resp.err == nil {
		return resp
	}
	if errors.Is(context.Cause(bounded), c.timeout) {
		return response{err: c.timeout.with(call.secrets.redactError(resp.err))}
	}
	resp.err = withoutCancel(call.secrets.redactError(resp.err))
	return resp
}

// newAttempt returns what all attempts of a call have in common.
func (c *Client) newAttempt(call *call) Attempt {
	return Attempt{Operation: call.operation, Method: call.method, Route: call.route, Host: c.base.Host, TraceID: call.traceID}
}

// report tells the log and the observers of the last attempt of a call that returns err.
func (c *Client) report(ctx context.Context, call *call, resp response, err error) {
	if c.logger == nil && len(c.observers) == 0 {
		return
	}
	a := c.describe(call, resp)
	a.Last = true
	if resp.number == 0 || resp.ok() {
		a.Err = err
	}
	c.tell(ctx, call, a)
}

// reportRetry tells the log and the observers of an attempt that another one follows.
func (c *Client) reportRetry(ctx context.Context, call *call, resp response, backoff time.Duration) {
	if c.logger == nil && len(c.observers) == 0 {
		return
	}
	a := c.describe(call, resp)
	a.Backoff = backoff
	c.tell(ctx, call, a)
}

func (c *Client) describe(call *call, resp response) Attempt {
	a := c.newAttempt(call)
	a.Number, a.StatusCode, a.Err = resp.number, resp.status, resp.err
	a.Queued, a.Duration, a.Elapsed = resp.queued, resp.duration, time.Since(call.started)
	return a
}

func (c *Client) tell(ctx context.Context, call *call, a Attempt) {
	a.log(ctx, c.logger, call.userID)
	for _, observe := range c.observers {
		observe(ctx, a)
	}
}
