package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// rehearsal is a pod, a telephone system with its people, and the service as a process of
// its own, with all that can go wrong.
type rehearsal struct {
	seed     uint64
	people   int
	spread   time.Duration // over which the people begin
	kills    int
	outage   time.Duration // how long the pod is away
	patience time.Duration // how long to wait for something to happen
	out      io.Writer     // of what happens
	// Tests put something in between: a server in front of the pod, and what sends the events.
	podURL func() string // nil for that of the pod
	phone  http.RoundTripper

	began     time.Time
	dir       string
	key       string // PEM
	pod       *symphonytest.Pod
	telephone *telephone
	actors    []*actor
	process   *process
	mu        sync.Mutex // guards out
}

// limit is how long a rehearsal takes at most.
const limit = 58 * time.Second

// rehearse runs a rehearsal. The last line of stdout is the result.
func rehearse(ctx context.Context, seed uint64, stdout, stderr io.Writer) error {
	if seed == 0 {
		seed = mathrand.Uint64N(1_000_000) + 1
	}
	r := &rehearsal{
		seed: seed, people: 200, spread: 14 * time.Second, kills: 6, outage: 10 * time.Second, patience: 25 * time.Second,
		out: stderr, phone: &http.Transport{MaxIdleConnsPerHost: 32},
	}
	fmt.Fprintf(stderr, "phonebridge: neither %s nor a SYMPHONY_ variable is set: this is a rehearsal with %d people; -seed %d repeats its plan\n", envSecret, r.people, seed)
	return r.report(ctx, stdout, stderr)
}

// report runs a rehearsal and prints its result.
func (r *rehearsal) report(ctx context.Context, stdout, stderr io.Writer) error {
	result, err := r.run(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "phonebridge: %v (log of the service: %q)\n", err, r.dir)
		return err
	}
	if result.faults() > 0 {
		err = errBroken
		fmt.Fprintf(stderr, "phonebridge: %v; its log and database are in %s\n", err, r.dir)
	}
	fmt.Fprintln(stdout, result)
	return err
}

// run rehearses and returns what the audit found.
func (r *rehearsal) run(ctx context.Context) (result audit, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the rehearsal is not over after %v", limit))
	defer cancel()
	r.began = time.Now()
	if err := r.open(); err != nil {
		return result, err
	}
	defer func() { r.close(err == nil && result.faults() == 0) }()
	if err := r.start(ctx); err != nil {
		return result, err
	}
	if err := r.play(ctx); err != nil {
		return result, err
	}
	expiry := time.Now()
	if err := r.expire(ctx); err != nil {
		return result, err
	}
	return newAudit(r.actors, r.pod, expiry), nil
}

func (r *rehearsal) open() (err error) {
	if r.dir, err = os.MkdirTemp("", "phonebridge-"); err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	r.key = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	r.telephone = &telephone{client: http.Client{Transport: r.phone, Timeout: 5 * time.Second}}
	if r.telephone.signer, err = newSigner(rand.Text() + rand.Text()); err != nil {
		return err
	}
	r.pod = symphonytest.NewPod(symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "phonebridge", UserProvisioning: true, PublicKey: &key.PublicKey}))
	if r.podURL == nil {
		r.podURL = r.pod.URL
	}
	r.slowPod()
	random := mathrand.New(mathrand.NewPCG(r.seed, 1))
	for i := range r.people {
		a := newActor(r.pod, int64(i)+1, r.spread, random)
		a.telephone, a.patience = r.telephone, r.patience
		r.actors = append(r.actors, a)
	}
	return nil
}

func (r *rehearsal) close(clean bool) {
	if r.process != nil {
		r.process.kill()
	}
	if r.pod != nil {
		r.pod.Close()
	}
	if clean {
		_ = os.RemoveAll(r.dir)
	}
}

// slowPod makes the pod take a while for each response, so that a kill hits a call.
func (r *rehearsal) slowPod() {
	r.pod.ClearFaults()
	r.pod.Fail(symphonytest.Fault{Times: -1, Delay: 15 * time.Millisecond})
}

// say prints what happens.
func (r *rehearsal) say(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "phonebridge: %4.1f s: %s\n", time.Since(r.began).Seconds(), text)
}

