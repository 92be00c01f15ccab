package simulation_test

import (
	"math"
	"math/rand/v2"
)

// tokenBucket accepts rate requests a second, and burst at once.
type tokenBucket struct {
	rate, burst float64
	refusal     verdict
	tokens      float64
	last        float64
	used        bool
}

func newTokenBucket(rate, burst float64) *tokenBucket {
	return &tokenBucket{rate: rate, burst: max(1, burst), refusal: refuse}
}

func (b *tokenBucket) judge(at float64, _ int) verdict {
	if !b.used {
		b.used, b.tokens, b.last = true, b.burst, at
	}
	b.tokens = min(b.burst, b.tokens+(at-b.last)*b.rate)
	b.last = at
	if b.tokens < 1 {
		return b.refusal
	}
	b.tokens--
	return accept
}

// changing is a token bucket whose rate changes at a time.
func changing(rate, to, when float64) limit {
	b := newTokenBucket(rate, rate/10)
	return limitFunc(func(at float64, inFlight int) verdict {
		if at >= when {
			b.rate, b.burst = to, to/10
		}
		return b.judge(at, inFlight)
	})
}

// fixedWindow accepts rate requests in each second of the clock.
func fixedWindow(rate int) limit {
	window, used := -1.0, 0
	return limitFunc(func(at float64, _ int) verdict {
		if now := math.Floor(at); now != window {
			window, used = now, 0
		}
		if used == rate {
			return refuse
		}
		used++
		return accept
	})
}

// slidingWindow accepts rate requests in any second.
func slidingWindow(rate int) limit {
	var accepted []float64
	return limitFunc(func(at float64, _ int) verdict {
		for len(accepted) > 0 && accepted[0] <= at-1 {
			accepted = accepted[1:]
		}
		if len(accepted) == rate {
			return refuse
		}
		accepted = append(accepted, at)
		return accept
	})
}

// atOnce accepts n requests in flight.
func atOnce(n int) limit {
	return limitFunc(func(_ float64, inFlight int) verdict {
		if inFlight == n {
			return refuse
		}
		return accept
	})
}

// stray refuses some requests for no reason that a client could see, after some seconds
// in which it refuses all.
func stray(random *rand.Rand, share, nothingBefore float64) limit {
	return limitFunc(func(at float64, _ int) verdict {
		if at < nothingBefore || random.Float64() < share {
			return refuse
		}
		return accept
	})
}

// nodes are several pods behind a balancer that picks one at random.
func nodes(random *rand.Rand, n int, rate float64) limit {
	all := make([]*tokenBucket, n)
	for i := range all {
		all[i] = newTokenBucket(rate, rate/10)
	}
	return limitFunc(func(at float64, inFlight int) verdict { return all[random.IntN(n)].judge(at, inFlight) })
}

// penalty refuses everything for a second after a request beyond the limit, and after
// each that it refuses.
func penalty(rate float64) limit {
	bucket, until := newTokenBucket(rate, rate/10), 0.0
	return limitFunc(func(at float64, inFlight int) verdict {
		if at < until || bucket.judge(at, inFlight) == refuse {
			until = at + 1
			return refuse
		}
		return accept
	})
}

// outage does something else than accepting for some time.
func outage(from, to float64, then func() verdict) limit {
	return limitFunc(func(at float64, _ int) verdict {
		if at >= from && at < to {
			return then()
		}
		return accept
	})
}
