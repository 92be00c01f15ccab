package faults_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

const (
	bulkUsers   = 300
	bulkUpdates = 1200
)

// bulkUpdate is the nth update of a bulk run.
func bulkUpdate(n int) symphony.PresenceUpdate {
	categories := symphony.PresenceCategories()
	return symphony.PresenceUpdate{UserID: int64(n%bulkUsers) + 1, Category: categories[n/bulkUsers%len(categories)]}
}

// run ranges over a bulk run, and calls back with the number of each result. Each update
// must give one.
func (w *wire) run(t *testing.T, callback func(n int, result symphony.PresenceResult)) {
	t.Helper()
	updates := make([]symphony.PresenceUpdate, bulkUpdates)
	for n := range updates {
		updates[n] = bulkUpdate(n)
	}
	given := make([]int, bulkUpdates)
	n := 0
	for result := range w.client.SetUserPresences(w.ctx, slices.Values(updates)) {
		require.Equal(t, updates[result.Index], result.Update)
		given[result.Index]++
		callback(n, result)
		n++
	}
	for index, results := range given {
		require.Equal(t, 1, results, "results of update %d", index)
	}
}

// requireAllSet checks that the pod holds the last update of each user.
func (w *wire) requireAllSet(t *testing.T) {
	t.Helper()
	for n := bulkUpdates - bulkUsers; n < bulkUpdates; n++ {
		user, _ := w.pod.User(bulkUpdate(n).UserID)
		require.Equal(t, bulkUpdate(n).Category, user.Category)
	}
}

// patient outlasts the faults of these tests.
var patient = symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 100, MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond})

func TestBulkOverBadWire(t *testing.T) {
	w := newWire(t, bulkUsers, patient)
	w.poison(t,
		`{"type": "latency", "stream": "downstream", "attributes": {"latency": 3, "jitter": 3}}`,
		// Every second connection is reset after a while.
		`{"type": "limit_data", "stream": "downstream", "toxicity": 0.5, "attributes": {"bytes": 5000}}`)
	w.run(t, func(_ int, result symphony.PresenceResult) {
		require.NoError(t, result.Err)
		require.Equal(t, result.Update.UserID, result.Presence.UserID)
		require.Equal(t, result.Update.Category, result.Presence.Category)
	})
	w.requireAllSet(t)
	require.Greater(t, int(w.count.attempts.Load()), bulkUpdates)
}

// A pod that goes away in the middle of a run and comes back costs retries, and no update.
func TestBulkOutlastsPodThatComesBack(t *testing.T) {
	w := newWire(t, bulkUsers, patient)
	var retries atomic.Int32
	w.count.again = func() {
		if retries.Add(1) == 50 {
			assert.NoError(t, w.heal())
		}
	}
	w.run(t, func(n int, result symphony.PresenceResult) {
		require.NoError(t, result.Err)
		if n == 300 {
			w.proxy.Stop()
		}
	})
	w.requireAllSet(t)
	require.GreaterOrEqual(t, int(retries.Load()), 50)
}

// When it stays away, the run probes now and then, until its context ends. Of the updates
// that failed the pod may have applied some; those that succeeded stand.
func TestBulkWhenPodStaysAway(t *testing.T) {
	w := newWire(t, bulkUsers)
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	possible := map[int64][]symphony.PresenceCategory{}
	pulled, results, set, canceled := 0, 0, 0, 0
	updates := func(yield func(symphony.PresenceUpdate) bool) {
		for n := range bulkUpdates {
			if pulled++; !yield(bulkUpdate(n)) {
				return
			}
		}
	}
	for result := range w.client.SetUserPresences(ctx, updates) {
		results++
		id, category := result.Update.UserID, result.Update.Category
		if result.Err == nil {
			possible[id] = []symphony.PresenceCategory{category}
			if set++; set == 300 {
				w.proxy.Stop()
			}
			continue
		}
		if possible[id] == nil {
			possible[id] = []symphony.PresenceCategory{symphony.PresenceAvailable} // as at the beginning
		}
		possible[id] = append(possible[id], category)
		if errors.Is(result.Err, syscall.ECONNREFUSED) {
			cancel() // other calls may have failed in the same way before it
		} else {
			require.ErrorIs(t, result.Err, context.Canceled)
			canceled++
		}
	}
	require.Positive(t, canceled)
	require.Equal(t, pulled, results)
	require.Less(t, pulled, bulkUpdates, "the outage does not fail the rest of the source")
	for id, categories := range possible {
		user, _ := w.pod.User(id)
		require.Contains(t, categories, user.Category)
	}
}
