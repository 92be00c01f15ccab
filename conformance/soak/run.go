package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

const (
	perSecond      = 1000 // requests that the pod takes
	burst          = 200
	attemptTimeout = time.Second
	roundTimeout   = time.Minute // no round takes as long, whatever goes wrong
)

// run is a soak: rounds of updates, against a pod that fails as it is told.
type run struct {
	seed      uint64
	pod       *symphonytest.Pod
	transport *http.Transport
	client    *symphony.Client

	rounds, done, failed, retries, broken, refused, limited atomic.Int64 // what is shown meanwhile

	mu    sync.Mutex // guards what follows
	found findings
}

// newRun starts a pod, and makes a client that logs in there with a key.
func newRun(seed uint64) (*run, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	r := &run{
		seed:      seed,
		transport: symphony.NewTransport(),
		pod: symphonytest.NewPod(
			symphonytest.WithRateLimit(perSecond, burst),
			symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "soak", UserProvisioning: true, PublicKey: &key.PublicKey})),
	}
	for user := int64(1); user <= users; user++ {
		r.pod.AddUser(symphonytest.User{ID: user})
	}
	opts := []symphony.Option{
		symphony.WithHTTPClient(&http.Client{Transport: r.transport}),
		symphony.WithObserver(r.countRetry),
		symphony.WithAttemptTimeout(attemptTimeout),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond}),
	}
	tokens, err := auth.NewRSA(r.pod.LoginURL(), "soak", key, opts...)
	if err == nil {
		r.client, err = symphony.NewClient(r.pod.URL(), tokens, opts...)
	}
	if err != nil {
		r.pod.Close()
	}
	return r, err
}

// countRetry counts the attempts that are not the first of their call.
func (r *run) countRetry(_ context.Context, a symphony.Attempt) {
	if a.Number > 1 {
		r.retries.Add(1)
	}
}

// lost notes an update that came to nothing.
func (r *run) lost(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.lost = append(r.found.lost, fmt.Sprintf(format, args...))
}

// findings are those so far.
func (r *run) findings() findings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return findings{slices.Clone(r.found.lost), slices.Clone(r.found.disorder)}
}

// round makes the nth round, and checks it.
func (r *run) round(ctx context.Context, n uint64) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	plan := planRound(r.seed, n)
	before := make(map[int64]symphony.PresenceCategory, users)
	for user := int64(1); user <= users; user++ {
		state, _ := r.pod.User(user)
		before[user] = state.Category
	}
	r.pod.Fail(plan.faults...)
	var results atomic.Int64
	note := func(u *update, err error) {
		if err == nil {
			u.outcome = done
			r.done.Add(1)
		} else {
			u.outcome = failed
			r.failed.Add(1)
		}
		if results.Add(1) == int64(plan.expiry) {
			r.pod.RevokeTokens()
		}
	}
	var group sync.WaitGroup
	for i, lane := range plan.lanes {
		group.Go(func() {
			if i < bulkRuns {
				r.bulk(ctx, lane, note)
			} else {
				r.singly(ctx, lane, note)
			}
		})
	}
	group.Wait()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		r.lost("round %d did not end within %v", n, roundTimeout)
	}
	r.pod.ClearFaults()
	r.conclude(plan, before)
	r.rounds.Add(1)
}

// conclude checks a round. The pod may still be recording its last response.
func (r *run) conclude(plan *round, before map[int64]symphony.PresenceCategory) {
	var found findings
	var received []symphonytest.Request
	for range 100 {
		received = r.pod.Requests()
		if found = plan.check(r.pod, before, received); len(found.lost) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.pod.ClearRequests()
	for _, request := range received {
		switch {
		case request.Status == 0:
			r.broken.Add(1)
		case request.Status == http.StatusTooManyRequests:
			r.limited.Add(1)
		case request.Status >= http.StatusInternalServerError:
			r.refused.Add(1)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.add(found)
}

// bulk sends a lane as a bulk run, which ends early if the login fails.
func (r *run) bulk(ctx context.Context, lane []*update, note func(*update, error)) {
	pulled := 0
	source := func(yield func(symphony.PresenceUpdate) bool) {
		for _, u := range lane {
			pulled++
			if !yield(u.PresenceUpdate) {
				return
			}
		}
	}
	for result := range r.client.SetUserPresences(ctx, source) {
		u := lane[result.Index]
		if u.outcome != unsent || result.Update != u.PresenceUpdate {
			r.lost("user %d: %s has a result that is another's, or a second one", u.UserID, u.Category)
		}
		r.verify(u, result.Presence, result.Err)
		note(u, result.Err)
	}
	for _, u := range lane[:pulled] {
		if u.outcome == unsent {
			r.lost("user %d: %s has no result", u.UserID, u.Category)
		}
	}
}

// singly sends a lane by single calls.
func (r *run) singly(ctx context.Context, lane []*update, note func(*update, error)) {
	for _, u := range lane {
		if ctx.Err() != nil {
			return
		}
		presence, err := r.client.SetUserPresence(ctx, u.UserID, u.Category, u.Soft)
		r.verify(u, presence, err)
		if state, _ := r.pod.User(u.UserID); err == nil && state.Category != u.Category {
			r.lost("user %d: %s is done, and %s stands", u.UserID, u.Category, state.Category)
		}
		note(u, err)
	}
}

// verify checks that a response belongs to the update, and that no update fails because a
// session has expired: the client logs in.
func (r *run) verify(u *update, presence *symphony.V2Presence, err error) {
	switch {
	case errors.As(err, new(*symphony.UnauthorizedError)):
		r.lost("user %d: %s: %v", u.UserID, u.Category, err)
	case err == nil && (presence.UserID != u.UserID || presence.Category != u.Category):
		r.lost("user %d: %s has the response of another call, %d %s", u.UserID, u.Category, presence.UserID, presence.Category)
	}
}

// footprint is what a program takes of the machine while no call is under way.
type footprint struct {
	goroutines int
	heap       uint64
}

// footprint measures, when no more than so many goroutines are left, or after 5 s.
func (r *run) footprint(goroutines int) footprint {
	for range 500 {
		r.transport.CloseIdleConnections()
		if runtime.NumGoroutine() <= goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return footprint{runtime.NumGoroutine(), memory.HeapAlloc}
}
