package seeds_test

import (
	"math/rand/v2"
	"time"

	"github.com/symphony-go/symphony"
)

// plan is what a seed says of the client and the pod.
type plan struct {
	seed           uint64
	policy         symphony.RetryPolicy
	attemptTimeout time.Duration
	rate           float64 // of the client; 0 for no limit
	app            bool    // logs in on behalf of a user
	callers        int
	clients        int
	tick           tick
}

func drawPlan(seed uint64, random *rand.Rand) plan {
	tick := tick(1)
	if random.IntN(4) == 0 {
		tick = 10_000_000 // 10 ms
	}
	p := plan{
		seed: seed,
		tick: tick,
		policy: symphony.RetryPolicy{
			MaxAttempts:   1 + random.IntN(5),
			MinBackoff:    time.Duration(50+random.IntN(200)) * time.Millisecond,
			MaxBackoff:    time.Second,
			MaxRetryAfter: 500*time.Millisecond + tick.draw(random, 4*time.Second),
		},
		attemptTimeout: 500*time.Millisecond + tick.draw(random, 3*time.Second),
		app:            random.IntN(3) == 0,
		callers:        1 + random.IntN(4),
		clients:        1 + random.IntN(4)/3,
	}
	if random.IntN(5) == 0 {
		p.rate = 1 / tick.draw(random, 100*time.Millisecond).Seconds()
	}
	return p
}
