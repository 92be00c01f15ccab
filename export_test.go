package symphony

import "time"

// What the tests of the retry policy look into.
var (
	RetryAfter = retryAfter
	Line       = line
)

// Backoff is the policy's wait after an attempt, with its defaults.
func (p RetryPolicy) Backoff(attempt int) time.Duration { return p.withDefaults().backoff(attempt) }

// TakeLateTurns takes turns, at a pace of 100 calls a second, as calls do that wake late.
// It tells which of them were taken.
func TakeLateTurns(late ...time.Duration) []bool {
	t := newThrottle(100, RetryPolicy{}.withDefaults())
	taken := make([]bool, len(late))
	for i, late := range late {
		taken[i] = t.take(turn{at: time.Now().Add(-late), pace: 100})
	}
	return taken
}

// AttemptsUnderWay counts the attempts that the client has begun and not ended.
func (c *Client) AttemptsUnderWay() (n int) {
	t := c.attempts.timeouts
	for b := t.ring.next; b != &t.ring; b = b.next {
		n++
	}
	return n
}

// ScanPresence reads a presence without encoding/json, if it is in the usual form.
func ScanPresence(data []byte) (p V2Presence, ok bool) {
	ok = p.scan(data)
	return p, ok
}
