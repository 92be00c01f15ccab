// Package limiter decides when the requests of a client may be sent, by what the
// pod's responses to earlier requests say about its limits.
package limiter

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Calls a second.
	slowestPace = 1
	lowPace     = 50     // where the search for the limit begins
	fullPace    = 10_000 // a pace that has risen to it is none

	// How long a pace is kept when the limit has been found. To look whether the limit
	// has risen costs a 429, and with it a second or so without any call.
	keepPace = 20 * time.Second

	// Timers come late by a few milliseconds, or by much more in a process that was held
	// up. Turns that come later than this do not come together, as a volley.
	lateTurn = 10 * time.Millisecond
)

// rise is how a pace rises until there is a 429: it doubles again and again. How far it
// gets beyond the limit depends on how many calls the pod takes at once. That is not
// known; let it be those of a tenth of a second.
type rise struct {
	doubling time.Duration
	beyond   float64 // the pace at the 429, in limits
}

var (
	searching = rise{100 * time.Millisecond, 2.7}
	probing   = rise{time.Second, 1.43}
)

// A pace that turns out to be too high falls to seven tenths, so often in a row before
// the limit is searched for anew.
const (
	fallTo   = 0.7
	maxFalls = 3
)

// Limiter is what the calls of a client learn from a 429 to one of them.
type Limiter struct {
	on    atomic.Bool // there may be something to wait for
	limit float64     // calls a second, of the caller; infinite without one

	mu      sync.Mutex
	pace    float64   // calls a second at its beginning; infinite when no limit is known
	rise    rise      // how it rises
	since   time.Time // when it begins; no call before
	rises   time.Time // when it begins to rise
	next    time.Time // the next turn
	sent    time.Time // when the last one was taken
	waiting int       // calls that have a turn to come
	epoch   int       // counts the paces
	risen   int       // calls that the pod has taken while this one rose
	falls   int       // paces in a row that were lowered because of a 429
	strikes int       // paces in a row at which the pod took none
}

// New returns a limiter that lets through at most rate requests a second; +Inf means no
// limit until the pod shows one.
func New(rate float64) *Limiter {
	t := &Limiter{limit: rate}
	t.forget()
	return t
}

// forget begins anew, with no limit but the caller's.
func (t *Limiter) forget() {
	t.pace, t.strikes = math.Inf(1), 0
	t.on.Store(!math.IsInf(t.limit, 1))
}

// Turn is when a call may be sent. The zero turn is that of a client without a limit.
type Turn struct {
	at     time.Time
	pace   float64 // calls a second
	epoch  int
	queued time.Duration
}

// wait waits for a call's turn. It is not ok if the context's deadline comes before it;
// then there was no wait.
func (t *Limiter) wait(ctx context.Context) (next Turn, ok bool, err error) {
	for t.on.Load() {
		if next, ok = t.reserve(ctx); !ok {
			if time.Until(next.at) <= 0 {
				err = context.DeadlineExceeded // it was over before
			}
			return next, false, err
		}
		timer := time.NewTimer(time.Until(next.at))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			t.leave()
			return next, false, ctx.Err()
		}
		if t.take(next) {
			return next, true, nil
		}
	}
	return Turn{}, true, nil
}

// reserve gives a call the next turn that is free, unless its deadline comes first.
func (t *Limiter) reserve(ctx context.Context) (Turn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.isKnown() && t.paceAt(now) >= fullPace {
		t.forget()
	}
	at := latest(now, t.next, t.since)
	next := Turn{at: at, pace: t.paceAt(at), epoch: t.epoch}
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(at) {
		return next, false
	}
	t.next = at.Add(interval(next.pace))
	t.waiting++
	return next, true
}

// leave leaves a turn untaken. When all have left, those who come next need not wait
// for their turns.
func (t *Limiter) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting--; t.waiting == 0 {
		t.next = t.sent.Add(interval(t.paceAt(time.Now())))
	}
}

// take takes a turn that has come, unless a 429 has changed it, or it comes so late that
// another call has just been sent.
func (t *Limiter) take(its Turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
	now := time.Now()
	if its.epoch != t.epoch || now.Before(t.since) ||
		now.Sub(its.at) > lateTurn && now.Sub(t.sent) < interval(its.pace) {
		return false
	}
	t.sent = now
	return true
}

// paceAt is the pace at a time, in calls a second.
func (t *Limiter) paceAt(at time.Time) float64 {
	pace := t.pace
	if rising := at.Sub(t.rises); t.isKnown() && rising > 0 {
		pace = min(fullPace, pace*math.Exp2(rising.Seconds()/t.rise.doubling.Seconds()))
	}
	return min(pace, t.limit)
}

