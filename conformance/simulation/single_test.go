package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

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
		<-time.After(3 * time.Second)
		for range 100 {
			<-time.After(time.Duration((0.5 + l.random.Float64()) * float64(time.Second)))
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
		<-time.After(time.Second)
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
						<-time.After(50 * ms)
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
		<-time.After(10 * time.Minute)
		return []float64{l.bulk(client, p, 2_000, 64).seconds - 2_000*.020/64 - .1}
	}},
}
