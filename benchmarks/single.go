package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"
)

// The measures of single calls, each for one call.
const (
	measureTime   = "time"
	measureCPU    = "CPU"
	measureBytes  = "bytes"
	measureAllocs = "allocations"
)

const userID = 7078106126503

// single makes calls one after the other. The peers take turns in chunks, so that a change
// of the machine's speed affects all of them.
func single(ctx context.Context, s scale) (table, error) {
	server, err := startServer(ctx, serving{})
	if err != nil {
		return nil, err
	}
	defer server.end() //nolint:errcheck // it has done its work
	contenders := peers()
	clients := make([]client, len(contenders))
	for i, p := range contenders {
		if clients[i], err = p.connect(server.target); err != nil {
			return nil, err
		}
	}
	result := table{}
	order, random := rand.Perm(len(contenders)), shuffler()
	for round := range s.singleRounds + 1 {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			used, err := contenders[i].chunk(ctx, clients[i], s.singleCalls)
			if err != nil {
				return nil, err
			}
			if round == 0 { // it opens the connections
				continue
			}
			result.add(contenders[i].name, measureTime, used.time.Seconds()/float64(s.singleCalls))
			result.add(contenders[i].name, measureCPU, used.cpu.Seconds()/float64(s.singleCalls))
			result.add(contenders[i].name, measureBytes, float64(used.bytes)/float64(s.singleCalls))
			result.add(contenders[i].name, measureAllocs, float64(used.allocs)/float64(s.singleCalls))
		}
	}
	return result, nil
}

// usage is what calls took.
type usage struct {
	time, cpu     time.Duration
	bytes, allocs uint64
}

// chunk makes calls one after the other.
func (p peer) chunk(ctx context.Context, c client, calls int) (usage, error) {
	if p.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.deadline)
		defer cancel()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	for range calls {
		if err := p.call(ctx, c, userID); err != nil {
			return usage{}, err
		}
	}
	used := usage{time: time.Since(start), cpu: cpuTime() - cpu}
	runtime.ReadMemStats(&after)
	used.bytes, used.allocs = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
	return used, nil
}

// call makes a call, and checks the response.
func (p peer) call(ctx context.Context, c client, userID int64) error {
	returned, err := c.set(ctx, userID)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if returned != category {
		return fmt.Errorf("%s: it returned the category %q", p.name, returned)
	}
	return nil
}