// start starts the service.
func (r *rehearsal) start(ctx context.Context, args ...string) (err error) {
	args = append([]string{"-attached", "-listen", "127.0.0.1:0", "-database", filepath.Join(r.dir, "calls.db")}, args...)
	r.process, err = startProcess(ctx, filepath.Join(r.dir, "log.jsonl"), args, []string{
		envSecret + "=" + string(r.telephone.signer.secret),
		"SYMPHONY_POD_URL=" + r.podURL(),
		"SYMPHONY_LOGIN_URL=" + r.pod.LoginURL(),
		"SYMPHONY_USERNAME=phonebridge",
		"SYMPHONY_PRIVATE_KEY=" + r.key,
	})
	if err != nil {
		return err
	}
	r.telephone.address.Store(&r.process.address)
	return nil
}

// play lets all people make their calls, while the service is killed and the pod is away.
func (r *rehearsal) play(ctx context.Context) error {
	actors, actorsCtx := errgroup.WithContext(ctx)
	for _, a := range r.actors {
		actors.Go(func() error { return a.play(actorsCtx) })
	}
	troubles, troublesCtx := errgroup.WithContext(ctx)
	random := mathrand.New(mathrand.NewPCG(r.seed, 2))
	kills := make([]time.Duration, r.kills)
	for i := range kills {
		kills[i] = time.Second + time.Duration(random.Int64N(int64(2*r.spread)))
	}
	slices.Sort(kills)
	troubles.Go(func() error { return r.killOften(troublesCtx, kills) })
	if r.outage > 0 {
		at := r.spread/4 + time.Duration(random.Int64N(int64(r.spread/2)))
		troubles.Go(func() error { return r.takePodAway(troublesCtx, at) })
	}
	if err := errors.Join(troubles.Wait(), actors.Wait()); err != nil {
		return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
	}
	r.say("all calls but the forgotten ones have ended")
	return r.awaitQuiet(ctx, false)
}

// killOften kills the service at these times, and starts it again at once.
func (r *rehearsal) killOften(ctx context.Context, times []time.Duration) error {
	for _, at := range times {
		sleep(ctx, time.Until(r.began.Add(at)))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.process.kill()
		r.say("the service is killed")
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// takePodAway makes the pod reset connections for half of the outage, and respond with 503
// for the other half.
func (r *rehearsal) takePodAway(ctx context.Context, at time.Duration) error {
	sleep(ctx, time.Until(r.began.Add(at)))
	r.say("the pod is away")
	for _, fault := range []symphonytest.Fault{{Times: -1, Reset: true}, {Times: -1, Status: http.StatusServiceUnavailable}} {
		r.pod.ClearFaults()
		r.pod.Fail(fault)
		sleep(ctx, r.outage/2)
	}
	r.slowPod()
	r.say("the pod is back")
	return ctx.Err()
}

// expire ends the service as an operator does, and starts it again with a longest call that
// the calls whose end never came have exceeded.
func (r *rehearsal) expire(ctx context.Context) error {
	if err := r.process.end(); err != nil {
		return fmt.Errorf("%w: it did not end as asked: %w", errBroken, err)
	}
	r.say("the service has ended as asked; it starts again with a longest call of 1 s")
	if err := r.start(ctx, "-longest-call", "1s"); err != nil {
		return err
	}
	if err := r.awaitQuiet(ctx, true); err != nil {
		return err
	}
	return r.process.end()
}

// awaitQuiet waits until no one shows ON_THE_PHONE and the service has made no call for a
// second, or else for so long that it will not happen.
func (r *rehearsal) awaitQuiet(ctx context.Context, forgotten bool) error {
	deadline := time.Now().Add(r.patience)
	for quiet := 0; quiet < 4 && time.Now().Before(deadline); {
		before := r.countCalls()
		sleep(ctx, 250*time.Millisecond)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		quiet++
		if r.countCalls() != before || slices.ContainsFunc(r.actors, func(a *actor) bool {
			return a.shows() == symphony.PresenceOnThePhone && (forgotten || !a.forgets())
		}) {
			quiet = 0
		}
	}
	return nil
}

// countCalls returns how many requests about people the pod has received.
func (r *rehearsal) countCalls() (n int) {
	for _, request := range r.pod.Requests() {
		if request.Path != "/v2/user/presence" {
			n++
		}
	}
	return n
}
