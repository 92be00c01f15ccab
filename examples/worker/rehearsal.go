package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// rehearsal is the whole system on one machine, with what can go wrong.
type rehearsal struct {
	settings
	out       *screen
	nats      broker
	pod       *symphonytest.Pod
	queue     *queue
	processes []*process
	published chan published // what the producer has done
	updates   []published
}

// broker is what a rehearsal runs NATS on.
type broker interface {
	url() string
	restart() error
	Close()
}

// rehearseAckWait is short, so that what a killed worker held is soon delivered again.
const rehearseAckWait = 4 * time.Second

// rehearse publishes updates, has three worker processes apply them, kills one, restarts
// NATS, and compares in the end.
func rehearse(ctx context.Context, s settings, out *screen) error {
	began := time.Now()
	s.ackWait = min(s.ackWait, rehearseAckWait)
	out.say("NATS_URL is not set: this is a rehearsal with %d updates of %d users, of whom one has left", s.updates, s.users)
	r := &rehearsal{settings: s, out: out, published: make(chan published, s.updates)}
	defer r.close()
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.watch(ctx); err != nil {
		return err
	}
	for _, p := range r.processes {
		p.end()
	}
	audit, err := r.audit(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	out.say("%v; %.1f s, %.0f a second", audit, took.Seconds(), float64(s.updates)/took.Seconds())
	return audit.err()
}

// open starts NATS, the pod, and the workers.
func (r *rehearsal) open(ctx context.Context) error {
	if err := r.openNATS(ctx); err != nil {
		return err
	}
	users := make([]symphonytest.User, max(1, r.users-1))
	for i := range users {
		users[i].ID = int64(i) + 1
	}
	r.pod = symphonytest.NewPod(symphonytest.WithUsers(users...), symphonytest.WithRequestLog(4*r.settings.updates))
	token := r.pod.IssueToken("presence-bot")
	for i := range 3 {
		p, err := r.startWorker(ctx, i+1, token)
		if err != nil {
			return err
		}
		r.processes = append(r.processes, p)
	}
	return nil
}

// openNATS starts a server, or as many as there are to be replicas. A cluster creates no
// stream until its servers have found each other.
func (r *rehearsal) openNATS(ctx context.Context) error {
	if r.replicas == 1 {
		server, err := startNATS()
		if err != nil {
			return err
		}
		r.nats = server
	} else {
		servers, err := startCluster(ctx, r.replicas, r.out)
		if err != nil {
			return err
		}
		r.nats = servers
	}
	r.natsURL = r.nats.url()
	for began := time.Now(); ; pause(ctx, responseWait/4) {
		var err error
		if r.queue, err = openQueue(ctx, r.settings, r.out); err == nil {
			return nil
		}
		if r.replicas == 1 || time.Since(began) > stalled {
			return err
		}
	}
}

// startWorker starts a worker of the pod.
func (r *rehearsal) startWorker(ctx context.Context, number int, token string) (*process, error) {
	metrics := r.metrics
	if metrics != "" {
		metrics += "." + strconv.Itoa(number)
	}
	return startProcess(ctx, fmt.Sprintf("worker %d", number), r.out,
		[]string{"-role", "worker", "-partitions", strconv.Itoa(r.partitions), "-ack-wait", r.ackWait.String(), "-metrics", metrics},
		[]string{"NATS_URL=" + r.natsURL, "NATS_CREDS=", "SYMPHONY_POD_URL=" + r.pod.URL(), "SYMPHONY_SESSION_TOKEN=" + token})
}

func (r *rehearsal) close() {
	for _, p := range r.processes {
		p.kill()
	}
	if r.queue != nil {
		r.queue.conn.Close()
	}
	if r.nats != nil {
		r.nats.Close()
	}
	if r.pod != nil {
		r.pod.Close()
	}
	r.out.end()
}

// made makes up the updates: for users in random order, some of whom change several times in
// a row, but never twice in a row to the same category.
func (r *rehearsal) made() []update {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	categories := []symphony.PresenceCategory{
		symphony.PresenceAvailable, symphony.PresenceBusy, symphony.PresenceOnThePhone, symphony.PresenceInAMeeting, symphony.PresenceAway,
	}
	changes := map[int64]int{}
	updates := make([]update, r.settings.updates)
	var user int64
	for i := range updates {
		if i == 0 || random.IntN(3) > 0 { // else once more the same
			user = 1 + random.Int64N(int64(r.users))
		}
		changes[user]++
		updates[i] = update{ID: fmt.Sprintf("update-%d", i), UserID: user, Category: categories[changes[user]%len(categories)]}
	}
	return updates
}

// produce publishes the updates.
func (r *rehearsal) produce(ctx context.Context) error {
	for _, u := range r.made() {
		sequence, err := r.queue.publish(ctx, u)
		if err != nil {
			return err
		}
		r.published <- published{u, sequence}
	}
	close(r.published)
	return nil
}

// trouble is what goes wrong after so many updates are applied or buried.
type trouble struct {
	after int
	make  func() error
}

// troubles are all, in their order.
func (r *rehearsal) troubles() []trouble {
	var all []trouble
	for percent := range 100 {
		after := r.settings.updates * percent / 100
		switch {
		case percent == 30:
			all = append(all, trouble{after, r.killWorker})
		case percent == 50:
			all = append(all, trouble{after, r.breakPod})
		case percent == 70, percent == 10 && r.replicas > 1:
			all = append(all, trouble{after, r.restartNATS})
		case percent%20 == 15:
			all = append(all, trouble{after, r.fail(http.StatusTooManyRequests)})
		case percent%4 == 0:
			all = append(all, trouble{after, r.fail(http.StatusInternalServerError)})
		}
	}
	return all
}

func (r *rehearsal) fail(status int) func() error {
	return func() error {
		r.pod.Fail(symphonytest.Fault{Status: status})
		return nil
	}
}

func (r *rehearsal) killWorker() error {
	victim := r.processes[1]
	victim.kill()
	r.out.say("%s is killed", victim.name)
	return nil
}

// breakPod makes calls fail until their retries are used up.
func (r *rehearsal) breakPod() error {
	r.out.say("the pod returns 503")
	r.pod.Fail(symphonytest.Fault{Status: http.StatusServiceUnavailable, Times: 3 * r.partitions})
	return nil
}

func (r *rehearsal) restartNATS() error {
	r.out.say("NATS is restarted")
	return r.nats.restart()
}

// stalled is how long nothing may move.
const stalled = time.Minute

// watch shows how far it is, and makes trouble, until all updates are done with.
func (r *rehearsal) watch(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.produce(ctx) })
	group.Go(func() error { return r.follow(ctx) })
	return group.Wait()
}

