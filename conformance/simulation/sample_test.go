package simulation_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

var samples = flag.Int("samples", 12, "limits that TestSample draws")

// limitGoal is the goal of a token bucket in the table.
type limitGoal struct {
	rate    float64
	updates int
	ratio   float64
}

var limitGoals = []limitGoal{{20, 2_000, 1.10}, {200, 2_000, 1.20}, {400, 20_000, 1.05}, {1500, 2_000, 2.0}, {5000, 20_000, 1.35}}

// nearest returns the goal whose rate is nearest.
func nearest(rate float64) limitGoal {
	best := limitGoals[0]
	for _, g := range limitGoals {
		if math.Abs(math.Log(g.rate/rate)) < math.Abs(math.Log(best.rate/rate)) {
			best = g
		}
	}
	return best
}

// TestSample draws limits, latencies and numbers of workers between those of the table. The
// time stays within 1.25 times the goal of the nearest row, and no update fails.
func TestSample(t *testing.T) {
	t.Parallel()
	first := firstSeed()
	t.Logf("seed %d; repeat with -args -seed %d", first, first)
	random := rand.New(rand.NewPCG(first, 1))
	between := func(low, high float64) float64 { return low * math.Pow(high/low, random.Float64()) }
	for range *samples {
		rate, latency, workers := between(20, 5000), between(0.005, 0.200), int(between(8, 257))
		goal := nearest(rate)
		updates := max(goal.updates, 20*workers) // not one burst of all workers
		most := noise * 1.25 * goal.ratio
		var ratios, failed []float64
		for n := range 9 {
			if n == 3 && median(ratios) <= most && median(failed) == 0 {
				break // three may be exceptions
			}
			synctest.Test(t, func(t *testing.T) {
				l := lab{t, random}
				p := newPod(random, time.Duration(latency*float64(time.Second)), newTokenBucket(rate, rate/10))
				r := l.bulk(l.client(p), p, updates, workers)
				n, w := float64(updates), float64(workers)
				// A bulk run begins with few workers, which double with each round trip.
				ideal := max((n-rate/10)/rate, n*latency/w) + latency*math.Log2(w/4)
				ratios, failed = append(ratios, r.seconds/ideal), append(failed, float64(r.failed))
			})
		}
		t.Logf("%4.0f/s, %3.0f ms, %3d workers, %5d updates: %.3f of the ideal time (goal %.2f), failed %v",
			rate, 1000*latency, workers, updates, median(ratios), 1.25*goal.ratio, failed)
		assert.LessOrEqual(t, median(ratios), most)
		assert.Zero(t, median(failed))
	}
}
