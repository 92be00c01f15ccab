package symphonytest

import (
	"net/http"
	"testing"
	"time"
)

// Pod is a pod in memory. Make one with [New] or [NewPod].
type Pod struct {
	*pod // behind a pointer, so that no fmt verb prints tokens
}

// pod is what a Pod is made of.
type pod struct {
	*state
	*frontend
	*server
}

// NewPod starts a pod, which must be closed. Like [net/http/httptest.NewServer] it panics
// if it cannot listen on loopback.
func NewPod(opts ...Option) *Pod {
	c := config{now: time.Now, logSize: 100_000}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	state := newState(c.now)
	for _, u := range c.users {
		state.AddUser(u)
	}
	for _, s := range c.serviceUsers {
		state.AddServiceUser(s)
	}
	for _, a := range c.apps {
		state.AddApp(a)
	}
	frontend := newFrontend(c, newRoutes(api{state}))
	return &Pod{&pod{state, frontend, newServer(c, http.HandlerFunc(frontend.serve))}}
}

// New starts a pod for a test, and closes it when the test ends. The test fails if a
// fault given to [Pod.Fail] never happened, because no request matched it.
func New(t testing.TB, opts ...Option) *Pod {
	t.Helper()
	p := NewPod(opts...)
	t.Cleanup(func() {
		p.Close()
		for _, fault := range p.unmet() {
			t.Errorf("symphonytest: no request matched the fault %q", fault)
		}
	})
	return p
}

// URL returns the base URL for [symphony.NewClient]. It ends in /pod.
func (p *Pod) URL() string { return p.origin + basePod }

// LoginURL returns the base URL of the login with an RSA key. It ends in /login.
func (p *Pod) LoginURL() string { return p.origin + baseLogin }

// SessionAuthURL returns the base URL of the login with a certificate, which needs
// [WithTLS] or [WithoutNetwork]. It ends in /sessionauth.
func (p *Pod) SessionAuthURL() string { return p.origin + baseSessionAuth }

// Client returns an HTTP client that reaches the pod and trusts its certificate, to pass
// to [symphony.WithHTTPClient]. Its transport is an [*http.Transport]. Close closes its
// connections.
func (p *Pod) Client() *http.Client {
	client := *p.client
	return &client
}
