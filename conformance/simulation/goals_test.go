package simulation_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
)

var scenarios = slices.Concat(limited, strayed, shared, failing, beside, own)

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
				assert.Empty(t, s.missed(measured[i]))
			})
		}
	})
	printTable(measured)
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
