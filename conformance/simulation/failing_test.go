package simulation_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

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
		return []float64{float64(r.failed), float64(p.count(from+1, to, isAny)) / 29, full}
	}}
}

// singleInOutage is a call of its own, some seconds after an outage began under a bulk run.
func singleInOutage(name string, then func() verdict) scenario {
	return scenario{"a single call in an outage (" + name + ")", []goal{{figure: "s to its error", most: 6}}, func(l lab) []float64 {
		p := newPod(l.random, 20*ms, outage(2, 32, then))
		client := l.client(p)
		var wg sync.WaitGroup
		wg.Go(func() { l.bulk(client, p, 10_000, 64) })
		<-time.After(time.Duration(5+5*l.random.Float64()) * time.Second)
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
