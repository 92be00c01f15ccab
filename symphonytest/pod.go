// Package symphonytest is a pod in memory, for the tests of programs that use
// package symphony, and for trying them out. It behaves like a real one as far as
// presence goes: session tokens, the "User Provisioning" entitlement, users who
// are online, idle or offline, and errors of the real shape. It can be told to
// fail, and it reports what it received.
//
//	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
//	defer pod.Close()
//	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")))
//
// A pod listens on loopback. All its methods are safe for concurrent use, and what
// they return are copies.
package symphonytest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// Pod is a pod in memory. Make one with [NewPod], and stop it with Close.
type Pod struct {
	*pod // behind a pointer, so that no fmt verb prints tokens
}

// pod is what a Pod is made of.
type pod struct {
	server  *httptest.Server
	client  *http.Client
	routes  *http.ServeMux
	now     func() time.Time
	closing context.Context // ends when the pod closes, and with it that of every request
	stop    context.CancelFunc

	mu           sync.Mutex // guards what follows
	users        map[int64]*user
	serviceUsers map[string]ServiceUser
	apps         map[string]App
	bots         map[string]*user    // the presence of service users
	sessions     *map[string]session // by token; behind a second pointer: fmt follows one, for a verb that does not fit
	interests    map[interest]bool
	feeds        map[string]*feed
	logins       int
	faults       []*Fault
	handlers     []*http.ServeMux // the newest first
	limit        *bucket          // nil without a rate limit
	log          requestLog
}

// config is what the options of a pod say.
type config struct {
	tls          bool
	users        []User
	serviceUsers []ServiceUser
	apps         []App
	now          func() time.Time
	limit        *bucket
	logSize      int
}

// Option sets up a [Pod].
type Option func(*config)

// WithUsers starts the pod with these users; see [Pod.AddUser].
func WithUsers(users ...User) Option {
	return func(c *config) { c.users = append(c.users, users...) }
}

// WithServiceUsers starts the pod with these service users; see [Pod.AddServiceUser].
func WithServiceUsers(serviceUsers ...ServiceUser) Option {
	return func(c *config) { c.serviceUsers = append(c.serviceUsers, serviceUsers...) }
}

// WithRateLimit makes the pod answer 429 with "Retry-After: 1" to what is over
// perSecond requests a second, after a first burst.
func WithRateLimit(perSecond float64, burst int) Option {
	return func(c *config) { c.limit = newBucket(perSecond, burst) }
}

// WithTLS makes the pod speak HTTPS, HTTP/2 too, with a certificate that only
// [Pod.Client] trusts. A client certificate is asked for, and demanded only by the
// login with one.
func WithTLS() Option {
	return func(c *config) { c.tls = true }
}

// WithRequestLog sets how many requests [Pod.Requests] remembers, the newest; the
// default is 100,000.
func WithRequestLog(size int) Option {
	return func(c *config) { c.logSize = size }
}

// NewPod starts a pod. Like [httptest.NewServer] it panics if it cannot listen on
// loopback.
func NewPod(opts ...Option) *Pod {
	c := config{logSize: 100_000, now: time.Now}
	for _, opt := range opts {
		opt(&c)
	}
	p := &Pod{&pod{
		users:        map[int64]*user{},
		serviceUsers: map[string]ServiceUser{},
		apps:         map[string]App{},
		bots:         map[string]*user{},
		sessions:     &map[string]session{},
		interests:    map[interest]bool{},
		feeds:        map[string]*feed{},
		now:          c.now,
		limit:        c.limit,
		log:          requestLog{size: max(0, c.logSize)},
	}}
	for _, u := range c.users {
		p.AddUser(u)
	}
	for _, s := range c.serviceUsers {
		p.AddServiceUser(s)
	}
	for _, a := range c.apps {
		p.AddApp(a)
	}
	p.closing, p.stop = context.WithCancel(context.Background())
	p.routes = http.NewServeMux()
	p.presenceRoutes(p.routes)
	p.loginRoutes(p.routes)
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.Config.BaseContext = func(net.Listener) context.Context { return p.closing }
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // faults are on purpose
	transport := symphony.NewTransport()
	if c.tls {
		p.server.EnableHTTP2 = true
		p.server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert}
		p.server.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(p.server.Certificate())
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	} else {
		p.server.Start()
	}
	p.client = &http.Client{Transport: transport}
	return p
}

// URL is the base URL for [symphony.NewClient]. It ends in /pod.
func (p *Pod) URL() string { return p.server.URL + basePod }

// Client is an HTTP client that trusts the pod's certificate, to lend with
// [symphony.WithHTTPClient]. Close closes its connections.
func (p *Pod) Client() *http.Client {
	client := *p.client
	return &client
}

// Close stops the pod. Requests under way end.
func (p *Pod) Close() {
	p.stop()
	p.client.CloseIdleConnections()
	p.server.Close()
}

const basePod = "/pod"

// maxBody is the most that the pod reads of a request.
const maxBody = 16 << 20

// serve is the way of every request: it is read and noted, then limited, failed on
// purpose, or answered.
func (p *Pod) serve(w http.ResponseWriter, r *http.Request) {
	// Read first: only then does the server notice that a client went away.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusBadRequest, http.StatusBadRequest, "The request body cannot be read")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	entry := p.note(r, body)
	answer := &statusWriter{ResponseWriter: w}
	p.answer(answer, r)
	p.noteStatus(entry, answer.status) // not after a panic, which breaks the answer off
}

// answer answers a request that was read.
func (p *Pod) answer(w http.ResponseWriter, r *http.Request) {
	if !p.allow() {
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusTooManyRequests, http.StatusTooManyRequests, "Too many requests")
		return
	}
	if fault, ok := p.nextFault(r); ok {
		p.fail(w, r, fault)
		return
	}
	p.handler(r).ServeHTTP(w, r)
}

// Handle serves a route by a handler of yours instead of the pod's own. The
// pattern is that of [http.ServeMux], with the base in its path:
// "POST /pod/v3/user/presence". Of two handlers that match, the newer one serves.
func (p *Pod) Handle(pattern string, handler http.Handler) {
	mux := http.NewServeMux()
	mux.Handle(pattern, handler)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handlers = append([]*http.ServeMux{mux}, p.handlers...)
}

// HandleFunc is Handle for a function.
func (p *Pod) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	p.Handle(pattern, http.HandlerFunc(handler))
}

// handler is the handler of a request: one of the user's, or the pod's own.
func (p *Pod) handler(r *http.Request) http.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, mux := range p.handlers {
		if _, pattern := mux.Handler(r); pattern != "" {
			return mux // which sets the path values, as the handler alone would not
		}
	}
	return p.routes
}

// pathBelowBase is the path of a request without /pod.
func pathBelowBase(path string) string {
	if _, below, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok {
		return "/" + below
	}
	return path
}

// allow reports whether the rate limit lets a request pass.
func (p *Pod) allow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit == nil || p.limit.take(time.Now())
}

// bucket is a token bucket.
type bucket struct {
	perSecond, burst, level float64
	filled                  time.Time
}

func newBucket(perSecond float64, burst int) *bucket {
	full := max(1, float64(burst))
	return &bucket{perSecond: perSecond, burst: full, level: full}
}

func (b *bucket) take(now time.Time) bool {
	if !b.filled.IsZero() {
		b.level = min(b.burst, b.level+now.Sub(b.filled).Seconds()*b.perSecond)
	}
	b.filled = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}
