package symphony

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strconv"
	"strings"

	"github.com/hashicorp/go-retryablehttp"
)

// sdkVersion is the version of this package, for the User-Agent.
const sdkVersion = "0.1.0"

// Headers, in the form that net/http keeps them in; on the wire their case does
// not matter.
const (
	headerSessionToken = "Sessiontoken"
	headerAccept       = "Accept"
	headerContentType  = "Content-Type"
	headerUserAgent    = "User-Agent"
	headerTraceID      = "X-Trace-Id"

	headerIdempotencyKey = "Idempotency-Key"

	contentTypeJSON = "application/json"
)

// Client calls a pod. It is immutable and safe for concurrent use; make one with
// [NewClient] and keep it, because it holds the connections.
type Client struct {
	// Behind a pointer, so that no fmt verb prints a header or a token, also not
	// of a Client that is a field of something else.
	*core
}

// core is what a Client is made of.
type core struct {
	base        *url.URL
	tokens      *SessionTokenProvider // behind a second pointer: fmt follows one, for a verb that does not fit
	template    *http.Request         // what all requests have in common
	retrier     *retryablehttp.Client
	attempts    *attempts
	jar         bool // the lent HTTP client has one
	maxAttempts int
}

// NewClient gives a client of the pod at podURL, which is the API's base URL with
// its path: https://acme.symphony.com/pod. Nothing is sent before the first call.
//
// A URL that is not absolute http or https, or has user info, a query or a
// fragment, is refused with an [*InvalidArgumentError], and so is an option that
// cannot work. So is http:// to a host that is not loopback, unless
// [WithPlaintextHTTP] allows it.
func NewClient(podURL string, tokens SessionTokenProvider, opts ...Option) (*Client, error) {
	s, err := apply(opts)
	if err != nil {
		return nil, err
	}
	base, err := parseBaseURL(podURL, s.plaintext)
	if err != nil {
		return nil, err
	}
	if f, ok := tokens.(SessionTokenFunc); tokens == nil || ok && f == nil {
		return nil, &InvalidArgumentError{"tokens", "it is nil; for a client without a session token there is NoSessionToken"}
	}
	client, transport, err := s.lentClient()
	if err != nil {
		return nil, err
	}
	timeout := s.attemptTimeout
	if client.Timeout > 0 {
		timeout = min(timeout, client.Timeout)
		client.Timeout = 0
	}
	c := &core{
		base:        base,
		tokens:      &tokens,
		template:    &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: base.Host, Header: s.requestHeader()},
		attempts:    &attempts{base: transport, throttle: newThrottle(s.rate, s.policy), timeouts: newTimeouts(timeout), logger: s.logger},
		jar:         client.Jar != nil,
		maxAttempts: s.policy.MaxAttempts,
	}
	client.Transport = c.attempts
	c.retrier = newRetrier(client, s, c.header)
	return &Client{c}, nil
}

// CloseIdleConnections closes the connections that no call uses at the moment.
// On a lent HTTP client they are those of its transport.
func (c *Client) CloseIdleConnections() {
	if c == nil || c.core == nil {
		return
	}
	if transport, ok := c.attempts.base.(interface{ CloseIdleConnections() }); ok {
		transport.CloseIdleConnections()
	}
}

// parseBaseURL checks the base URL. Its errors do not show it, for it may hold a
// password.
func parseBaseURL(raw string, plaintext bool) (*url.URL, error) {
	refuse := func(reason string) (*url.URL, error) {
		return nil, &InvalidArgumentError{"podURL", reason + "; it looks like https://acme.symphony.com/pod"}
	}
	// One slash comes with the path of a call. An escaped one at the end stays.
	base, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil:
		return refuse("it is not a URL")
	case base.Scheme != "https" && base.Scheme != "http":
		return refuse("it does not begin with https:// (or http://)")
	case base.User != nil:
		return refuse("it holds user info, which a pod does not take")
	case strings.Contains(raw, "?"):
		return refuse("it holds a query")
	case strings.Contains(raw, "#"):
		return refuse("it holds a fragment")
	case base.Hostname() == "":
		return refuse("it names no host")
	case !isPort(base.Port()):
		return refuse("its port is not between 1 and 65535")
	case base.Scheme == "http" && !plaintext && !isLoopback(base.Hostname()):
		return refuse("http:// would send the session token in clear text; use https://, or WithPlaintextHTTP on a trusted network")
	}
	return base, nil
}

