package seeds_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"io"
	"iter"
	"math/big"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// client is what the callers use of a symphony.Client.
type client interface {
	SetUserPresence(ctx context.Context, userID int64, category symphony.PresenceCategory, soft bool) (*symphony.V2Presence, error)
	GetUserPresence(ctx context.Context, userID int64, local bool) (*symphony.V2Presence, error)
	SetUserPresences(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.PresenceResult]
	ChangeUserPresences(ctx context.Context, updates iter.Seq[symphony.PresenceUpdate], opts ...symphony.BulkOption) iter.Seq[symphony.ChangeResult]
	RevertUserPresences(ctx context.Context, changes iter.Seq[symphony.PresenceChange], opts ...symphony.BulkOption) iter.Seq[symphony.RevertResult]
	UsersByEmail(ctx context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult]
	Do(ctx context.Context, req symphony.Request, out any) error
	Limits() symphony.Limits
}

func drawPod(seed uint64, random *rand.Rand, tick tick) *pod {
	p := &pod{
		start: time.Now(),
		weather: weather{
			seed:    seed,
			tick:    tick,
			latency: time.Duration(1+random.IntN(40)) * time.Millisecond,
			faulty:  []float64{0, 0.02, 0.1, 0.3}[random.IntN(4)],
			windows: drawWindows(random),
			seen:    map[string]uint64{},
		},
		issued:   map[string]session{},
		users:    map[int64]presence{},
		ledger:   map[string]int{},
		received: map[[2]string]int{},
	}
	if random.IntN(4) == 0 {
		p.rate = 3 + 100*random.Float64()
		p.tokens, p.filled = 1, p.start
	}
	if random.IntN(4) == 0 {
		p.concurrency = 1 + random.IntN(8)
	}
	for range random.IntN(5) {
		at := p.start.Add(tick.draw(random, 20*time.Second))
		p.expiries = append(p.expiries, expiry{at, []string{"", "user", "app"}[random.IntN(3)]})
	}
	slices.SortFunc(p.expiries, func(a, b expiry) int { return a.at.Compare(b.at) })
	return p
}

// world is one seed: a pod, a client and what its callers saw.
type world struct {
	plan
	*pod
	*history

	planted planted
	clients []client
	checked chan struct{} // closed after the check
}

// connect makes the clients, which share a session.
func (w *world) connect() error {
	var transport http.RoundTripper = w.pod
	if w.planted.transport != nil {
		transport = w.planted.transport(w, transport)
	}
	observe := w.observe
	if w.planted.observer != nil {
		observe = w.planted.observer(observe)
	}
	common := symphony.Options(
		symphony.WithHTTPClient(&http.Client{Transport: transport}),
		symphony.WithRetryPolicy(w.policy),
		symphony.WithAttemptTimeout(w.attemptTimeout),
		symphony.WithObserver(observe),
	)
	tokens, err := w.logIn(common)
	if err != nil {
		return err
	}
	opts := []symphony.Option{common}
	if w.plan.rate > 0 {
		opts = append(opts, symphony.WithRateLimit(w.plan.rate))
	}
	for range w.plan.clients {
		sound, err := symphony.NewClient("https://pod.invalid/pod", tokens, opts...)
		if err != nil {
			return err
		}
		var c client = sound
		if w.planted.client != nil {
			c = w.planted.client(w, sound)
		}
		w.clients = append(w.clients, c)
	}
	return nil
}

// logIn returns the provider of the client.
func (w *world) logIn(opts symphony.Option) (symphony.SessionTokenProvider, error) {
	const loginURL = "https://pod.invalid/login"
	newProvider := func() (symphony.SessionTokenRefresher, error) {
		if !w.app {
			return auth.NewRSA(loginURL, "service", signer{}, opts)
		}
		app, err := auth.NewApp(loginURL, "app", signer{}, opts)
		if err != nil {
			return nil, err
		}
		return app.User(7), nil
	}
	if w.planted.tokens != nil {
		return w.planted.tokens(newProvider)
	}
	return newProvider()
}

// signer is a key that signs in no time. The pod verifies nothing.
type signer struct{}

func (signer) Public() crypto.PublicKey { return &rsa.PublicKey{N: big.NewInt(15), E: 3} }

func (signer) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return []byte("signature"), nil
}

// planted is a fault of the client, its login, the pod or the results. The zero planted is
// none.
type planted struct {
	name     string
	property string // that it breaks

	world     func(*world) // before the client is made
	transport func(w *world, next http.RoundTripper) http.RoundTripper
	observer  func(next observer) observer
	client    func(w *world, sound client) client
	tokens    func(newProvider func() (symphony.SessionTokenRefresher, error)) (symphony.SessionTokenProvider, error)
	dropped   bool         // the first result of each run
	played    func(*world) // before the check
}

type observer = func(context.Context, symphony.Attempt)

// drops reports whether a result is dropped.
func (p planted) drops(results int) bool { return p.dropped && results == 0 }
