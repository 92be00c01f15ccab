package limiter

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	// Few refusals are the affair of their calls, many that of the client.
	manyRefused = 8 // of at most four times as many responses
	manyInRow   = 4 // at a known rate, where refusals come alone
	maxRefusals = 3 // of one call, which has a fourth attempt by default

	// The rate falls to these parts of the one that was too high.
	afterMany = 0.85
	afterFew  = 0.95

	// Where requests were accepted and refused at once, these suffice to measure the rate.
	minMeasured = 4
	slowestRate = 1.0

	// The rate stays near the one at which requests were last refused for about as long
	// as a thousand requests take.
	holdRequests = 1000
	minHold      = 500 * time.Millisecond
	maxHold      = 8 * time.Second

	// A burst hides that the rate is too high for a while: the rate that counts is the
	// one a moment before the refused request.
	lookback = 250 * time.Millisecond

	// Timers come late by some milliseconds, which are made up.
	lateTimer = 10 * time.Millisecond

	// A rate that held no call back for so long is forgotten.
	forgetAfter = 20 * time.Second
)

// throttle is what refusals (429) taught: a pause, and a rate that rises as long as
// requests are accepted.
type throttle struct {
	recent uint64 // the last responses, the latest in the lowest bit; 1 for refused
	row    int    // refused in a row
	pause  time.Time

	// The rate is peak·2^(x·|x|), with x from -depth at since and growing by one with each
	// hold: it is flat around the peak, and rises faster the longer it goes well.
	peak  float64 // 0 when no rate is known
	depth float64
	since time.Time
	hold  time.Duration

	// From the first refusal to the end of the pause, accepted requests measure the rate.
	measuring bool
	first     time.Time // the first refusal
	stopped   time.Time
	taken     int // accepted since the first refusal, or since the rate began

	next time.Time // no request before
	bulk bool      // the last request was one of a bulk run
	used time.Time // when the rate last held a call back
}

func (t *throttle) isKnown() bool  { return t.peak > 0 }
func (t *throttle) isActive() bool { return t.isKnown() || t.recent != 0 }

// rate returns the rate at a time, +Inf when none is known.
func (t *throttle) rate(at time.Time) float64 {
	if !t.isKnown() {
		return math.Inf(1)
	}
	x := max(0, at.Sub(t.since).Seconds())/t.hold.Seconds() - t.depth
	return t.peak * math.Exp2(x*math.Abs(x))
}

func (t *throttle) interval(now time.Time) time.Duration { return intervalOf(t.rate(now)) }

// turn returns when a call may be sent. A single call after one of a bulk run leaves
// room for one more: the limit may be all used up, and a refusal would cost it seconds.
func (t *throttle) turn(now time.Time, class Class) time.Time {
	if class == Single && t.bulk && t.isKnown() {
		return t.next.Add(t.interval(now))
	}
	return t.next
}

func (t *throttle) take(now time.Time, class Class) {
	t.next = t.turn(now, class)
	if late := now.Add(-lateTimer); t.next.Before(late) {
		t.next = late
	}
	t.next = t.next.Add(t.interval(now))
	t.bulk = class == Bulk
}

func (t *throttle) putBack(now time.Time) { t.next = t.next.Add(-t.interval(now)) }

// forget forgets a rate that has held no call back for long.
func (t *throttle) forget(now time.Time) {
	if t.isKnown() && now.Sub(t.used) > forgetAfter {
		*t = throttle{}
	}
}

// accepted takes a response that is no refusal.
func (t *throttle) accepted(now, sent time.Time) {
	t.recent <<= 1
	t.row = 0
	if !t.measuring {
		return
	}
	if t.isKnown() && !sent.Before(t.pause) {
		t.measuring = false
		return
	}
	if now.After(t.first) {
		t.taken++
		t.stopped = now
	}
	if t.isKnown() {
		t.measure()
	}
}

// measure sets the rate from what was accepted beside the refusals.
func (t *throttle) measure() {
	t.peak, t.depth, t.hold = E("FR", 100)/2, -1, time.Duration(E("H0", .5)*float64(time.Second))
	if t.taken >= int(E("MINM", 8)) {
		t.peak = max(t.peak, float64(t.taken)/t.stopped.Sub(t.first).Seconds())
		t.depth = math.Sqrt(-math.Log2(afterMany))
		t.hold = time.Duration(E("H1", 1) * float64(time.Second))
	}
	if Trace {
		fmt.Println("measure", t.taken, t.stopped.Sub(t.first), t.peak)
	}
}

// refused takes a refusal of a request sent at a time, and returns what its call is to
// wait by itself.
func (t *throttle) refused(now, sent time.Time, retryAfter time.Duration, attempt int) time.Duration {
	if t.recent == 0 && !t.isKnown() {
		t.measuring, t.first, t.taken = true, now, 0
	}
	t.recent = t.recent<<1 | 1
	t.row++
	alone := retryAfter + time.Duration(rand.Float64()*float64(attempt)*float64(retryAfter)*E("J", .25))
	switch {
	case !t.isKnown():
		if !t.isMany() {
			return alone
		}
		t.used = now
		t.stop(now, retryAfter)
		t.begin(E("FR", 100), afterMany, t.pause)
		t.measure()
	case now.Before(t.pause):
		t.stop(now, retryAfter)
		t.since = t.pause
	case sent.Before(t.pause):
		return alone
	case t.row >= manyInRow || attempt >= maxRefusals:
		peak := t.rate(sent.Add(-time.Duration(E("LB", .25) * float64(time.Second))))
		part := afterMany
		if sent.Sub(t.pause) < minHold {
			part = E("AGAIN", .5)
		}
		t.stop(now, retryAfter)
		t.begin(peak, part, t.pause)
	case !sent.Before(t.since):
		t.begin(t.rate(sent.Add(-time.Duration(E("LB", .25)*float64(time.Second)))), E("CUT", .95), now)
		return alone
	default: // sent before the rate fell
		return alone
	}
	return 0
}

// isMany reports whether so many of the last responses are refusals that all calls are
// concerned.
func (t *throttle) isMany() bool {
	refused := bits.OnesCount64(t.recent)
	return refused >= 2*manyRefused || refused >= manyRefused && 2*refused >= bits.Len64(t.recent)
}

// stop pauses all calls.
func (t *throttle) stop(now time.Time, retryAfter time.Duration) {
	if end := now.Add(retryAfter); end.After(t.pause) {
		t.pause = end
	}
	t.next = t.pause
}

// begin lets the rate begin at a part of a peak.
func (t *throttle) begin(peak, part float64, at time.Time) {
	t.peak = max(slowestRate, peak)
	t.depth = math.Sqrt(-math.Log2(part))
	t.since = at
	if Trace {
		fmt.Printf("%.3f begin peak %.1f part %.2f measuring %v taken %d row %d old hold %v\n", float64(time.Now().UnixMilli()%1000000)/1000, t.peak, part, t.measuring, t.taken, t.row, t.hold)
	}
	t.hold = time.Duration(E("H0", .5) * float64(time.Second))
	if !t.measuring {
		t.hold = time.Duration(min(max(E("HMIN", 2.5), E("HR", 0)*t.peak, E("HL", 0)/t.peak), E("HMAX", 8)) * float64(time.Second))
	}
}

var Trace = os.Getenv("TRACE") != ""

var (
	envs sync.Map
)

func E(name string, or float64) float64 {
	if v, ok := envs.Load(name); ok {
		return v.(float64)
	}
	v, err := strconv.ParseFloat(os.Getenv(name), 64)
	if err != nil {
		v = or
	}
	envs.Store(name, v)
	return v
}
