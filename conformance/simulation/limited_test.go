package simulation_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// usual are the goals of a bulk run: its time to that of a client that knows the limit,
// failed updates, and refused requests in percent.
func usual(ratio, refused float64) []goal {
	return []goal{{figure: "time", most: ratio}, {figure: "failed", exact: true}, {figure: "refused %", most: refused, exact: true}}
}

func (r run) usual(ideal float64) []float64 {
	return []float64{r.seconds / ideal, float64(r.failed), r.refused}
}

// limitedRun is a bulk run by 64 workers at a pod with a limit.
func limitedRun(name string, goals []goal, n int, latency time.Duration, ideal float64, limit func(*rand.Rand) limit) scenario {
	return scenario{name, goals, func(l lab) []float64 {
		p := newPod(l.random, latency, limit(l.random))
		return l.bulk(l.client(p), p, n, 64).usual(ideal)[:len(goals)]
	}}
}

func bucketRun(rate, burst, ratio float64, n int, latency time.Duration) scenario {
	name := fmt.Sprintf("token bucket %v/s, burst %v, %d updates", rate, burst, n)
	return limitedRun(name, usual(ratio, 5), n, latency, (float64(n)-burst)/rate,
		func(*rand.Rand) limit { return newTokenBucket(rate, burst) })
}

// lowLimitRun is a bulk run by few workers at a low limit. While they wait for their
// Retry-After, the rest of them stay below it: the 429s come in waves, and are never many.
func lowLimitRun(rate float64, workers int, latency time.Duration) scenario {
	const n = 1_000
	name := fmt.Sprintf("token bucket %v/s, %v, %d workers", rate, latency, workers)
	return scenario{name, usual(1.25, 10), func(l lab) []float64 {
		p := newPod(l.random, latency, newTokenBucket(rate, rate/10))
		return l.bulk(l.client(p), p, n, workers).usual((n - rate/10) / rate)
	}}
}

var limited = []scenario{
	bucketRun(20, 2, 1.10, 2_000, 20*ms),
	bucketRun(200, 20, 1.20, 2_000, 20*ms),
	bucketRun(400, 40, 1.05, 20_000, 20*ms),
	bucketRun(1500, 150, 2.0, 2_000, 20*ms),
	bucketRun(5000, 500, 1.35, 20_000, 5*ms),
	bucketRun(400, 400, 1.03, 20_000, 20*ms),
	lowLimitRun(23, 8, 50*ms),
	lowLimitRun(23, 10, 137*ms),
	lowLimitRun(40, 8, 50*ms),
	limitedRun("fixed window of 1500, 20000 updates", usual(1.65, 5), 20_000, 20*ms, 20_000./1500, func(*rand.Rand) limit { return fixedWindow(1500) }),
	limitedRun("sliding window of 1500, 20000 updates", usual(1.45, 5), 20_000, 20*ms, 20_000./1500, func(*rand.Rand) limit { return slidingWindow(1500) }),
	{"at most 32 at once, rising latency", usual(1.50, 100), func(l lab) []float64 {
		p := newPod(l.random, 0, atOnce(32))
		latency := func(inFlight int) time.Duration { return 20*ms + 20*ms*time.Duration(inFlight)/32 }
		p.latency = latency
		return l.bulk(l.client(p), p, 5_000, 64).usual(5_000 * latency(32).Seconds() / 32)
	}},
	limitedRun("503 with Retry-After at 40/s", usual(1.15, 5), 2_000, 20*ms, 2_000./40, unavailable(40)),
	limitedRun("503 with Retry-After at 200/s", usual(1.25, 5), 2_000, 20*ms, 2_000./200, unavailable(200)),
	limitedRun("400/s halves at half time", usual(1.08, 5), 20_000, 20*ms, 75, func(*rand.Rand) limit { return changing(400, 200, 25) }),
	limitedRun("400/s doubles at half time", usual(1.08, 5), 20_000, 20*ms, 37.5, func(*rand.Rand) limit { return changing(400, 800, 25) }),
	limitedRun("three nodes of 67/s", usual(1.3, 5), 2_000, 20*ms, 2_000./200, func(r *rand.Rand) limit { return nodes(r, 3, 67) }),
	limitedRun("three nodes of 400/s", usual(1.3, 5), 20_000, 20*ms, 20_000./1200, func(r *rand.Rand) limit { return nodes(r, 3, 400) }),
	limitedRun("penalty of 1 s, 40/s", usual(1.6, 5), 2_000, 20*ms, 2_000./40, func(*rand.Rand) limit { return penalty(40) }),
	limitedRun("penalty of 1 s, 200/s", usual(1.6, 5), 2_000, 20*ms, 2_000./200, func(*rand.Rand) limit { return penalty(200) }),
}

func unavailable(rate float64) func(*rand.Rand) limit {
	return func(*rand.Rand) limit {
		b := newTokenBucket(rate, rate/10)
		b.refusal = verdict{status: 503, retryAfter: "1"}
		return b
	}
}

// strayRun is a bulk run at a pod that refuses a share of the requests, whatever their
// rate. A few updates may be refused four times.
func strayRun(share, ratio, nothingBefore float64) scenario {
	const n = 20_000
	name := fmt.Sprintf("%v %% stray 429s", 100*share)
	if nothingBefore > 0 {
		name += fmt.Sprintf(" after %v s of nothing else", nothingBefore)
	}
	goals := []goal{{figure: "time", most: ratio}, {figure: "failed", most: math.Ceil(n * math.Pow(share, 4) * 10), exact: true}}
	return limitedRun(name, goals, n, 20*ms, nothingBefore+n*.020/64,
		func(r *rand.Rand) limit { return stray(r, share, nothingBefore) })
}

var strayed = []scenario{
	strayRun(0.001, 1.3, 0),
	strayRun(0.01, 1.8, 0),
	strayRun(0.05, 4.5, 0),
	strayRun(0.01, 15, 2),
}

// sharedRun is several clients at one limit.
func sharedRun(clients int, ratio, share float64) scenario {
	return scenario{fmt.Sprintf("%d clients at one limit", clients), append(usual(ratio, 5), goal{figure: "greatest share / fair one", most: share}), func(l lab) []float64 {
		const n, rate = 20_000, 400
		p := newPod(l.random, 20*ms, newTokenBucket(rate, rate/10))
		runs, ends := make([]run, clients), make([]float64, clients)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				runs[i] = l.bulk(l.client(p, symphony.WithHeader("X-Client", strconv.Itoa(i))), p, n/clients, 64)
				ends[i] = p.now()
			})
		}
		wg.Wait()
		failed := 0
		for _, r := range runs {
			failed += r.failed
		}
		end, greatest := slices.Min(ends), 0
		for i := range clients {
			greatest = max(greatest, p.count(0, end, func(e event) bool { return isAccepted(e) && e.client == strconv.Itoa(i) }))
		}
		all := p.count(0, end, isAccepted)
		refused := 100 * float64(p.count(0, p.now(), isRefused)) / float64(len(p.events))
		return []float64{p.now() / (n / rate), float64(failed), refused, float64(greatest*clients) / float64(all)}
	}}
}

var shared = []scenario{
	sharedRun(2, 1.15, 1.3),
	sharedRun(5, 1.2, 1.5),
}
