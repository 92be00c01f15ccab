// Package limiter decides when the calls of one client may be sent. What one call
// learns about the limits of a server holds for all of them. It knows requests and
// their outcomes, not HTTP.
//
// Three things can hold a call back: the rate that the user allows, the rate and the
// pauses that refusals (429) ask for, and an outage. Calls that cannot be sent at once
// wait in one queue, in order of arrival, single calls before the calls of bulk runs, and of
// either kind the refused ones first.
package limiter

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is how an attempt ended.
type Kind int

// How an attempt can end.
const (
	Neutral   Kind = iota // says nothing about the server: canceled by the caller, or never sent
	Accepted              // any response but 429 and 5xx
	Throttled             // 429, or 503 with Retry-After
	Failed                // 5xx, a network error or a timeout
)

// Outcome is what one attempt showed.
type Outcome struct {
	Kind       Kind
	RetryAfter time.Duration // with Throttled: what the call is to wait, above 0
	Attempt    int           // of its call, from 1
}

// After returns the class of a call for the attempt after one that ended so. The more often
// a call was refused in a row, the earlier it goes: it has few attempts left.
func (c Class) After(kind Kind) Class {
	fresh := Single
	if c.isBulk() {
		fresh = Bulk
	}
	if kind == Throttled {
		return max(c-1, fresh-3)
	}
	return fresh
}

// Turn is the permission to send one attempt.
type Turn struct {
	sent   time.Time // zero if there was nothing to wait for or to count
	queued time.Duration
}

// Queued returns how long Wait waited.
func (t Turn) Queued() time.Duration { return t.queued }

// IsLimited reports whether there was a limit or an outage when the turn came. Such a turn
// is valid at that moment only.
func (t Turn) IsLimited() bool { return !t.sent.IsZero() }

// TooLateError means that a call was not queued because its turn would come after its
// deadline.
type TooLateError struct {
	Wait time.Duration // until the turn would have come
}

// Error says how long the wait would have been.
func (e *TooLateError) Error() string {
	return fmt.Sprintf("the rate limit allows the next request in %v, after the deadline", e.Wait.Round(time.Millisecond))
}

// Snapshot is the state of a limiter at one moment.
type Snapshot struct {
	Rate        float64       // requests a second; +Inf when no limit is known
	Concurrency int           // requests in flight at most; 0 when no limit is known
	InFlight    int           // counted while a limit is known
	Waiting     int           // calls that wait for their turn
	Pause       time.Duration // until requests are sent again
}

// Limiter is the limiter of one client. It is safe for concurrent use. An idle limiter
// has no timer and no goroutine.
type Limiter struct {
	active atomic.Bool // whether there is anything to wait for or to count

	mu       sync.Mutex
	limit    bucket // of the rate that the user allows
	throttle throttle
	outage   outage
	queue    queue
	inFlight int         // turns that came while active and are not done
	timer    *time.Timer // wakes the head of the queue; nil when the queue is empty
}

// New returns a limiter that sends at most rate requests a second, +Inf for no such
// limit.
func New(rate float64) *Limiter {
	l := &Limiter{limit: newBucket(rate, max(1, rate/10))}
	l.active.Store(!math.IsInf(rate, 1))
	return l
}

// Wait waits for the turn of an attempt. Without an error the caller sends now and
// calls Done once. A turn that would come after ctx's deadline is a *TooLateError at
// once, without a place in the queue. Otherwise the error is that of ctx.
func (l *Limiter) Wait(ctx context.Context, class Class) (Turn, error) {
	if !l.active.Load() {
		return Turn{}, nil
	}
	if err := ctx.Err(); err != nil {
		return Turn{}, err
	}
	w, err := l.enter(ctx, class)
	if err != nil {
		return Turn{}, err
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		l.leave(w)
		return Turn{}, ctx.Err()
	}
	return Turn{w.sent, w.sent.Sub(w.arrived)}, nil
}

