package limiter

import (
	"math"
	"time"
)

const (
	// No rate is slower: a server that allows less says how long to wait.
	slowestRate = 1.0

	// A search for the limit begins at this rate, and doubles it within a quarter of a
	// second, then ever faster.
	searchRate = 40.0
	searchHold = 500 * time.Millisecond

	// The same after a pause that did not end in a search: the limit may be far away.
	returnHold = searchHold / 2

	// The hold of a measured rate, which may be wrong by a quarter.
	measuredHold = time.Second

	// The hold of a rate at which requests were refused. A longer hold wastes a limit that
	// has risen, a shorter hold has more requests refused. At a low rate these are a large
	// share, so the hold lasts for about a hundred requests; at a high rate, each attempt to
	// go faster costs many requests.
	minHold      = 2200 * time.Millisecond
	maxHold      = 8 * time.Second
	holdRequests = 120.0
	holdPerRate  = 0.005 // seconds for each request a second
)

// curve is a rate that rises with time, as long as no request is refused. It is
// peak·2^(x·|x|), where x begins at -depth and grows by one with each hold: flat around
// the peak, where requests were last refused, and rising faster the longer it goes well.
// The zero curve is infinite.
type curve struct {
	peak  float64 // requests a second
	depth float64
	since time.Time
	hold  time.Duration
}

// newCurve returns a curve that begins at a part of its peak.
func newCurve(peak, part float64, since time.Time, hold time.Duration) curve {
	return curve{max(slowestRate, peak), math.Sqrt(-math.Log2(part)), since, hold}
}

// newSearch returns a curve that begins beyond its peak, where it rises fast.
func newSearch(since time.Time, hold time.Duration) curve {
	return curve{searchRate / 2, -1, since, hold}
}

// holdOf returns the hold of a rate at which requests were refused.
func holdOf(rate float64) time.Duration {
	seconds := max(holdRequests/rate, holdPerRate*rate, minHold.Seconds())
	return time.Duration(min(seconds, maxHold.Seconds()) * float64(time.Second))
}

func (c curve) isFinite() bool { return c.peak > 0 }

// at returns the rate at a time.
func (c curve) at(t time.Time) float64 {
	if !c.isFinite() {
		return math.Inf(1)
	}
	x := max(0, float64(t.Sub(c.since)))/float64(c.hold) - c.depth
	return c.peak * math.Exp2(x*math.Abs(x))
}

// wait keeps the rate as it was from one time to another.
func (c *curve) wait(from, to time.Time) {
	if from.Before(c.since) {
		from = c.since
	}
	c.since = c.since.Add(max(0, to.Sub(from)))
}
