package seeds_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	first = flag.Uint64("seed", 1, "the first seed")
	seeds = flag.Uint64("seeds", 1000, "how many seeds, one after the other")
)

// maxFailures is how many failing seeds end a run.
const maxFailures = 5

// TestSeeds plays many seeds.
func TestSeeds(t *testing.T) {
	t.Parallel()
	start, cpu := time.Now(), cpuTime()
	var next, failures atomic.Uint64
	t.Run("shards", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for n := next.Add(1); n <= *seeds && failures.Load() < maxFailures; n = next.Add(1) {
					if !checkSeed(t, *first+n-1) {
						failures.Add(1)
					}
				}
			})
		}
	})
	n := max(1, min(next.Load(), *seeds))
	t.Logf("seeds: %d from %d, %v, %v of CPU each", n, *first, time.Since(start).Round(time.Second), (cpuTime()-cpu)/time.Duration(n))
}

// TestFound plays the seeds that found something.
func TestFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		seed uint64
	}{
		{"calls that waited for a login were sent together", 10},
		{"a call is rejected with 401, and its second turn comes after its deadline", 422},
		{"a refused login of a user makes the app log in", 11481},
		{"a call is sent just after its turn, and the next one at its own", 12993},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			checkSeed(t, test.seed)
		})
	}
}

func checkSeed(t *testing.T, seed uint64) bool {
	findings := play(t, seed, planted{})
	for _, finding := range findings {
		t.Errorf("seed %d: %s\nrepeat: GOWORK=off go test -count=1 -run TestSeeds ./seeds -args -seed %d -seeds 1", seed, finding, seed)
	}
	return len(findings) == 0
}

// play simulates a seed in a bubble of its own.
func play(t *testing.T, seed uint64, planted planted) (findings []string) {
	defer func() {
		if reason := recover(); reason != nil { // a bubble whose goroutines all wait for each other
			findings = append(findings, fmt.Sprintf("rest: %v\n%s", reason, strings.Join(findings, "\n")))
		}
	}()
	synctest.Test(t, func(*testing.T) { findings = simulate(seed, planted) })
	return findings
}

// cpuTime returns the CPU time that the process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
