package seeds_test

import (
	"context"
	"net/http"

	"github.com/symphony-go/symphony"
)

// planted is a fault of the client, its login, the pod or the results, that the checker
// must find. The zero planted is none.
type planted struct {
	name      string
	property  string // that it breaks
	world     func(*world)
	transport func(w *world, next http.RoundTripper) http.RoundTripper
	observer  func(next func(context.Context, symphony.Attempt)) func(context.Context, symphony.Attempt)
	client    func(client) client
	tokens    func(newProvider func() (symphony.SessionTokenRefresher, error)) (symphony.SessionTokenProvider, error)
	dropped   bool // the first result of each run
}

// drops reports whether a result is dropped.
func (p planted) drops(results int) bool { return p.dropped && results == 0 }
