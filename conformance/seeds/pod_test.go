package seeds_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/symphony-go/symphony"
)

// presence is the state of a user.
type presence struct {
	category symphony.PresenceCategory // that was written last
	soft     bool                      // how
	since    time.Time
}

// pod is a model of a pod. It is the transport of its clients.
type pod struct {
	start time.Time

	// pretend makes the pod acknowledge a request without doing what it asks.
	pretend func(*message) bool

	mu          sync.Mutex // guards what follows
	weather     weather
	rate        float64 // requests a second; 0 for no limit
	tokens      float64 // left in the bucket of the rate
	filled      time.Time
	concurrency int // requests in flight; 0 for no limit
	inFlight    int
	expiries    []expiry
	issued      map[string]session
	users       map[int64]presence
	ledger      map[string]int // how often a once-only call was applied
	log         []*message
	received    map[[2]string]int // calls
}

// expiry ends sessions.
type expiry struct {
	at   time.Time
	kind string // of the sessions; "" for all
}

// session is an open session.
type session struct {
	kind  string // "user" or "app"
	since time.Time
}

// RoundTrip serves a request.
func (p *pod) RoundTrip(r *http.Request) (*http.Response, error) {
	m, f := p.receive(r)
	defer p.leave(m)
	ctx := r.Context()
	if err := travel(ctx, f.up); err != nil {
		return nil, err
	}
	switch f.kind {
	case resetFirst:
		return nil, syscall.ECONNRESET
	case hangFirst:
		return nil, hang(ctx)
	}
	status, header, body := p.serve(r, m, f)
	if f.kind == hangAfter {
		return nil, hang(ctx)
	}
	if err := travel(ctx, f.down); err != nil {
		return nil, err
	}
	if f.kind == resetAfter {
		return nil, syscall.ECONNRESET
	}
	return p.respond(r, m, f, status, header, body), nil
}

