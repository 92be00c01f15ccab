package simulation_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

const ms = time.Millisecond

// lab is what a scenario of one seed works with.
type lab struct {
	t      *testing.T
	random *rand.Rand
}

func (l lab) client(p *pod, opts ...symphony.Option) *symphony.Client {
	opts = append([]symphony.Option{symphony.WithHTTPClient(&http.Client{Transport: p})}, opts...)
	client, err := symphony.NewClient("https://pod.invalid/pod", symphony.StaticSessionToken("token"), opts...)
	require.NoError(l.t, err)
	return client
}

// updates are n presence updates, of n users.
func updates(n int) iter.Seq[symphony.PresenceUpdate] {
	return func(yield func(symphony.PresenceUpdate) bool) {
		for id := range int64(n) {
			if !yield(symphony.PresenceUpdate{UserID: id + 1, Category: symphony.PresenceBusy}) {
				return
			}
		}
	}
}

// run is what became of a bulk run.
type run struct {
	seconds float64
	failed  int
	refused float64 // percent of the requests
}

// bulk makes a bulk run.
func (l lab) bulk(client *symphony.Client, p *pod, n, workers int) run {
	start, failed := time.Now(), 0
	for result := range client.SetUserPresences(l.t.Context(), updates(n), symphony.WithConcurrency(workers)) {
		if result.Err != nil {
			failed++
		}
	}
	refused := p.count(0, p.now()+1, isRefused)
	return run{time.Since(start).Seconds(), failed, 100 * float64(refused) / float64(max(1, len(p.events)))}
}

func set(ctx context.Context, client *symphony.Client) error {
	_, err := client.SetUserPresence(ctx, 7, symphony.PresenceBusy, false)
	return err
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
