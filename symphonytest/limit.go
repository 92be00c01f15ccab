package symphonytest

import (
	"math"
	"sync"
	"time"
)

// limits decide which requests a pod refuses with 429.
type limits struct {
	now func() time.Time

	mu          sync.Mutex   // guards what follows
	rate        *bucket      // nil without a rate limit
	concurrency *concurrency // nil without a concurrency limit
}

// enter admits a request, which must call leave when it ends. If it refuses the request,
// it returns how long the client is asked to wait.
func (l *limits) enter() (retryAfter time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.concurrency; c != nil && c.inFlight >= c.most {
		return c.retryAfter, false
	}
	if l.rate != nil && !l.rate.take(l.now()) {
		return time.Second, false
	}
	if l.concurrency != nil {
		l.concurrency.inFlight++
	}
	return 0, true
}

func (l *limits) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.concurrency != nil {
		l.concurrency.inFlight--
	}
}

// concurrency limits how many requests are served at the same time.
type concurrency struct {
	inFlight, most int
	retryAfter     time.Duration
}

// bucket is a token bucket.
type bucket struct {
	perSecond, burst, level float64
	filled                  time.Time
}

func newBucket(perSecond float64, burst int) *bucket {
	full := max(1, float64(burst))
	return &bucket{perSecond: perSecond, burst: full, level: full}
}

func (b *bucket) take(now time.Time) bool {
	if !b.filled.IsZero() {
		b.level = min(b.burst, b.level+now.Sub(b.filled).Seconds()*b.perSecond)
	}
	b.filled = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}

// seconds rounds up to whole seconds, as Retry-After has them.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
