package symphony_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// Attempts that overlap have their own time each, whatever becomes of the others, and
// also after a while without any.
func TestAttemptsThatOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("soft") == "true" {
				return response(200, busy), nil
			}
			return hangs(r)
		}, once)
		for range 2 {
			var group sync.WaitGroup
			for range 5 {
				group.Go(func() {
					start := time.Now()
					require.ErrorContains(t, setBusy(t, client), "no response within 30s")
					require.Equal(t, 30*time.Second, time.Since(start))
				})
				_, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, true)
				require.NoError(t, err)
				<-time.After(7 * time.Second)
			}
			group.Wait()
			<-time.After(time.Hour)
		}
	})
}

// The transport learns when an attempt is due, and that the attempt is over.
func TestAttemptContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempt context.Context
		client := fake(t, func(r *http.Request) (*http.Response, error) {
			attempt = r.Context()
			return response(200, busy), nil
		})
		require.NoError(t, setBusy(t, client))
		due, ok := attempt.Deadline()
		require.True(t, ok)
		require.Equal(t, 30*time.Second, time.Until(due))
		require.ErrorIs(t, attempt.Err(), context.Canceled)

		client = fake(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			require.ErrorIs(t, r.Context().Err(), context.DeadlineExceeded)
			return nil, r.Context().Err()
		}, once)
		require.ErrorContains(t, setBusy(t, client), "no response within 30s")

		client = fake(t, func(r *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}, once)
		err := setBusy(t, client)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, context.Canceled, "which would be the caller's doing")
	})
}
