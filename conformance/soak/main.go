// Command soak makes calls and bulk runs for a while, at a pod in memory that fails at
// random, ends sessions and limits its rate, and checks that each update that the client
// reports as done has been done, and that no user's updates came out of order.
//
//	go run ./soak -for 30s -seed 1
//
// It prints its progress every three seconds. Its exit code is 1 if an update was lost or came
// out of order, if most calls failed, or if goroutines are left. Runs with the same seed have
// the same updates and the same sequence of faults; which request meets which fault depends on
// the scheduler.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const progress = 3 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := soak(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// soak is the program.
func soak(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	duration := flags.Duration("for", 30*time.Second, "how long to start new rounds")
	seed := flags.Uint64("seed", 1, "what the updates and the faults are drawn from")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	r, err := newRun(*seed)
	if err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return 1
	}
	defer r.pod.Close()
	return r.report(ctx, *duration, stdout, stderr)
}

// report makes a run, prints its progress and result, and returns the exit code.
func (r *run) report(ctx context.Context, duration time.Duration, stdout, stderr io.Writer) int {
	fmt.Fprintf(stdout, "soak: seed %d: %d users, %d bulk runs and %d callers at once, %d requests a second\n",
		r.seed, users, bulkRuns, callers, perSecond)
	start, began := r.footprint(math.MaxInt), time.Now()
	r.work(ctx, duration, func() {
		fmt.Fprintf(stdout, "%5.0fs  %s\n", time.Since(began).Seconds(), r)
	})
	end := r.footprint(start.goroutines)
	fmt.Fprintf(stdout, "soak: %s, goroutines %d to %d, heap %.1f to %.1f MiB, in %.0fs\n", r,
		start.goroutines, end.goroutines, mib(start.heap), mib(end.heap), time.Since(began).Seconds())

	found := r.findings()
	all := append(found.lost, found.disorder...)
	if r.done.Load() < r.failed.Load() {
		all = append(all, "most calls failed, which shows nothing")
	}
	for i, finding := range all {
		if i == 20 {
			fmt.Fprintf(stderr, "soak: and %d more\n", len(all)-i)
			break
		}
		fmt.Fprintln(stderr, "soak:", finding)
	}
	if len(all) > 0 || end.goroutines > start.goroutines {
		return 1
	}
	return 0
}

// work makes rounds for a time, and shows meanwhile where it is.
func (r *run) work(ctx context.Context, duration time.Duration, show func()) {
	ticker := time.NewTicker(progress)
	finished := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-ticker.C:
				show()
			case <-finished:
				return
			}
		}
	})
	began := time.Now()
	for n := uint64(1); n == 1 || ctx.Err() == nil && time.Since(began) < duration; n++ {
		r.round(ctx, n)
	}
	ticker.Stop()
	close(finished)
	group.Wait()
}

// String says where the run is.
func (r *run) String() string {
	found := r.findings()
	calls := r.done.Load() + r.failed.Load()
	return fmt.Sprintf("%d calls in %d rounds (%d failed), %d faults (5xx %d, 429 %d, broken off %d), %d retries, %d logins, %d lost, %d out of order",
		calls, r.rounds.Load(), r.failed.Load(),
		r.refused.Load()+r.limited.Load()+r.broken.Load(), r.refused.Load(), r.limited.Load(), r.broken.Load(),
		r.retries.Load(), r.pod.Logins(), len(found.lost), len(found.disorder))
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
