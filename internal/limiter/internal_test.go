package limiter

import (
	"context"
	"math"
	"strconv"
	"strings"
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
	require.InDelta(t, searchRate, newSearch(start, searchHold).at(start), 0.1)
	require.InDelta(t, 2*searchRate, newSearch(start, searchHold).at(start.Add(207*time.Millisecond)), 0.1)
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

func TestMany(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		recent string // the last responses, the latest last; 1 for refused
		isMany bool
	}{
		{"none", strings.Repeat("0", 64), false},
		{"seven and nothing else", strings.Repeat("1", 7), false},
		{"eight and nothing else", strings.Repeat("1", 8), true},
		{"half since the first", strings.Repeat("10", 8), true},
		{"less than half since the first", strings.Repeat("10", 8) + "0", false},
		{"fewer than a quarter", strings.Repeat("1000", 15), false},
		{"a quarter", strings.Repeat("1000", 16), true},
	} {
		recent, err := strconv.ParseUint(test.recent, 2, 64)
		require.NoError(t, err)
		require.Equal(t, test.isMany, (&throttle{recent: recent}).isMany(), test.name)
	}
}

// known is a throttle that lets a request through every 10 ms.
func known(now time.Time) *throttle {
	return &throttle{curve: newCurve(100, 1, now, time.Hour), next: now, used: now}
}

func TestThrottleMakesUpForLateTimers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for late, next := range map[time.Duration]time.Duration{
		0:                     10 * time.Millisecond,
		4 * time.Millisecond:  6 * time.Millisecond,
		lateTimer:             0,
		50 * time.Millisecond: 0,
	} {
		throttle := known(now)
		throttle.next = now.Add(-late)
		throttle.take(now, Single)
		require.Equal(t, next, throttle.next.Sub(now), "a request sent %v late", late)
	}
}

func TestThrottlePutBack(t *testing.T) {
	t.Parallel()
	now := time.Now()
	throttle := known(now)
	throttle.take(now, Bulk)
	require.Equal(t, now.Add(10*time.Millisecond), throttle.next)
	throttle.putBack(now)
	require.Equal(t, now, throttle.next)
}

func TestThrottleForgets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name        string
		used, pause time.Duration // ago
		forgotten   bool
	}{
		{"unused", forgetAfter + 1, forgetAfter + 1, true},
		{"used", forgetAfter, forgetAfter + 1, false},
		{"paused", forgetAfter + 1, forgetAfter, false},
	} {
		throttle := known(now.Add(-time.Minute))
		throttle.used, throttle.pause = now.Add(-test.used), now.Add(-test.pause)
		throttle.forget(now)
		require.Equal(t, test.forgotten, !throttle.curve.isFinite(), test.name)
	}
}

// The rate that was too high is the one of a moment before the refused request.
func TestThrottlePeak(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for _, attempt := range []int{1, maxRefusals} {
		throttle := known(start)
		throttle.curve.hold = time.Second // twice the rate after a second
		throttle.refused(start.Add(time.Second), start.Add(1150*time.Millisecond), time.Second, attempt)
		require.InDelta(t, 200, throttle.curve.peak, 0.1)
		require.Equal(t, attempt == maxRefusals, !throttle.pause.IsZero(), "the third refusal of a call is a reason to pause")
	}
}

func TestThrottleFallsFarther(t *testing.T) {
	t.Parallel()
	pause := time.Now()
	for after, part := range map[time.Duration]float64{againWithin - 1: partAfterAgain, againWithin: partAfterMany} {
		throttle := known(pause)
		throttle.pause = pause
		throttle.fallFar(pause.Add(after), pause.Add(after), time.Second)
		require.InDelta(t, 100*part, throttle.curve.at(throttle.pause), 0.1, "refused %v after a pause", after)
	}
}

func TestOutageProbes(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name     string
		class    Class
		interval time.Duration
		probe    time.Duration
	}{
		{"of a bulk run", Bulk, time.Second, time.Second},
		{"of a single call", Single, time.Second, time.Second / 2},
		{"of a single call that waits for long", Single, 4 * maxSingleProbe, maxSingleProbe},
	} {
		o := outage{failures: outageFailures, limit: 1, probed: now, interval: test.interval}
		require.Equal(t, test.probe, o.turn(&waiter{class: test.class, arrived: now}, 0).Sub(now), test.name)
	}
}

func TestOutageEnds(t *testing.T) {
	t.Parallel()
	o := outage{limit: 3}
	o.responded(2, 2)
	require.Equal(t, 4, o.limit, "another call would have to wait")
	o.responded(2, 2)
	require.Zero(t, o.limit)
}

// Without trouble nothing is locked or counted.
func TestDoneWithoutTrouble(t *testing.T) {
	t.Parallel()
	l := New(math.Inf(1))
	l.throttle.recent = 1
	for _, kind := range []Kind{Neutral, Accepted} {
		l.Done(Turn{}, Outcome{Kind: kind, Attempt: 1})
	}
	require.EqualValues(t, 1, l.throttle.recent)
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
