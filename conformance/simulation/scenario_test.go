package simulation_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

var (
	seed  = flag.Uint64("seed", 0, "seed of the first run; 0 for a new one")
	seeds = flag.Int("seeds", 5, "runs of each scenario, with seeds that follow each other")
)

// noise is how far a median may exceed its goal.
const noise = 1.08

// goal is the most that a figure of a scenario may be, in the median.
type goal struct {
	figure string
	most   float64
	exact  bool // without noise
}

// limit is where a test fails.
func (g goal) limit() float64 {
	if g.exact {
		return g.most
	}
	return noise * g.most
}

// scenario is a pod and what a client does at it; play returns the figures that the
// goals are about.
type scenario struct {
	name  string
	goals []goal
	play  func(l lab) []float64
}

func firstSeed() uint64 {
	if *seed != 0 {
		return *seed
	}
	return 1 + rand.Uint64N(1_000_000)
}

// measure returns the values of each figure.
func (s scenario) measure(t *testing.T, first uint64) [][]float64 {
	values := make([][]float64, len(s.goals))
	for n := range uint64(*seeds) {
		synctest.Test(t, func(t *testing.T) {
			for j, v := range s.play(lab{t, rand.New(rand.NewPCG(first+n, 0))}) {
				values[j] = append(values[j], v)
			}
		})
	}
	return values
}
