package limiter

import (
	"math"
	"time"
)

// bucket is a token bucket, kept as the time at which the next token may be taken.
type bucket struct {
	rate     float64       // tokens a second
	interval time.Duration // between two tokens
	slack    time.Duration // how far next may lie in the past: the tokens of a full bucket
	next     time.Time
}

// newBucket returns a full bucket that holds burst tokens, at least one.
func newBucket(rate, burst float64) bucket {
	interval := intervalOf(rate)
	return bucket{rate: rate, interval: interval, slack: time.Duration((burst - 1) * float64(interval))}
}

func (b *bucket) isFinite() bool { return !math.IsInf(b.rate, 1) }

func (b *bucket) take(now time.Time) {
	if full := now.Add(-b.slack); b.next.Before(full) {
		b.next = full
	}
	b.next = b.next.Add(b.interval)
}

func (b *bucket) putBack() { b.next = b.next.Add(-b.interval) }

// intervalOf returns the time between two requests, at most a year, which a time.Time
// can still add up.
func intervalOf(rate float64) time.Duration {
	const year = 365 * 24 * time.Hour
	return time.Duration(math.Ceil(min(float64(time.Second)/rate, float64(year))))
}
