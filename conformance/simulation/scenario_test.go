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

// measure returns the values of each figure. A scenario that misses a goal is played four
// times as often: its few values may be exceptions.
func (s scenario) measure(t *testing.T, first uint64) [][]float64 {
	values := make([][]float64, len(s.goals))
	for n := range 4 * uint64(*seeds) {
		if n == uint64(*seeds) && len(s.missed(values)) == 0 {
			break
		}
		synctest.Test(t, func(t *testing.T) {
			for j, v := range s.play(lab{t, rand.New(rand.NewPCG(first+n, 0))}) {
				values[j] = append(values[j], v)
			}
		})
	}
	return values
}

// missed returns the figures whose median is beyond the limit.
func (s scenario) missed(values [][]float64) (figures []string) {
	for j, g := range s.goals {
		if median(values[j]) > g.limit() {
			figures = append(figures, g.figure)
		}
	}
	return figures
}
