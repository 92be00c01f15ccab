// Program benchmarks compares this SDK with other ways to set a presence from Go: by
// hand, with libraries, and with clients generated from the OpenAPI description. All
// make the same call in the same run.
//
//	GOWORK=off go run .         # about 25 minutes; writes RESULTS.md and chart.svg
//	GOWORK=off go run . -quick  # half a minute, to see that it works; writes no files
//
// The module is not in the workspace, to keep its dependencies to itself. The program
// generates the clients of oapi-codegen and ogen when it runs.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"
)

// scale is how much is measured.
type scale struct {
	singleCalls, singleRounds int
	bulk                      []bulkCase
	memory                    bulkCase
	throttledUpdates          int
	herdCalls                 int
}

func main() {
	if isChild() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	quick := flag.Bool("quick", false, "measure little, and write no files")
	flag.Parse()
	run := measureAndWrite
	if generatedPeers == nil {
		run = linkGenerated
	}
	if err := run(ctx, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", cmp.Or(context.Cause(ctx), err))
		os.Exit(1)
	}
}

// linkGenerated generates the clients of the OpenAPI description, and runs this program
// again with them.
func linkGenerated(ctx context.Context, _ bool) error {
	fmt.Fprintln(os.Stderr, "generating and building the clients of oapi-codegen and ogen")
	if err := goCommand(ctx, "generate", "./generated/..."); err != nil {
		return fmt.Errorf("go generate, which is run in the directory benchmarks: %w", err)
	}
	return goCommand(ctx, append([]string{"run", "-tags", "generated", "."}, os.Args[1:]...)...)
}

func goCommand(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // from the program and its user
	command.Env = append(os.Environ(), "GOWORK=off")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	return command.Run()
}

func measureAndWrite(ctx context.Context, quick bool) error {
	s := fullScale()
	if quick {
		s = quickScale()
	}
	r, err := measure(ctx, s)
	if err != nil {
		return err
	}
	text := r.markdown()
	fmt.Print(text)
	if quick {
		return nil
	}
	if err := os.WriteFile("RESULTS.md", []byte(text), 0o644); err != nil { //nolint:gosec // anyone may read it
		return err
	}
	return r.draw("chart.svg")
}

func fullScale() scale {
	return scale{
		singleCalls: 250, singleRounds: 150,
		bulk: []bulkCase{
			{serving{}, 20_000, 12}, // with the most noise
			{serving{Latency: 5 * time.Millisecond}, 20_000, 6},
			{serving{Latency: 20 * time.Millisecond}, 20_000, 6},
			{serving{HTTP2: true}, 20_000, 6},
			{serving{HTTP2: true, Latency: 5 * time.Millisecond}, 20_000, 6},
			{serving{HTTP2: true, Latency: 20 * time.Millisecond}, 20_000, 6},
		},
		memory:           bulkCase{serving{}, 10_000, 6},
		throttledUpdates: 2_000,
		herdCalls:        1_000,
	}
}

func quickScale() scale {
	return scale{
		singleCalls: 50, singleRounds: 30,
		bulk: []bulkCase{
			{serving{}, 500, 6},
			{serving{Latency: 5 * time.Millisecond}, 500, 6},
			{serving{Latency: 20 * time.Millisecond}, 200, 6},
			{serving{HTTP2: true}, 300, 6},
			{serving{HTTP2: true, Latency: 5 * time.Millisecond}, 300, 6},
		},
		memory:           bulkCase{serving{}, 1_000, 2},
		throttledUpdates: 300,
		herdCalls:        1_000,
	}
}

// results is all that is measured.
type results struct {
	scale
	single, memory, throttled table
	bulk                      []table // by case
	logins                    int
}

// measure does all parts, and prints each to standard error when it begins.
func measure(ctx context.Context, s scale) (*results, error) {
	r := &results{scale: s}
	start := time.Now()
	part := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	part("single calls: %d rounds of %d", s.singleRounds, s.singleCalls)
	var err error
	if r.single, err = single(ctx, s); err != nil {
		return nil, err
	}
	for _, c := range s.bulk {
		part("bulk, %v: %d rounds of %d updates", c, c.rounds, c.updates)
		t, err := bulk(ctx, c)
		if err != nil {
			return nil, err
		}
		r.bulk = append(r.bulk, t)
	}
	part("peak memory: %d rounds of %d updates", s.memory.rounds, s.memory.updates)
	if r.memory, err = memory(ctx, s.memory); err != nil {
		return nil, err
	}
	part("a pod with a limit: %d updates", s.throttledUpdates)
	if r.throttled, err = throttled(ctx, s.throttledUpdates); err != nil {
		return nil, err
	}
	part("an expired session: %d calls", s.herdCalls)
	if r.logins, err = herd(ctx, s.herdCalls); err != nil {
		return nil, err
	}
	part("done")
	return r, nil
}
