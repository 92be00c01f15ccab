package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/perf/benchmath"
)

// shuffler puts the peers in another order in each round, and in the same orders in each run.
func shuffler() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// figures are the results of one peer, one for each round.
type figures []float64

func (f figures) median() float64 { return f.summary().Center }

// interval contains the true median with 95 % confidence; ok is false if there are too few
// figures.
func (f figures) interval() (low, high float64, ok bool) {
	s := f.summary()
	return s.Lo, s.Hi, !math.IsInf(s.Hi, 1)
}

func (f figures) summary() benchmath.Summary {
	sample := benchmath.NewSample(slices.Clone(f), &benchmath.DefaultThresholds) // which sorts them
	return benchmath.AssumeNothing.Summary(sample, 0.95)
}

// over divides the figures by those of another peer in the same rounds. The result is empty
// if one of the two was not measured.
func (f figures) over(others figures) figures {
	ratios := make(figures, min(len(f), len(others)))
	for i := range ratios {
		ratios[i] = f[i] / others[i]
	}
	return ratios
}

// table is what a part measured: figures by peer and by measure.
type table map[string]map[string]figures

func (t table) add(peer, measure string, value float64) {
	if t[peer] == nil {
		t[peer] = map[string]figures{}
	}
	t[peer][measure] = append(t[peer][measure], value)
}

// ratio is a measure of a peer, relative to the call by hand.
func (t table) ratio(peer, measure string) figures { return t[peer][measure].over(t[byHand][measure]) }