// travel waits for the time that a message is on its way.
func travel(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// receive logs a request and draws its fault.
func (p *pod) receive(r *http.Request) (*message, fault) {
	m := newMessage(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	m.call = keyOf(p.received, m.call.operation, m.call.trace, m.number)
	p.log = append(p.log, m)
	p.inFlight++
	key := fmt.Sprint(m.path, m.user, m.key)
	return m, p.weather.draw(key, !m.limited, time.Since(p.start))
}

func (p *pod) leave(m *message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	m.end = time.Now()
}

// serve does what a request asks, and returns the response.
func (p *pod) serve(r *http.Request, m *message, f fault) (status int, header http.Header, body any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case f.kind == statusFirst:
		return f.status, retryAfter(f.retryAfter), failure("a fault")
	case f.kind == signOnPage:
		return http.StatusOK, nil, json.RawMessage("<html><title>Sign on</title></html>")
	case !p.admits():
		return http.StatusTooManyRequests, retryAfter("1"), failure("too many requests")
	}
	status, body = p.handle(r, m)
	if f.kind == statusAfter && status == http.StatusOK {
		return f.status, nil, failure("a fault after the fact")
	}
	return status, nil, body
}

func retryAfter(value string) http.Header {
	if value == "" {
		return nil
	}
	return http.Header{"Retry-After": {value}}
}

func failure(message string) any { return map[string]string{"message": message} }

// admits reports whether the limits allow one more request.
func (p *pod) admits() bool {
	if p.concurrency > 0 && p.inFlight > p.concurrency {
		return false
	}
	if p.rate == 0 {
		return true
	}
	now := time.Now()
	p.tokens = min(max(1, p.rate/10), p.tokens+now.Sub(p.filled).Seconds()*p.rate)
	p.filled = now
	if p.tokens < 1 {
		return false
	}
	p.tokens--
	return true
}

// handle is the API.
func (p *pod) handle(r *http.Request, m *message) (int, any) {
	path := r.URL.Path
	switch {
	case path == "/login/pubkey/authenticate":
		return p.logIn(m, "user")
	case path == "/login/pubkey/app/authenticate":
		return p.logIn(m, "app")
	case strings.HasPrefix(path, "/login/") && !p.isValid(m.token, "app"):
		return http.StatusUnauthorized, failure("no app session")
	case strings.HasPrefix(path, "/login/"):
		return p.logIn(m, "user")
	case !p.isValid(m.token, "user"):
		return http.StatusUnauthorized, failure("no session")
	case m.isWrite():
		return p.set(m, r.URL.Query().Get("soft") == "true")
	case path == "/pod/v3/users":
		return http.StatusOK, searchUsers(r.URL.Query().Get("email"))
	case path == "/pod/v1/ledger":
		p.ledger[m.key]++
		m.applied = true
		return http.StatusOK, map[string]string{"key": m.key}
	}
	user, ok := p.users[m.user]
	if !ok {
		return http.StatusNotFound, failure("no such user")
	}
	return http.StatusOK, user.shown(m.user)
}

func (p *pod) logIn(m *message, kind string) (int, any) {
	m.applied = true
	m.issued = fmt.Sprintf("%s-%d", kind, len(p.issued))
	p.issued[m.issued] = session{kind, time.Now()}
	return http.StatusOK, map[string]string{"name": "sessionToken", "token": m.issued}
}

// isValid reports whether a token is that of an open session.
func (p *pod) isValid(token, kind string) bool {
	session, ok := p.issued[token]
	return ok && session.kind == kind && p.expiredBy(session).After(time.Now())
}

// expiredBy returns when a session ends.
func (p *pod) expiredBy(s session) time.Time {
	for _, e := range p.expiries {
		if (e.kind == "" || e.kind == s.kind) && !e.at.Before(s.since) {
			return e.at
		}
	}
	return time.Now().Add(time.Hour)
}

func (p *pod) set(m *message, soft bool) (int, any) {
	if _, ok := p.users[m.user]; !ok {
		return http.StatusNotFound, failure("no such user")
	}
	user := presence{m.category, soft, time.Now()}
	if p.pretend == nil || !p.pretend(m) {
		p.users[m.user] = user
		m.applied = true
	}
	return http.StatusOK, user.shown(m.user)
}

// isOffline reports whether a user is offline: a category that is set with soft waits.
func isOffline(id int64) bool { return id%5 == 0 }

// shown is what a user shows to others.
func (u presence) shown(id int64) symphony.V2Presence {
	if isOffline(id) && u.soft {
		return symphony.V2Presence{Category: symphony.PresenceOffline, UserID: id, Timestamp: symphony.Timestamp{Time: time.Now().UTC()}}
	}
	return symphony.V2Presence{Category: u.category, UserID: id, Timestamp: symphony.Timestamp{Time: u.since.UTC()}}
}

// searchUsers finds the users with an address like u12@pod.test.
func searchUsers(emails string) any {
	users := []symphony.User{}
	for email := range strings.SplitSeq(emails, ",") {
		if id := userOf(email); id > 0 {
			users = append(users, symphony.User{ID: id, EmailAddress: email})
		}
	}
	return map[string]any{"users": users}
}

// userOf returns the id in an address, 0 for an address that no one has.
func userOf(email string) int64 {
	name, found := strings.CutSuffix(email, "@pod.test")
	if !found {
		return 0
	}
	id, _ := strconv.ParseInt(strings.TrimPrefix(name, "u"), 10, 64)
	return id
}

var errCut = errors.New("connection closed within the body")

// respond returns a response, and notes how it arrives.
func (p *pod) respond(r *http.Request, m *message, f fault, status int, header http.Header, body any) *http.Response {
	text, _ := body.(json.RawMessage)
	if text == nil {
		text, _ = json.Marshal(body)
	}
	reader := io.Reader(strings.NewReader(string(text)))
	if f.kind == cutBody {
		reader = io.MultiReader(strings.NewReader(string(text[:len(text)/2])), brokenReader{})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m.status = status
	m.whole = f.kind != cutBody && f.kind != signOnPage
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(reader), Request: r}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errCut }
