package simulation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
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

// TestGoals plays every scenario, and prints what was measured beside its goal.
func TestGoals(t *testing.T) {
	first := firstSeed()
	t.Logf("seed %d; repeat with -args -seed %d", first, first)
	measured := make([][][]float64, len(scenarios))
	t.Run("scenarios", func(t *testing.T) {
		for i, s := range scenarios {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				measured[i] = s.measure(t, first)
				for j, g := range s.goals {
					assert.LessOrEqual(t, median(measured[i][j]), g.limit(), g.figure)
				}
			})
		}
	})
	printTable(measured)
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

// printTable marks what is above its goal.
func printTable(measured [][][]float64) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tfigure\tgoal\tmedian\tvalues")
	for i, s := range scenarios {
		for j, values := range measured[i] { // none of a scenario that -run left out
			mark := ""
			if median(values) > s.goals[j].most {
				mark = " !"
			}
			fmt.Fprintf(w, "%s\t%s\t%.4g\t%.4g%s\t%s\n", s.name, s.goals[j].figure, s.goals[j].most, median(values), mark,
				strings.Trim(fmt.Sprintf("%.4g", values), "[]"))
		}
	}
	_ = w.Flush()
}
