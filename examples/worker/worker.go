package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// worker applies the updates of a queue.
type worker struct {
	client    *symphony.Client
	queue     *queue
	meters    *meters
	supersede bool // skip what is superseded
	out       *screen
	taken     atomic.Bool // the pod has taken an update
}

// run applies updates until the context ends, or until an error shows that no other update
// would succeed. What is in progress then is still finished.
func (w *worker) run(ctx context.Context) error {
	ctx, cancel := w.queue.whileAllowed(ctx)
	defer cancel()
	err := w.serveAll(ctx)
	return cmp.Or(w.queue.refusal(), err)
}

func (w *worker) serveAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, consumer := range w.queue.consumers {
		group.Go(func() error { return w.serve(ctx, consumer) })
	}
	return group.Wait()
}

// serve applies the updates of a partition, one after the other.
//
// A message is this worker's for a time from its delivery. This clock starts at the pull,
// which is never later: a process that hung in between knows that its time is over, and
// neither calls nor acknowledges when another may have the message.
func (w *worker) serve(ctx context.Context, consumer jetstream.Consumer) error {
	hold := holdOf(w.queue.ackWait)
	for ctx.Err() == nil {
		pulled := time.Now()
		msg, err := consumer.Next(jetstream.FetchMaxWait(min(hold/5, time.Second)))
		switch {
		case errors.Is(err, nats.ErrTimeout):
			continue // there was none
		case err != nil && w.queue.conn.IsClosed():
			return fmt.Errorf("NATS: %w", cmp.Or(w.queue.conn.LastError(), err))
		case err != nil:
			if err := w.queue.deleted(ctx, streamName, consumer.CachedInfo().Name); err != nil {
				return err
			}
			pause(ctx, responseWait/10)
			continue
		}
		m, err := newMessage(msg)
		if err != nil {
			return err
		}
		held, release := context.WithDeadline(context.WithoutCancel(ctx), pulled.Add(hold))
		call, cancel := context.WithDeadline(held, pulled.Add(hold*4/5))
		err = w.handle(held, call, m)
		cancel()
		release()
		if err != nil {
			return err
		}
	}
	return nil
}

// handle brings one message to its end. The context of the call ends before that of the
// rest. An error stops the worker.
func (w *worker) handle(held, call context.Context, m message) error {
	w.meters.received(held, m)
	if err := w.queue.claim(held, m); err != nil {
		w.out.say("%v is left alone; it will be delivered again: %v", m, err)
		return nil
	}
	u, err := m.update()
	if err != nil {
		return w.bury(held, m, err)
	}
	if w.supersede && w.queue.superseded(call, m) {
		w.acknowledge(held, m, superseded)
		return nil
	}
	_, err = w.client.SetUserPresence(symphony.ContextWithTraceID(call, m.traceID()), u.UserID, u.Category, u.Soft)
	switch verdictOf(err, w.taken.Load()) {
	case done:
		w.taken.Store(true)
		w.acknowledge(held, m, applied)
	case never:
		return w.bury(held, m, err)
	case later:
		delay := m.delay(err)
		w.out.say("%v; again in %v: %v", m, delay, err)
		w.giveBack(held, m, delay)
	case stop:
		w.giveBack(held, m, 0)
		return fmt.Errorf("takes no more updates; those left stay in the stream: %w", cli.ExplainForbidden(err))
	}
	return nil
}

// acknowledge ends a message, and tries until NATS has confirmed it.
func (w *worker) acknowledge(held context.Context, m message, outcome string) {
	w.meters.ended(held, m, outcome)
	for {
		ctx, cancel := context.WithTimeout(held, responseWait/4)
		err := m.DoubleAck(ctx)
		cancel()
		if err == nil {
			return
		}
		pause(held, responseWait/10)
		if held.Err() != nil {
			w.out.say("%v is %s, but NATS did not confirm that in time; it will be delivered again: %v", m, outcome, err)
			return
		}
	}
}

// giveBack asks NATS to deliver a message again, to any worker, before all others of its
// partition. If that fails, NATS does so anyway when the time of the message is over.
func (w *worker) giveBack(held context.Context, m message, delay time.Duration) {
	w.meters.ended(held, m, putOff)
	if held.Err() == nil {
		_ = m.NakWithDelay(delay)
	}
}

// bury ends a message that the pod will never accept. It fails if the stream of dead letters
// no longer exists.
func (w *worker) bury(held context.Context, m message, reason error) error {
	if err := w.queue.bury(held, m, reason.Error()); err != nil {
		w.out.say("%v could not be dead-lettered, and will be delivered again: %v", m, err)
		return w.queue.deleted(held, deadName, "")
	}
	w.out.say("%v is dead-lettered: %v", m, reason)
	w.meters.ended(held, m, dead)
	return nil
}

// verdict is what to do with a message after its call.
type verdict int

const (
	done  verdict = iota
	later         // the pod, or the way to it, is in trouble
	never         // the pod does not accept this update
	stop          // the pod would not accept any other update either
)

// verdictOf judges the outcome of a call. A 403 concerns one user only, if the pod has
// accepted another update before.
func verdictOf(err error, taken bool) verdict {
	var apiErr *symphony.APIError
	var invalid *symphony.InvalidArgumentError
	switch {
	case err == nil:
		return done
	case symphony.IsCredentialError(err), cli.IsCertificateError(err),
		errors.As(err, &invalid): // the update has been checked: it is the token
		return stop
	case !errors.As(err, &apiErr), apiErr.StatusCode == http.StatusTooManyRequests, apiErr.StatusCode >= 500:
		return later
	case apiErr.StatusCode == http.StatusBadRequest, apiErr.StatusCode == http.StatusNotFound,
		apiErr.StatusCode == http.StatusForbidden && taken:
		return never
	}
	return stop
}
