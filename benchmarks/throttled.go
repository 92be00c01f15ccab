package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

// The measures at a pod with a limit.
const (
	measureIdeal   = "ideal" // the time relative to that of a client that knows the limit
	measureRefused = "refused"
	measureFailed  = "failed"
)

// The limit of the pod.
const (
	perSecond = 200
	burst     = 20
)

// throttled makes a bulk run for each peer, at a pod with a limit.
func throttled(ctx context.Context, updates int) (table, error) {
	result := table{}
	for _, p := range bulkPeers() {
		run, err := p.throttled(ctx, updates)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		ideal := float64(updates-burst) / perSecond
		result.add(p.name, measureIdeal, run.time.Seconds()/ideal)
		result.add(p.name, measureRefused, float64(run.refused)/float64(run.requests))
		result.add(p.name, measureFailed, float64(run.failed))
	}
	return result, nil
}

// throttledRun is what became of a bulk run at a pod with a limit.
type throttledRun struct {
	time                      time.Duration
	failed, refused, requests int
}

func (p peer) throttled(ctx context.Context, updates int) (throttledRun, error) {
	everyone := make([]symphonytest.User, updates)
	for i := range everyone {
		everyone[i].ID = int64(i + 1)
	}
	pod := symphonytest.NewPod(symphonytest.WithUsers(everyone...), symphonytest.WithRateLimit(perSecond, burst))
	defer pod.Close()
	c, err := p.connect(target{URL: pod.URL(), Token: pod.IssueToken("bulk")})
	if err != nil {
		return throttledRun{}, err
	}
	start := time.Now()
	failures := p.setAll(ctx, c, updates)
	run := throttledRun{time: time.Since(start), failed: len(failures)}
	for _, request := range pod.Requests() {
		run.requests++
		if request.Status == http.StatusTooManyRequests {
			run.refused++
		}
	}
	return run, ctx.Err()
}

// herd makes calls all at once on a session that has expired, and returns the number of
// logins that they make.
func herd(ctx context.Context, calls int) (logins int, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 1}), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "herd", UserProvisioning: true, PublicKey: &key.PublicKey}))
	defer pod.Close()
	tokens, err := auth.NewRSA(pod.LoginURL(), "herd", key)
	if err != nil {
		return 0, err
	}
	c, err := symphony.NewClient(pod.URL(), tokens)
	if err != nil {
		return 0, err
	}
	if _, err := tokens.SessionToken(ctx); err != nil {
		return 0, err
	}
	before := pod.Logins()
	pod.RevokeTokens()
	var group sync.WaitGroup
	failures := make(chan error, calls)
	for range calls {
		group.Go(func() {
			if _, err := c.SetUserPresence(ctx, 1, category, true); err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	return pod.Logins() - before, <-failures
}