// isKnown reports whether the pod has shown that it has a limit.
func (t *Limiter) isKnown() bool { return !math.IsInf(t.pace, 1) }

// took counts a call that the pod has taken.
func (t *Limiter) took(its Turn) {
	if !t.on.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if its.epoch != t.epoch {
		return
	}
	t.strikes = 0
	if its.at.After(t.rises) {
		t.risen++
	}
}

// refused takes a 429, with the wait that it asked for, and gives the one before the
// next call. Calls that were under way at the first 429 can only make it longer.
func (t *Limiter) refused(its Turn, asked time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.isKnown() && its.epoch != t.epoch {
		if longer := now.Add(asked).Sub(t.since); longer > 0 {
			t.since, t.rises = t.since.Add(longer), t.rises.Add(longer)
		}
		return t.since.Sub(now)
	}
	t.strikes++
	t.slowDown(now, latest(t.since, now.Add(asked)))
	return t.since.Sub(now)
}

// slowDown finds a new pace, which begins after a pause.
func (t *Limiter) slowDown(now, since time.Time) {
	switch {
	case !t.isKnown():
		t.pace, t.rise, t.rises = lowPace, searching, since
	case now.After(t.rises) && t.risen > 0:
		// How many calls there were tells how high a pace that doubles has risen.
		risen := t.pace + float64(t.risen)*math.Ln2/t.rise.doubling.Seconds()
		t.pace = min(risen, t.paceAt(now)) / t.rise.beyond
		t.rise, t.rises, t.falls = probing, since.Add(keepPace), 0
	case t.strikes == 1 && t.falls < maxFalls:
		// It was found too high, the limit has fallen, or another client wants its share.
		t.pace *= fallTo
		t.rise, t.rises = probing, since.Add(keepPace)
		t.falls++
	default:
		t.pace, t.rise, t.rises, t.falls = min(lowPace, t.pace/2), searching, since, 0
	}
	t.pace = max(slowestPace, t.pace)
	t.since, t.next = since, since
	t.risen = 0
	t.epoch++
	t.on.Store(true)
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// interval is the time between two calls. That of a very slow pace is no longer than a
// time.Time can bear.
func interval(pace float64) time.Duration {
	return time.Duration(min(float64(time.Second)/pace, float64(365*24*time.Hour)))
}

// Class says which calls go first.
type Class int

// The classes.
const (
	Single Class = iota // a call made on its own
	Bulk                // a call of a bulk run
)

// Kind is what a response says about the pod's limits.
type Kind int

// The kinds.
const (
	Neutral   Kind = iota // nothing
	Accepted              // any response but 429 and 5xx
	Throttled             // 429, or 503 with Retry-After
	Failed                // 5xx, no response
)

// Outcome is how an attempt ended.
type Outcome struct {
	Kind       Kind
	RetryAfter time.Duration
	Attempt    int
}

// TooLateError means that the turn comes after the context's deadline.
type TooLateError struct{ Wait time.Duration }

func (e *TooLateError) Error() string {
	return fmt.Sprintf("the next request may be sent in %v, after the context's deadline", e.Wait.Round(time.Millisecond))
}

// Snapshot is the state of a limiter.
type Snapshot struct {
	Rate        float64
	Concurrency int
	InFlight    int
	Waiting     int
	Pause       time.Duration
}

// Queued is how long the call waited.
func (t Turn) Queued() time.Duration { return t.queued }

// Wait waits until a request may be sent.
func (t *Limiter) Wait(ctx context.Context, _ Class) (Turn, error) {
	if !t.on.Load() {
		return Turn{}, nil
	}
	start := time.Now()
	turn, ok, err := t.wait(ctx)
	if err != nil {
		return Turn{}, err
	}
	if !ok {
		return Turn{}, &TooLateError{time.Until(turn.at)}
	}
	turn.queued = time.Since(start)
	return turn, nil
}

// Done takes the outcome of the request that was sent in a turn.
func (t *Limiter) Done(turn Turn, outcome Outcome) time.Duration {
	switch outcome.Kind {
	case Throttled:
		return t.refused(turn, outcome.RetryAfter)
	case Accepted:
		t.took(turn)
	}
	return 0
}

// Snapshot returns the state of the limiter.
func (t *Limiter) Snapshot() Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	return Snapshot{Rate: t.paceAt(now), Waiting: t.waiting, Pause: max(0, t.since.Sub(now))}
}
