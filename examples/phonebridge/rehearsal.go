package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
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
	patience time.Duration // how long something to happen is waited for
	out      io.Writer     // of what happens
	// Tests put something in between: a server in front of the pod, and what sends the events.
	podURL func(*symphonytest.Pod) string
	phone  http.RoundTripper

	began   time.Time
	dir     string
	key     *rsa.PrivateKey
	signer  signer
	pod     *symphonytest.Pod
	process *process
	actors  []*actor
	mu      sync.Mutex // guards process and prints
}

// limit is how long a rehearsal takes at most.
const limit = 58 * time.Second

// errBroken means that the service did not do what it should.
var errBroken = errors.New("the service did not do what it should")

// rehearse runs a rehearsal and returns the exit code. The last line of stdout is the
// result.
func rehearse(ctx context.Context, seed uint64, stdout, stderr io.Writer) int {
	if seed == 0 {
		seed = mathrand.Uint64N(1_000_000) + 1
	}
	r := &rehearsal{
		seed: seed, people: 200, spread: 14 * time.Second, kills: 6, outage: 10 * time.Second, patience: 25 * time.Second,
		out: stderr, podURL: (*symphonytest.Pod).URL, phone: &http.Transport{MaxIdleConnsPerHost: 32},
	}
	fmt.Fprintf(stderr, "phonebridge: no %s and no SYMPHONY_ variable is set: this is a rehearsal with %d people; -seed %d repeats it\n", envSecret, r.people, seed)
	result, err := r.run(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "phonebridge: %v\n", err)
		if ctx.Err() != nil {
			return exitInterrupted
		}
		return exitFailed
	}
	if !result.ok() {
		fmt.Fprintf(stderr, "phonebridge: %v; its log and database are in %s\n", errBroken, r.dir)
		fmt.Fprintln(stdout, result)
		return exitFailed
	}
	fmt.Fprintln(stdout, result)
	return exitOK
}

// run rehearses and returns what the audit found.
func (r *rehearsal) run(ctx context.Context) (result audit, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the rehearsal is not over after %v", limit))
	defer cancel()
	r.began = time.Now()
	if err := r.open(); err != nil {
		return result, err
	}
	defer func() { r.close(err == nil && result.ok()) }()
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
	if r.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return err
	}
	secret := make([]byte, minSecret)
	_, _ = rand.Read(secret) // it never fails
	if r.signer, err = newSigner(hex.EncodeToString(secret)); err != nil {
		return err
	}
	r.pod = symphonytest.NewPod(symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "phonebridge", UserProvisioning: true, PublicKey: &r.key.PublicKey}))
	r.slowPod()
	random := mathrand.New(mathrand.NewPCG(r.seed, 1))
	for i := range r.people {
		r.actors = append(r.actors, newActor(r, int64(i)+1, random))
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

// slowPod has the pod take a while for each response, so that a kill hits a call.
func (r *rehearsal) slowPod() {
	r.pod.ClearFaults()
	r.pod.Fail(symphonytest.Fault{Times: -1, Delay: 15 * time.Millisecond})
}

// say prints what happens.
func (r *rehearsal) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "phonebridge: %4.1f s: %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// start starts the service.
func (r *rehearsal) start(ctx context.Context, args ...string) error {
	key, err := x509.MarshalPKCS8PrivateKey(r.key)
	if err != nil {
		return err
	}
	p, err := startProcess(ctx, filepath.Join(r.dir, "log.jsonl"),
		append([]string{"-attached", "-listen", "127.0.0.1:0", "-database", filepath.Join(r.dir, "calls.db")}, args...),
		[]string{
			envSecret + "=" + string(r.signer.secret),
			"SYMPHONY_POD_URL=" + r.podURL(r.pod),
			"SYMPHONY_LOGIN_URL=" + r.pod.LoginURL(),
			"SYMPHONY_USERNAME=phonebridge",
			"SYMPHONY_PRIVATE_KEY=" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
	return nil
}

// service returns the process of the service.
func (r *rehearsal) service() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

// play has all people make their calls, while the service is killed and the pod is away.
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
		r.service().kill()
		r.say("the service is killed")
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// takePodAway has the pod reset connections for half of the outage, and respond with 503
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
	if err := r.service().end(); err != nil {
		return fmt.Errorf("%w: it did not end as asked: %w", errBroken, err)
	}
	r.say("the service has ended as asked; it starts again with a longest call of 1 s")
	if err := r.start(ctx, "-longest-call", "1s"); err != nil {
		return err
	}
	if err := r.awaitQuiet(ctx, true); err != nil {
		return err
	}
	return r.service().end()
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
