package limiter

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

const (
	// A few refusals concern their own calls only, many concern the whole client. Many are
	// 16 of the last 64 responses, or 8 if they are at least half of the responses since the
	// first of them.
	manyRefused = 16
	fewRefused  = 8

	// At a known rate, refusals are rare. Several in a row are another reason to pause, and
	// so is the third refusal of one call, which by default has only one attempt left.
	manyInRow   = 4
	maxRefusals = 3

	// The part that is kept of a rate that was too high: after a refusal, after many, and
	// after many within a moment of a pause.
	partAfterFew   = 0.96
	partAfterMany  = 0.85
	partAfterAgain = 0.5

	// A burst that the server allows hides for a moment that the rate is too high: the rate
	// was already too high a moment before the refused request.
	moment = 150 * time.Millisecond

	// A pause is repeated within this time if the rate after it was far too high.
	againWithin = 500 * time.Millisecond

	// A timer fires some milliseconds late. The next requests make up for this much.
	lateTimer = 10 * time.Millisecond

	// A rate that was not used up for this long is forgotten.
	forgetAfter = 20 * time.Second
)

// throttle is what refusals (429) taught: pauses, and a rate that the server accepts.
type throttle struct {
	recent uint64 // the last responses, the latest in the lowest bit; 1 for refused
	row    int    // refused in a row
	curve  curve
	pause  time.Time // its end

	next time.Time // no request before
	sent time.Time // the last request
	bulk bool      // it was one of a bulk run
	used time.Time // when the rate was last used up

	measure measurement
}

func (t *throttle) isActive(now time.Time) bool {
	return t.curve.isFinite() || t.recent != 0 || now.Before(t.pause)
}

func (t *throttle) interval(now time.Time) time.Duration { return intervalOf(t.rate(now)) }

// rate returns the rate at a time. If none is known, it rises beyond all limits after a
// pause, so that the calls that waited do not come back all at once.
func (t *throttle) rate(now time.Time) float64 {
	if t.curve.isFinite() {
		return t.curve.at(now)
	}
	return newSearch(t.pause, returnHold).at(now)
}

// turn returns when a call may be sent. A single call after a call of a bulk run waits for
// twice the interval: if the limit is used up, a refusal would delay it by a second.
func (t *throttle) turn(now time.Time, class Class) time.Time {
	if !class.isBulk() && t.bulk && t.curve.isFinite() {
		return t.next.Add(t.interval(now))
	}
	return t.next
}

func (t *throttle) take(now time.Time, class Class) {
	t.next = t.turn(now, class)
	if late := now.Add(-lateTimer); t.next.Before(late) {
		t.next = late
		t.curve.wait(t.sent, now) // a rate that is not used up has not been tried
	} else {
		t.used = now
	}
	t.next = t.next.Add(t.interval(now))
	t.sent, t.bulk = now, class.isBulk()
}

// putBack takes back a turn that was not used.
func (t *throttle) putBack(now time.Time) { t.next = t.next.Add(-t.interval(now)) }

// forget forgets a rate that was not used up for a long time.
func (t *throttle) forget(now time.Time) {
	if t.curve.isFinite() && now.Sub(t.used) > forgetAfter && now.Sub(t.pause) > forgetAfter {
		*t = throttle{}
	}
}

// accepted takes a response that is no refusal.
func (t *throttle) accepted(now time.Time) {
	t.recent <<= 1
	t.row = 0
	if now.Before(t.pause) && !t.measure.start.IsZero() {
		t.measure.accepted(now)
		t.begin()
	}
}

// begin sets a rate that was not known before: the measured rate if there is one, otherwise
// the beginning of a search.
func (t *throttle) begin() {
	if rate, ok := t.measure.rate(); ok {
		t.curve = newCurve(rate, partAfterMany, t.pause, measuredHold)
	} else {
		t.curve = newSearch(t.pause, searchHold)
	}
}

// refused takes a refusal of a request sent at a time. It returns how long this call is to
// wait; 0 if all calls wait.
func (t *throttle) refused(now, sent time.Time, retryAfter time.Duration, attempt int) time.Duration {
	t.recent = t.recent<<1 | 1
	t.row++
	switch {
	case now.Before(t.pause):
		t.stop(now, retryAfter)
		t.curve.since = t.pause
		return 0
	case !t.curve.isFinite():
		if t.isMany() {
			t.measure = measurement{start: now}
			t.stop(now, retryAfter)
			t.begin()
			return 0
		}
		if attempt >= maxRefusals {
			t.stop(now, retryAfter)
			return 0
		}
	case sent.Before(t.pause): // the pause already covers this refusal
	case t.row >= manyInRow || attempt >= maxRefusals:
		t.fallFar(now, sent, retryAfter)
		return 0
	case !sent.Before(t.curve.since): // the rate has not fallen since
		peak := t.curve.at(sent.Add(-moment))
		t.curve = newCurve(peak, partAfterFew, now, holdOf(peak))
	}
	// Calls that were refused together do not come back together.
	return retryAfter + time.Duration(rand.Float64()*float64(min(attempt, maxRefusals))/5*float64(retryAfter))
}

// fallFar pauses, and begins again at a lower rate. If that was tried a moment ago, the
// rate was not even near the limit.
func (t *throttle) fallFar(now, sent time.Time, retryAfter time.Duration) {
	peak := t.curve.at(sent.Add(-moment))
	part, hold := partAfterMany, holdOf(peak)
	if sent.Sub(t.pause) < againWithin {
		part, hold = partAfterAgain, t.curve.hold
	}
	t.measure = measurement{}
	t.stop(now, retryAfter)
	t.curve = newCurve(peak, part, t.pause, hold)
}

// isMany reports whether so many responses are refusals that they concern all calls.
func (t *throttle) isMany() bool {
	refused := bits.OnesCount64(t.recent)
	return refused >= manyRefused || refused >= fewRefused && 2*refused >= bits.Len64(t.recent)
}

// stop pauses all calls.
func (t *throttle) stop(now time.Time, retryAfter time.Duration) {
	if end := now.Add(retryAfter); end.After(t.pause) {
		t.pause = end
	}
	t.next = t.pause
}
