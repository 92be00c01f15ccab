package limiter

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCurve(t *testing.T) {
	t.Parallel()
	start := time.Now()
	c := newCurve(100, 0.85, start, time.Second)
	at := func(seconds float64) float64 { return c.at(start.Add(time.Duration(seconds * float64(time.Second)))) }
	require.InDelta(t, 85, at(-5), 0.1)
	require.InDelta(t, 85, at(0), 0.1)
	require.InDelta(t, 100, at(c.depth), 0.1)
	require.InDelta(t, 200, at(c.depth+1), 0.1)
	require.InDelta(t, 1600, at(c.depth+2), 0.1)
	require.True(t, math.IsInf(at(3600), 1))
	require.True(t, math.IsInf(curve{}.at(start), 1))
	require.InDelta(t, slowestRate, newCurve(0, 1, start, time.Second).peak, 0)
}

func TestHold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rate float64
		hold time.Duration
	}{
		{1, maxHold}, {20, 6 * time.Second}, {100, minHold}, {1000, 5 * time.Second}, {1e9, maxHold}, {math.Inf(1), maxHold},
	} {
		require.Equal(t, test.hold, holdOf(test.rate), test.rate)
	}
}

func TestMeasurement(t *testing.T) {
	t.Parallel()
	start := time.Now()
	m := measurement{start: start}
	m.accepted(start) // sent before the excess
	for i := range minMeasured - 1 {
		m.accepted(start.Add(time.Duration(i+1) * 10 * time.Millisecond))
	}
	_, ok := m.rate()
	require.False(t, ok, "too few")
	m.accepted(start.Add(minMeasured * 10 * time.Millisecond))
	rate, ok := m.rate()
	require.True(t, ok)
	require.InDelta(t, 100, rate, 1e-6)
}

func TestNoTimerWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(10)
		isIdle := func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.timer == nil
		}
		turn, err := l.Wait(t.Context(), Single)
		require.NoError(t, err)
		l.Done(turn, Outcome{Kind: Throttled, RetryAfter: time.Hour, Attempt: 3})
		require.True(t, isIdle())
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = l.Wait(ctx, Single) }()
		synctest.Wait()
		require.False(t, isIdle())
		cancel()
		synctest.Wait()
		require.True(t, isIdle())
	})
}

// A limiter that had no trouble for long costs one atomic load again.
func TestInactiveAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(math.Inf(1))
		for _, kind := range []Kind{Throttled, Failed} {
			turn, err := l.Wait(t.Context(), Single)
			require.NoError(t, err)
			l.Done(turn, Outcome{Kind: kind, RetryAfter: time.Second, Attempt: 1})
			require.True(t, l.active.Load())
			for range 64 {
				turn, err := l.Wait(t.Context(), Single)
				require.NoError(t, err)
				l.Done(turn, Outcome{Kind: Accepted, Attempt: 1})
			}
			require.False(t, l.active.Load())
		}
	})
}

// A context that ends when its call has just got a turn leaves the turn to the next.
func TestLeaveWithATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(10)
		w, err := l.enter(t.Context(), Single)
		require.NoError(t, err)
		<-w.ready
		l.leave(w)
		require.Zero(t, l.Snapshot().InFlight)
		start := time.Now()
		_, err = l.Wait(t.Context(), Single)
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
	})
}
