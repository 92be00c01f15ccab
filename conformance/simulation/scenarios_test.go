package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

var scenarios = slices.Concat(limited, strayed, shared, failing, beside, own)

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
		return l.bulk(l.client(p), p, n, 64).usual(ideal)
	}}
}

func bucketRun(rate, burst, ratio float64, n int, latency time.Duration) scenario {
	name := fmt.Sprintf("token bucket %v/s, burst %v, %d updates", rate, burst, n)
	return limitedRun(name, usual(ratio, 5), n, latency, (float64(n)-burst)/rate,
		func(*rand.Rand) limit { return newTokenBucket(rate, burst) })
}

func fixed(l limit) func(*rand.Rand) limit { return func(*rand.Rand) limit { return l } }

var limited = []scenario{
	bucketRun(20, 2, 1.10, 2_000, 20*ms),
	bucketRun(200, 20, 1.20, 2_000, 20*ms),
	bucketRun(400, 40, 1.05, 20_000, 20*ms),
	bucketRun(1500, 150, 2.0, 2_000, 20*ms),
	bucketRun(5000, 500, 1.35, 20_000, 5*ms),
	bucketRun(400, 400, 1.03, 20_000, 20*ms),
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

func strayRun(share, ratio, nothingBefore float64) scenario {
	const n = 20_000
	return limitedRun(fmt.Sprintf("%v %% stray 429s, nothing else for %v s", 100*share, nothingBefore), usual(ratio, 100), n, 20*ms,
		nothingBefore+n*.020/64, func(r *rand.Rand) limit { return stray(r, share, nothingBefore) })
}

var strayed = []scenario{
	strayRun(0.001, 1.3, 0),
	strayRun(0.01, 1.8, 0),
	strayRun(0.05, 4.5, 0),
	strayRun(0.01, 15, 2),
}

// sharedRun is several clients at one limit.
func sharedRun(clients int, ratio, share float64) scenario {
	return scenario{fmt.Sprintf("%d clients at one limit", clients), append(usual(ratio, 5), goal{figure: "greatest share", most: share}), func(l lab) []float64 {
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

// outageRun is an outage of 30 s in the midst of a bulk run, and a single call within.
func outageRun(name string, workers, failed int, then func() verdict, opts ...symphony.Option) scenario {
	const from, to = 2, 32
	return scenario{fmt.Sprintf("outage of 30 s (%s), %d workers", name, workers), []goal{
		{figure: "failed", most: float64(failed), exact: true},
		{figure: "requests/s, 1 s to 30 s", most: 2, exact: true},
		{figure: "s to full speed", most: 3},
	}, func(l lab) []float64 {
		n := 20_000 * workers / 64
		p := newPod(l.random, 20*ms, outage(from, to, then))
		r := l.bulk(l.client(p, opts...), p, n, workers)
		full, window := 0.0, 0.2
		for p.count(to+full, to+full+window, isAccepted) < int(0.85*window*float64(workers)/.020) && full < 10 {
			full += 0.1
		}
		return []float64{float64(r.failed), float64(p.count(from+1, to, any)) / 29, full}
	}}
}

// singleInOutage is a call of its own, some seconds after an outage began under a bulk run.
func singleInOutage(name string, then func() verdict) scenario {
	return scenario{"a single call in an outage (" + name + ")", []goal{{figure: "s to its error", most: 6}}, func(l lab) []float64 {
		p := newPod(l.random, 20*ms, outage(2, 32, then))
		client := l.client(p)
		var wg sync.WaitGroup
		wg.Go(func() { l.bulk(client, p, 10_000, 64) })
		time.Sleep(time.Duration(5+5*l.random.Float64()) * time.Second)
		start := time.Now()
		if set(l.t.Context(), client) == nil {
			l.t.Error("the call succeeded")
		}
		took := time.Since(start).Seconds()
		wg.Wait()
		return []float64{took}
	}}
}

// brownOut is a bulk run at a pod that fails three requests in ten. Full speed is that
// of a client that has no limiter.
func brownOut(name string, n int, fullSpeed float64, opts ...symphony.Option) scenario {
	return scenario{"brown-out, 30 % fail, " + name, []goal{
		{figure: "failed %", most: 1.2},
		{figure: "time to full speed's", most: 2},
	}, func(l lab) []float64 {
		p := newPod(l.random, 20*ms, limitFunc(func(float64, int) verdict {
			if l.random.Float64() < .3 {
				return failure
			}
			return accept
		}))
		r := l.bulk(l.client(p, opts...), p, n, 64)
		return []float64{100 * float64(r.failed) / float64(n), r.seconds * fullSpeed / float64(n)}
	}}
}

func status503() verdict  { return verdict{status: 503} }
func noResponse() verdict { return verdict{} }
func hanging() verdict    { return verdict{hang: true} }

var failing = []scenario{
	outageRun("503", 64, 10, status503),
	outageRun("refused connections", 64, 10, noResponse),
	outageRun("hanging", 64, 10, hanging, symphony.WithAttemptTimeout(2*time.Second)),
	outageRun("503", 8, 8, status503),
	outageRun("refused connections", 8, 8, noResponse),
	singleInOutage("503", status503),
	singleInOutage("refused connections", noResponse),
	brownOut("usual backoffs", 15_000, 64/.137),
	brownOut("backoffs of 1 ms", 30_000, 64/.0295, symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: ms, MaxBackoff: ms})),
}

// singlesBeside are single calls, one a second, beside a bulk run at its limit.
func singlesBeside(rate float64, p99 float64) scenario {
	return scenario{fmt.Sprintf("single calls beside a bulk run at %v/s", rate), []goal{
		{figure: "lost", exact: true},
		{figure: "p99, s", most: p99},
		{figure: "median, s", most: p99},
	}, func(l lab) []float64 {
		p := newPod(l.random, 20*ms, newTokenBucket(rate, rate/10))
		client := l.client(p)
		ctx, cancel := context.WithCancel(l.t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for range client.SetUserPresences(ctx, updates(100*int(rate)+1_000), symphony.WithConcurrency(64)) {
			}
		})
		lost, took := 0, []float64{}
		time.Sleep(3 * time.Second)
		for range 100 {
			time.Sleep(time.Duration((0.5 + l.random.Float64()) * float64(time.Second)))
			start := time.Now()
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			if set(ctx, client) != nil {
				lost++
			}
			cancel()
			took = append(took, time.Since(start).Seconds())
		}
		cancel()
		wg.Wait()
		slices.Sort(took)
		return []float64{float64(lost), took[98], median(took)}
	}}
}

var beside = []scenario{
	singlesBeside(40, 0.25),
	singlesBeside(200, 0.2),
	{"600 canceled waiters at 10/s, then a call", []goal{{figure: "s", most: 0.3}}, func(l lab) []float64 {
		p := newPod(l.random, 20*ms, limitFunc(func(float64, int) verdict { return accept }))
		client := l.client(p, symphony.WithRateLimit(10))
		ctx, cancel := context.WithCancel(l.t.Context())
		var wg sync.WaitGroup
		for range 600 {
			wg.Go(func() { _ = set(ctx, client) })
		}
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		start := time.Now()
		_ = set(l.t.Context(), client)
		return []float64{time.Since(start).Seconds()}
	}},
	{"a bulk run that is broken off beside a waiting call", []goal{{figure: "s", most: 0.3}}, func(l lab) []float64 {
		p := newPod(l.random, 20*ms, limitFunc(func(float64, int) verdict { return accept }))
		client := l.client(p, symphony.WithRateLimit(10))
		var wg sync.WaitGroup
		var took float64
		n := 0
		for range client.SetUserPresences(l.t.Context(), updates(1000), symphony.WithConcurrency(64)) {
			if n++; n == 80 {
				wg.Go(func() {
					start := time.Now()
					_ = set(l.t.Context(), client)
					took = time.Since(start).Seconds()
				})
				break
			}
		}
		wg.Wait()
		return []float64{took}
	}},
}

// ownLimit is WithRateLimit at a pod without a limit. Each worker makes calls, stalls now
// and then, and makes more.
func ownLimit(rate float64, workers int, latency time.Duration, stall bool) scenario {
	return scenario{fmt.Sprintf("WithRateLimit %v, %d workers, stalls %v", rate, workers, stall), []goal{
		{figure: "1 / share of the rate", most: 1 / .97, exact: true},
		{figure: "requests above the rate", exact: true},
	}, func(l lab) []float64 {
		p := newPod(l.random, latency, limitFunc(func(float64, int) verdict { return accept }))
		client := l.client(p, symphony.WithRateLimit(rate))
		n := int(4*rate) / workers
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for i := range n {
					if stall && i%300 == 299 {
						time.Sleep(50 * ms)
					}
					if err := set(l.t.Context(), client); err != nil && !errors.Is(err, context.Canceled) {
						l.t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		share := float64(n*workers) / p.now() / rate
		// A bucket that must never be overdrawn.
		check, above := newTokenBucket(rate, max(1, rate/10)+1e-3), 0
		for _, e := range p.events {
			if check.judge(e.at, 0) == refuse {
				above++
			}
		}
		return []float64{1 / share, float64(above)}
	}}
}

var own = []scenario{
	ownLimit(1000, 64, 20*ms, false),
	ownLimit(2000, 64, 20*ms, false),
	ownLimit(5000, 64, 5*ms, false),
	ownLimit(1000, 1, ms/2, true),
	{"ten minutes after a limit", []goal{{figure: "s beyond the usual time", most: 1.0}}, func(l lab) []float64 {
		bucket := newTokenBucket(20, 2)
		p := newPod(l.random, 20*ms, limitFunc(func(at float64, inFlight int) verdict {
			if at < 60 {
				return bucket.judge(at, inFlight)
			}
			return accept
		}))
		client := l.client(p)
		l.bulk(client, p, 100, 64)
		time.Sleep(10 * time.Minute)
		return []float64{l.bulk(client, p, 2_000, 64).seconds - 2_000*.020/64 - .1}
	}},
}
