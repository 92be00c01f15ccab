package simulation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
)

var (
	seed  = flag.Uint64("seed", 0, "seed of the first run; 0 for a new one")
	seeds = flag.Int("seeds", 3, "runs of each scenario, with seeds that follow each other")
)

// noise is how far a median may exceed its goal.
const noise = 1.08

// goal is the most that a figure of a scenario may be, in the median.
type goal struct {
	figure string
	most   float64
	exact  bool // without noise
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
					most := g.most
					if !g.exact {
						most *= noise
					}
					assert.LessOrEqual(t, median(measured[i][j]), most, g.figure)
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

var printing sync.Mutex

func printTable(measured [][][]float64) {
	printing.Lock()
	defer printing.Unlock()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tfigure\tgoal\tmedian\tvalues")
	for i, s := range scenarios {
		for j, g := range s.goals {
			if measured[i] == nil || len(measured[i][j]) == 0 {
				continue
			}
			mark := ""
			if median(measured[i][j]) > g.most {
				mark = " !"
			}
			fmt.Fprintf(w, "%s\t%s\t%.4g\t%.4g%s\t%s\n", s.name, g.figure, g.most, median(measured[i][j]), mark,
				strings.Trim(fmt.Sprintf("%.4g", measured[i][j]), "[]"))
		}
	}
	_ = w.Flush()
}

const ms = time.Millisecond