func (r *rehearsal) follow(ctx context.Context) error {
	defer r.out.end()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	troubles := r.troubles()
	moved, before := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("interrupted: %w", ctx.Err())
		case <-ticker.C:
		}
		for len(r.published) > 0 {
			r.updates = append(r.updates, <-r.published)
		}
		waiting, err := r.queue.waiting(ctx) // counted last, so that no update seems to be done with before it is
		if err == nil {                      // else NATS is away
			ended := max(0, len(r.updates)-waiting) // more may have been published since
			r.out.show("%d published, %d done with, %d waiting", len(r.updates), ended, waiting)
			for len(troubles) > 0 && ended >= troubles[0].after {
				if err := troubles[0].make(); err != nil {
					return err
				}
				troubles = troubles[1:]
			}
			if ended == r.settings.updates && ended == before { // twice, so that the consumers know of all
				return nil
			}
			if ended != before {
				moved, before = time.Now(), ended
			}
		}
		if time.Since(moved) > stalled || !slices.ContainsFunc(r.processes, (*process).running) {
			return fmt.Errorf("%w: %d updates are left, and no worker takes them", errBroken, r.settings.updates-before)
		}
	}
}

// audit compares what the pod received with what was published.
func (r *rehearsal) audit(ctx context.Context) (audit, error) {
	letters, err := r.queue.deadLetters(ctx)
	if err != nil {
		return audit{}, err
	}
	return newAudit(r.updates, r.pod.Requests(), letters), nil
}
