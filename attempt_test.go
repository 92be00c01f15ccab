package symphony_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
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
					assert.ErrorContains(t, setBusy(t, client), "no response within 30s")
					assert.Equal(t, 30*time.Second, time.Since(start))
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

// The transport sees when an attempt is due, and that it is over.
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

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := client.GetUserPresence(ctx, 42, true)
		require.NoError(t, err)
		due, ok = attempt.Deadline()
		require.True(t, ok)
		require.Equal(t, 5*time.Second, time.Until(due), "the caller's, which is nearer")
	})
}

// At an attempt's timeout every context that derives from the attempt's says so.
func TestAttemptTimeoutOfDerivedContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, derive := range map[string]func(context.Context) (context.Context, context.CancelFunc){
			"the attempt's own": func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
			"with a cancel":     context.WithCancel,
			"with a far deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Hour)
			},
		} {
			var seen error
			client := fake(t, func(r *http.Request) (*http.Response, error) {
				ctx, cancel := derive(r.Context())
				defer cancel()
				<-ctx.Done()
				seen = ctx.Err()
				return nil, ctx.Err()
			}, once)
			err := setBusy(t, client)
			require.ErrorIs(t, seen, context.DeadlineExceeded, name)
			require.ErrorContains(t, err, "no response within 30s")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, context.Canceled, "which would be the caller's doing")
		}
	})
}

// A client may be used in a bubble and outside: each attempt has a timer of its own.
func TestAttemptTimeoutInAndOutsideABubble(t *testing.T) {
	t.Parallel()
	client := fake(t, hangs, once, symphony.WithAttemptTimeout(time.Millisecond))
	for range 2 {
		require.ErrorContains(t, setBusy(t, client), "no response within 1ms")
		synctest.Test(t, func(t *testing.T) {
			require.ErrorContains(t, setBusy(t, client), "no response within 1ms")
		})
	}
}

// A context that reports a deadline and never ends does not unbound an attempt.
func TestAttemptTimeoutUnderAnEndlessContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for name, ctx := range map[string]context.Context{
			"without Done":         detached{near},
			"with a Done for show": endless{near, make(chan struct{})},
		} {
			start := time.Now()
			_, err := fake(t, hangs, once).SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
			require.ErrorContains(t, err, "no response within 30s", name)
			require.Equal(t, 30*time.Second, time.Since(start))
		}
	})
}

type detached struct{ context.Context }

func (detached) Done() <-chan struct{} { return nil }
func (detached) Err() error            { return nil }

type endless struct {
	context.Context
	done chan struct{}
}

func (c endless) Done() <-chan struct{} { return c.done }
func (endless) Err() error              { return nil }