// enter puts a call into the queue, unless its turn comes too late.
func (l *Limiter) enter(ctx context.Context, class Class) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	w := &waiter{class: class, arrived: now, ready: make(chan struct{})}
	if deadline, ok := ctx.Deadline(); ok {
		turn := l.estimate(w, now)
		switch {
		case !turn.After(deadline):
		case turn.After(now):
			return nil, &TooLateError{turn.Sub(now)}
		default: // the deadline is over, and ctx is about to end
			return nil, context.DeadlineExceeded
		}
	}
	l.queue.push(w)
	l.dispatch(now)
	return w, nil
}

// estimate returns when the limits allow the call, after the calls that wait already. An
// outage may end at any time and does not count.
func (l *Limiter) estimate(w *waiter, now time.Time) time.Time {
	interval := max(l.limit.interval, l.throttle.interval(now))
	ahead := time.Duration(l.queue.ahead(w.class)) * interval
	return latest(l.limit.next, l.throttle.turn(now, w.class), now).Add(ahead)
}

// leave removes a call whose context ended from the queue. If its turn came at the same
// moment, the next call can have the turn.
func (l *Limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.queue.remove(w) {
		l.inFlight--
		l.limit.putBack()
		l.throttle.putBack(now)
	}
	l.dispatch(now)
}

// Done takes the outcome of an attempt that had a turn. It returns what the call is to
// wait before the Wait of its next attempt; 0 if it need not wait.
func (l *Limiter) Done(turn Turn, outcome Outcome) (wait time.Duration) {
	if !turn.IsLimited() && outcome.Kind <= Accepted && !l.active.Load() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if turn.IsLimited() {
		l.inFlight--
	}
	switch outcome.Kind {
	case Accepted:
		l.throttle.accepted(now)
		l.outage.responded(l.inFlight, l.queue.len())
	case Throttled:
		wait = l.throttle.refused(now, turn.sent, outcome.RetryAfter, outcome.Attempt)
		l.outage.responded(l.inFlight, l.queue.len())
	case Failed:
		l.outage.failed(now, l.inFlight)
	}
	l.dispatch(now)
	return wait
}

// dispatch releases the waiting calls whose turn has come, and sets the timer for the
// next call.
func (l *Limiter) dispatch(now time.Time) {
	l.throttle.forget(now)
	for w := l.queue.head(); w != nil; w = l.queue.head() {
		if wait := l.turnOf(w, now).Sub(now); wait > 0 {
			l.wakeAfter(wait)
			return
		}
		l.queue.remove(w)
		l.send(w, now)
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.active.Store(l.limit.isFinite() || l.throttle.isActive(now) || l.outage.isActive())
}

// turnOf is when a call may be sent once it is the head of the queue.
func (l *Limiter) turnOf(w *waiter, now time.Time) time.Time {
	return latest(l.limit.next, l.throttle.turn(now, w.class), l.outage.turn(w, l.inFlight))
}

func latest(a, b, c time.Time) time.Time {
	if a.Before(b) {
		a = b
	}
	if a.Before(c) {
		a = c
	}
	return a
}

func (l *Limiter) send(w *waiter, now time.Time) {
	l.limit.take(now)
	l.throttle.take(now, w.class)
	l.outage.take(now, l.inFlight)
	l.inFlight++
	w.sent = now
	close(w.ready)
}

func (l *Limiter) wakeAfter(wait time.Duration) {
	if l.timer != nil {
		l.timer.Reset(wait)
		return
	}
	l.timer = time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dispatch(time.Now())
	})
}

// Snapshot returns the state of the limiter.
func (l *Limiter) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.throttle.forget(now)
	return Snapshot{
		Rate:        min(l.limit.rate, l.throttle.curve.at(now)),
		Concurrency: l.outage.limit,
		InFlight:    l.inFlight,
		Waiting:     l.queue.len(),
		Pause:       max(0, l.throttle.pause.Sub(now)),
	}
}
