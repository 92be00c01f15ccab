package main

import (
	"math/rand/v2"

	"golang.org/x/perf/benchmath"
)

// shuffler gives the peers another order in each round, the same ones in each run.
func shuffler() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// figures are what the rounds gave for one peer.
type figures []float64

// summary is the median, with an interval that holds the true one with 95 %.
func (f figures) summary() benchmath.Summary {
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(f, &benchmath.DefaultThresholds), 0.95)
}

func (f figures) median() float64 { return f.summary().Center }

// over divides the figures by those of the same rounds of another peer.
func (f figures) over(others figures) figures {
	ratios := make(figures, len(f))
	for i := range f {
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
