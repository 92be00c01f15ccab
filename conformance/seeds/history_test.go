package seeds_test

import (
	"context"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// outcome is what a caller knows of a write.
type outcome int

const (
	unknown   outcome = iota // no result, or an error: perhaps applied
	succeeded                // applied
	unneeded                 // a revert that set nothing
	failed                   // an error: perhaps applied, but not acknowledged
)

// write is one presence that a caller wanted to set, in the order of its source.
type write struct {
	category symphony.PresenceCategory
	outcome  outcome
	reverts  symphony.PresenceCategory // that a revert takes back
}

// call is a single call.
type call struct {
	operation string
	trace     string
	key       string // of a once-only call
	user      int64
	start     time.Time
	finish    time.Time
	ends      time.Time // when its context ends; zero for never
	presence  *symphony.V2Presence
	err       error
}

// callKey returns the key of the call's attempts.
func (c *call) callKey() callKey { return callKey{operation: c.operation, trace: c.trace} }

// run is a bulk run or a lookup.
type run struct {
	name        string
	total       int           // items of the source
	ahead       int           // items that may be pulled ahead of their results
	concurrency int           // 0 for a lookup, whose results come in the order of the source
	slow        time.Duration // how long the source takes for an item
	busy        time.Duration // how long the loop takes for a result
	pulled      int
	indexes     []int // of the results, in the order in which they came
	errs        []error
	stopped     time.Time // when the caller broke off; zero for never
	finish      time.Time
	ends        time.Time // when its context ends; zero for never
	wrong       []string  // what was wrong with a single item or result
}

// callKey is what the attempts of one call have in common. Logins of one call have its
// trace id, so it counts them.
type callKey struct {
	operation, trace string
	nth              int // from 0
}

// keyOf returns the key of an attempt, and counts calls by their first attempts.
func keyOf(calls map[[2]string]int, operation, trace string, attempt int) callKey {
	if attempt <= 1 {
		calls[[2]string{operation, trace}]++
	}
	return callKey{operation, trace, calls[[2]string{operation, trace}] - 1}
}

// history is what the callers of a seed saw.
type history struct {
	mu       sync.Mutex // guards what follows
	writes   map[int64][]*write
	made     []*call
	runs     []*run
	reports  map[callKey][]symphony.Attempt
	reported map[[2]string]int // calls

	limits     []symphony.Limits // of the clients, at rest
	goroutines []string          // left at rest, and long after
}

func newHistory() *history {
	return &history{
		writes:   map[int64][]*write{},
		reports:  map[callKey][]symphony.Attempt{},
		reported: map[[2]string]int{},
	}
}

// observe is the observer of all clients.
func (h *history) observe(_ context.Context, a symphony.Attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := keyOf(h.reported, a.Operation, a.TraceID, a.Number)
	h.reports[key] = append(h.reports[key], a)
}

// intend notes a write before it is made.
func (h *history) intend(user int64, category symphony.PresenceCategory) *write {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &write{category: category}
	h.writes[user] = append(h.writes[user], w)
	return w
}

func (h *history) addCall(c *call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made = append(h.made, c)
}

func (h *history) addRun(r *run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs = append(h.runs, r)
}