// isPort reports whether a URL's port can be dialled; none can.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// ownUserAgent is "symphony-go/VERSION (go1.26; linux/amd64)".
func ownUserAgent() string {
	return fmt.Sprintf("symphony-go/%s (%s; %s/%s)", sdkVersion, version.Lang(runtime.Version()), runtime.GOOS, runtime.GOARCH)
}

// Request is a call of the Pod API for [Client.Do].
type Request struct {
	Method    string     // GET when empty
	Path      string     // below the base URL and in escaped form, "/v3/user/presence"
	Query     url.Values // nil for none
	Body      any        // sent as JSON; nil sends none
	Retryable bool       // a POST or PATCH that may safely be sent twice; GET, HEAD, OPTIONS, PUT, DELETE always may
}

// Do makes any call of the Pod API, with the same token, retries and errors as
// the presence calls. The answer is decoded from JSON into out, a non-nil pointer;
// with a nil out any 2xx will do and its body is ignored.
//
// A Path that does not begin with "/", is not in escaped form, or holds "?", "#"
// or a ".." segment is refused with an [*InvalidArgumentError].
func (c *Client) Do(ctx context.Context, req Request, out any) error {
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	retryable := req.Retryable
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		retryable = true
	case http.MethodPost, http.MethodPatch:
	default:
		return &InvalidArgumentError{"req.Method", fmt.Sprintf("%.20q is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE", req.Method)}
	}
	if err := checkPath(req.Path); err != nil {
		return err
	}
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return &InvalidArgumentError{"out", fmt.Sprintf("a %T is not a non-nil pointer", out)}
	}
	return c.do(ctx, request{req.Method, req.Path, req.Query.Encode(), req.Body, retryable}, out)
}

// checkPath refuses a path that would lead elsewhere than it seems to.
func checkPath(path string) error {
	refuse := func(reason string) error { return &InvalidArgumentError{"req.Path", reason} }
	plain, err := url.PathUnescape(path)
	switch {
	case !strings.HasPrefix(path, "/"):
		return refuse(`it does not begin with "/"`)
	case strings.ContainsAny(path, "?#"):
		return refuse(`it holds "?" or "#": parameters go into Query, and a value in the path is escaped by url.PathEscape`)
	case err != nil || (&url.URL{Path: plain, RawPath: path}).EscapedPath() != path:
		return refuse("it is not in escaped form: url.PathEscape escapes a value in it")
	}
	for segment := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment, _, _ = strings.Cut(segment, ";"); segment == ".." { // Tomcat drops what follows a semicolon
			return refuse(`it holds a ".." segment`)
		}
	}
	return nil
}

// request is a call of the API that has been checked.
type request struct {
	method    string
	path      string // escaped
	query     string // encoded
	body      any
	retryable bool
}

// do is the way of every call: address, body, token, send and retry, status, decode.
func (c *Client) do(ctx context.Context, req request, out any) error {
	if c == nil || c.core == nil {
		return &InvalidArgumentError{"client", "it was not made by NewClient"}
	}
	if ctx == nil {
		return &InvalidArgumentError{"ctx", "it is nil"}
	}
	call := &call{
		Context:     ctx,
		method:      req.method,
		path:        req.path,
		retryable:   req.retryable,
		discard:     out == nil,
		maxAttempts: c.maxAttempts,
		traceID:     traceIDFor(ctx),
	}
	if err := call.address(c.base, req.query); err != nil {
		return err
	}
	if err := call.encode(req.body); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return call.interrupted(err)
	}
	var err error
	if call.secrets[0], err = c.sessionToken(ctx); err != nil {
		failure := call.fail("session token", err)
		failure.noToken = true
		return failure
	}
	if err := c.send(call); err != nil {
		return err
	}
	if call.last.status == http.StatusUnauthorized {
		if err := c.sendRenewed(call); err != nil {
			return err
		}
	}
	if !isSuccess(call.last.status) {
		return call.statusError()
	}
	return call.decode(out)
}

