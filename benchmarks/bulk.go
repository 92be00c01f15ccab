package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const workers = 64

// The measures of bulk runs.
const (
	measureConnections = "connections"
	measureP50         = "p50"
	measureP99         = "p99"
	measureMemory      = "memory"
)

// bulkCase is one kind of bulk run.
type bulkCase struct {
	serving
	updates, rounds int
}

func (c bulkCase) String() string {
	protocol := "HTTP/1.1"
	if c.HTTP2 {
		protocol = "HTTP/2"
	}
	return fmt.Sprintf("%s, %d ms", protocol, c.Latency.Milliseconds())
}

// bulk makes bulk runs. Each has a new client, as a program has that does just this.
func bulk(ctx context.Context, c bulkCase) (table, error) {
	server, err := startServer(ctx, c.serving)
	if err != nil {
		return nil, err
	}
	defer server.end() //nolint:errcheck // it has done its work
	result, contenders, random := table{}, bulkPeers(), shuffler()
	for range c.rounds {
		random.Shuffle(len(contenders), func(i, j int) { contenders[i], contenders[j] = contenders[j], contenders[i] })
		for _, p := range contenders {
			before, err := server.connections()
			if err != nil {
				return nil, err
			}
			run, err := p.bulk(ctx, server.target, c.updates)
			if err != nil {
				return nil, err
			}
			after, err := server.connections()
			if err != nil {
				return nil, err
			}
			result.add(p.name, measureTime, run.time.Seconds())
			result.add(p.name, measureP50, run.percentile(50))
			result.add(p.name, measureP99, run.percentile(99))
			result.add(p.name, measureConnections, float64(after-before))
		}
	}
	return result, nil
}

// bulkRun is what became of a bulk run.
type bulkRun struct {
	time      time.Duration
	latencies []time.Duration // of the requests, sorted
}

// percentile is in milliseconds.
func (r bulkRun) percentile(p int) float64 {
	return float64(r.latencies[(len(r.latencies)-1)*p/100]) / float64(time.Millisecond)
}

// bulk makes one run, in which nothing may fail.
func (p peer) bulk(ctx context.Context, t target, updates int) (bulkRun, error) {
	watch := &stopwatch{latencies: make([]time.Duration, 2*updates)}
	t.watch = watch.over
	c, err := p.connect(t)
	if err != nil {
		return bulkRun{}, err
	}
	defer watch.base.CloseIdleConnections()
	start := time.Now()
	failures := p.setAll(ctx, c, updates)
	run := bulkRun{time: time.Since(start), latencies: watch.latencies[:watch.requests.Load()]}
	if len(failures) > 0 {
		return run, fmt.Errorf("%s: %d of %d updates failed: %w", p.name, len(failures), updates, failures[0])
	}
	slices.Sort(run.latencies)
	return run, nil
}

// setAll sets the presence of many users, by the client's own means or by a worker pool.
func (p peer) setAll(ctx context.Context, c client, updates int) (failures []error) {
	if c, ok := c.(interface {
		setAll(ctx context.Context, updates, workers int) []error
	}); ok {
		return c.setAll(ctx, updates, workers)
	}
	var (
		group sync.WaitGroup
		mu    sync.Mutex // guards failures
		jobs  = make(chan int64)
	)
	for range workers {
		group.Go(func() {
			for userID := range jobs {
				if err := p.call(ctx, c, userID); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
				}
			}
		})
	}
	for i := range updates {
		jobs <- int64(i + 1)
	}
	close(jobs)
	group.Wait()
	return failures
}

// stopwatch measures the time of requests, below whatever a client does around them, so
// that all clients are measured alike, without the time that a request waits in a queue.
type stopwatch struct {
	base      *http.Transport
	requests  atomic.Int64
	latencies []time.Duration
}

func (s *stopwatch) over(base http.RoundTripper) http.RoundTripper {
	s.base = base.(*http.Transport)
	return s
}

func (s *stopwatch) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := s.base.RoundTrip(req)
	s.latencies[s.requests.Add(1)-1] = time.Since(start)
	return resp, err
}

func (s *stopwatch) CloseIdleConnections() { s.base.CloseIdleConnections() }

// bulkTask is the task of a child that makes one bulk run and reports its peak memory, in
// bytes. A process cannot reset its peak, so each run has a process of its own.
type bulkTask struct {
	Peer    string
	Target  target
	Updates int
}

func (b bulkTask) run(out io.Writer) error {
	contenders := bulkPeers()
	i := slices.IndexFunc(contenders, func(p peer) bool { return p.name == b.Peer })
	c, err := contenders[i].connect(b.Target)
	if err != nil {
		return err
	}
	if failures := contenders[i].setAll(context.Background(), c, b.Updates); len(failures) > 0 {
		return failures[0]
	}
	return json.NewEncoder(out).Encode(peakMemory())
}

// peakMemory is the peak memory of this process, as Linux reports it; on other systems it
// is not known, and 0.
func peakMemory() uint64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kib uint64
	_, _ = fmt.Sscan(line, &kib)
	return kib << 10
}

// memory makes bulk runs in processes of their own.
func memory(ctx context.Context, c bulkCase) (table, error) {
	server, err := startServer(ctx, c.serving)
	if err != nil {
		return nil, err
	}
	defer server.end() //nolint:errcheck // it has done its work
	result := table{}
	for range c.rounds {
		for _, p := range bulkPeers() {
			run, err := startChild(ctx, task{Bulk: &bulkTask{p.name, server.target, c.updates}})
			if err != nil {
				return nil, err
			}
			var peak uint64
			if err := run.reply(&peak); err != nil {
				return nil, err
			}
			if err := run.end(); err != nil {
				return nil, err
			}
			result.add(p.name, measureMemory, float64(peak))
		}
	}
	return result, nil
}