// send makes the attempts of a call until one decides it. An error is one of the
// network or of the context.
func (c *Client) send(call *call) error {
	err := c.attempt(call)
	switch {
	case err != nil:
		return call.interrupted(err)
	case call.last.status == 0:
		return call.unanswered()
	}
	return nil
}

// attempt makes the attempts of a call. The first one goes straight to the
// transport, and most calls need no other: http.Client and the loop around it take
// 8 % of a call's time. The loop begins with its outcome. Only http.Client serves a
// cookie jar.
func (c *core) attempt(call *call) error {
	if !c.jar {
		if err := c.attempts.make(call, c.template, c.header(call)); err != nil || !call.mayTryAgain() {
			return err
		}
		call.replay = true
	}
	r := c.template.WithContext(call)
	r.Method = call.method
	r.URL = &call.url
	r.Header = c.header(call)
	_, err := c.retrier.Do(&retryablehttp.Request{Request: r}) //nolint:bodyclose // there is none: see attempts
	return err
}

// header is the header of one attempt.
func (c *core) header(call *call) http.Header {
	header := maps.Clone(c.template.Header)
	call.setHeader(header)
	return header
}

// sendRenewed sends a call that was refused with 401 once more, with a new token
// if the provider has one.
func (c *Client) sendRenewed(call *call) error {
	refused := call.secrets[0]
	token, err := c.renewedSessionToken(call.Context, refused)
	if err != nil {
		return call.fail("401 Unauthorized, and no new session token", err, call.statusError())
	}
	if _, refresher := (*c.tokens).(SessionTokenRefresher); token == refused && !refresher {
		return nil
	}
	call.secrets = secrets{token, refused}
	call.maxAttempts = max(call.maxAttempts, call.attempts+1)
	return c.send(call)
}

// decode reads a 2xx answer into out.
func (c *call) decode(out any) error {
	if out == nil {
		return nil
	}
	err := c.last.decode(out, c.secrets)
	if err == nil {
		return nil
	}
	return &DecodeError{c.method, c.path, c.last.status, c.answeredTraceID(), c.attempts, c.secrets.redactError(err)}
}

func (o *outcome) decode(out any, s secrets) error {
	body := bytes.TrimSpace(o.body)
	switch {
	case o.err != nil:
		return fmt.Errorf("it breaks off after %d bytes: %w", len(o.body), o.err)
	case o.cut:
		return fmt.Errorf("it is larger than %d MiB", maxBody>>20)
	case o.status == http.StatusNoContent && acceptsNoContent(out):
		return nil
	case len(body) == 0:
		return errors.New("it is empty")
	case string(body) == "null":
		return errors.New("it is null")
	}
	if presence, ok := out.(*V2Presence); ok && presence.scan(body) {
		return nil
	}
	if err := json.Unmarshal(o.body, out); err != nil {
		if isHTML(o.header, o.body) {
			return fmt.Errorf("it is an HTML page, %q: %w", line(s.redact(pageTitle(o.body)), maxTraceID), err)
		}
		return err
	}
	if r, ok := out.(interface{ redact(func(string) string) }); ok {
		r.redact(s.redact)
	}
	if v, ok := out.(interface{ validate() error }); ok {
		return v.validate()
	}
	return nil
}

func acceptsNoContent(out any) bool {
	_, ok := out.(interface{ acceptsNoContent() })
	return ok
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

const traceIDAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// traceIDFor is the caller's trace id, or a new one: six random characters.
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
