package limiter_test

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/internal/limiter"
)

var (
	accepted = limiter.Outcome{Kind: limiter.Accepted, Attempt: 1}
	refused  = limiter.Outcome{Kind: limiter.Throttled, RetryAfter: time.Second, Attempt: 1}
	failed   = limiter.Outcome{Kind: limiter.Failed, Attempt: 1}
)

func unlimited() *limiter.Limiter { return limiter.New(math.Inf(1)) }

// call makes one attempt that ends at once, and returns what it is to wait.
func call(t *testing.T, l *limiter.Limiter, class limiter.Class, outcome limiter.Outcome) time.Duration {
	t.Helper()
	turn, err := l.Wait(t.Context(), class)
	require.NoError(t, err)
	return l.Done(turn, outcome)
}

// refuseMany has so many attempts refused, all sent at once, that the client pauses.
func refuseMany(t *testing.T, l *limiter.Limiter) {
	t.Helper()
	var turns []limiter.Turn
	for range 8 {
		turn, err := l.Wait(t.Context(), limiter.Single)
		require.NoError(t, err)
		turns = append(turns, turn)
	}
	for _, turn := range turns {
		l.Done(turn, refused)
	}
	require.Equal(t, time.Second, l.Snapshot().Pause)
}

// fail has attempts fail, one after another and as fast as the limiter lets them.
func fail(t *testing.T, l *limiter.Limiter, n int) {
	t.Helper()
	for range n {
		require.Zero(t, call(t, l, limiter.Bulk, failed))
	}
}

func TestNoTroubleNoLimit(t *testing.T) { // not parallel: it counts allocations
	l := unlimited()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 1000 {
		turn, err := l.Wait(ended, limiter.Bulk) // the caller looks at the context
		require.NoError(t, err)
		require.Zero(t, turn)
		require.Zero(t, l.Done(turn, accepted))
	}
	require.Equal(t, limiter.Snapshot{Rate: math.Inf(1)}, l.Snapshot())
	require.Zero(t, testing.AllocsPerRun(100, func() {
		turn, _ := l.Wait(ended, limiter.Single)
		l.Done(turn, accepted)
	}))
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		rate  float64
		calls int
		takes time.Duration
	}{
		{"a burst of a tenth of a second", 100, 10, 0},
		{"then one interval for each", 100, 110, time.Second},
		{"a low rate has a burst of one", 2, 5, 2 * time.Second},
		{"slower than one a minute", 0.01, 3, 200 * time.Second},
		{"as slow as can be", 1e-300, 2, 365 * 24 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := limiter.New(test.rate)
				start := time.Now()
				for range test.calls {
					call(t, l, limiter.Single, accepted)
				}
				require.Equal(t, test.takes, time.Since(start))
				require.InDelta(t, test.rate, l.Snapshot().Rate, 1e-9)
			})
		})
	}
}

func TestRateLimitMakesUpForStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1000)
		start := time.Now()
		for i := range 10_000 {
			if i%500 == 0 {
				<-time.After(50 * time.Millisecond)
			}
			call(t, l, limiter.Single, accepted)
		}
		require.InDelta(t, 10, time.Since(start).Seconds(), 0.15)
	})
}

func TestLongIdleDoesNotAddToTheBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(10)
		call(t, l, limiter.Single, accepted)
		<-time.After(100 * time.Hour)
		start := time.Now()
		for range 11 {
			call(t, l, limiter.Single, accepted)
		}
		require.Equal(t, time.Second, time.Since(start))
	})
}

// arrivals has calls of given classes wait, in that order, and returns the order in which
// they get their turns.
func arrivals(t *testing.T, l *limiter.Limiter, classes ...limiter.Class) []int {
	t.Helper()
	var mu sync.Mutex
	var order []int
	for i, class := range classes {
		go func() {
			if _, err := l.Wait(t.Context(), class); err == nil {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			}
		}()
		synctest.Wait()
	}
	<-time.After(time.Minute)
	mu.Lock()
	defer mu.Unlock()
	return order
}

func TestOrder(t *testing.T) {
	t.Parallel()
	const single, bulk = limiter.Single, limiter.Bulk
	once := bulk.After(limiter.Throttled)
	twice := once.After(limiter.Throttled)
	refusedSingle := single.After(limiter.Throttled)
	for _, test := range []struct {
		name    string
		classes []limiter.Class
		order   []int
	}{
		{"of arrival", []limiter.Class{single, single, single, single}, []int{0, 1, 2, 3}},
		{"of arrival in bulk", []limiter.Class{bulk, bulk, bulk}, []int{0, 1, 2}},
		{"single calls first", []limiter.Class{bulk, bulk, single, bulk, single}, []int{2, 4, 0, 1, 3}},
		{"refused calls first", []limiter.Class{bulk, once, twice, single, bulk, once, twice}, []int{3, 2, 6, 1, 5, 0, 4}},
		{"refused single calls first of all", []limiter.Class{bulk, twice, single, refusedSingle}, []int{3, 2, 1, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := limiter.New(1)
				call(t, l, single, accepted)
				require.Equal(t, test.order, arrivals(t, l, test.classes...))
			})
		})
	}
}

// A failure says nothing of one call: all take their turns at finding out when it is over.
func TestClassAfterAnAttempt(t *testing.T) {
	t.Parallel()
	const throttled = limiter.Throttled
	twice := limiter.Bulk.After(throttled).After(throttled)
	require.Less(t, twice, limiter.Bulk.After(throttled))
	require.Equal(t, limiter.Bulk, twice.After(limiter.Failed))
	require.Less(t, limiter.Single, twice.After(throttled).After(throttled).After(throttled))
	single := limiter.Single.After(throttled)
	require.Less(t, single, limiter.Single)
	require.Equal(t, limiter.Single, single.After(limiter.Failed))
	require.Zero(t, single.After(throttled).After(throttled).After(throttled))
}

func TestLeaversCostNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(10)
		call(t, l, limiter.Single, accepted)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 600 {
			wg.Go(func() {
				if _, err := l.Wait(ctx, limiter.Single); err == nil {
					t.Error("a call got a turn")
				}
			})
		}
		synctest.Wait()
		require.Equal(t, 600, l.Snapshot().Waiting)
		cancel()
		wg.Wait()
		require.Zero(t, l.Snapshot().Waiting)
		start := time.Now()
		call(t, l, limiter.Single, accepted)
		require.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

func TestTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1)
		call(t, l, limiter.Single, accepted)
		for range 3 {
			go func() { _, _ = l.Wait(t.Context(), limiter.Bulk) }()
		}
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()

		_, err := l.Wait(ctx, limiter.Bulk)
		var late *limiter.TooLateError
		require.ErrorAs(t, err, &late)
		require.Equal(t, 4*time.Second, late.Wait, "behind three others")
		require.ErrorContains(t, err, "in 4s, after the deadline")
		require.Zero(t, time.Since(start))
		require.Equal(t, 3, l.Snapshot().Waiting)

		turn, err := l.Wait(ctx, limiter.Single)
		require.NoError(t, err, "single calls go before those of bulk runs")
		require.Equal(t, time.Second, turn.Queued())

		<-ctx.Done()
		_, err = l.Wait(ctx, limiter.Single)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		<-time.After(time.Minute)
	})
}

func TestFewRefusalsConcernTheirCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		start := time.Now()
		for range 50 {
			for attempt := range 2 {
				wait := call(t, l, limiter.Bulk, limiter.Outcome{Kind: limiter.Throttled, RetryAfter: time.Second, Attempt: attempt + 1})
				require.GreaterOrEqual(t, wait, time.Second)
				require.Less(t, wait, 1500*time.Millisecond)
			}
			for range 20 {
				call(t, l, limiter.Bulk, accepted)
			}
		}
		require.Zero(t, time.Since(start))
		require.Equal(t, limiter.Snapshot{Rate: math.Inf(1)}, l.Snapshot())
	})
}

func TestManyRefusalsPauseAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		refuseMany(t, l)
		late, err := l.Wait(deadline(t, 900*time.Millisecond), limiter.Single)
		require.ErrorAs(t, err, new(*limiter.TooLateError))
		require.Zero(t, late)
		start := time.Now()
		call(t, l, limiter.Single, accepted)
		require.Equal(t, time.Second, time.Since(start))
		require.Less(t, l.Snapshot().Rate, 100.0)
	})
}

func deadline(t *testing.T, after time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

func TestRefusalsInThePauseMakeItLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		turn, err := l.Wait(t.Context(), limiter.Single)
		require.NoError(t, err)
		refuseMany(t, l)
		<-time.After(500 * time.Millisecond)
		require.Zero(t, l.Done(turn, refused), "the queue holds the call back")
		require.Equal(t, time.Second, l.Snapshot().Pause)
		before := l.Snapshot().Rate
		<-time.After(time.Second)
		require.InDelta(t, before, l.Snapshot().Rate, 0.01, "the rate rises after the pause")
	})
}

func TestThirdRefusalOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		third := refused
		third.Attempt = 3
		require.Zero(t, call(t, l, limiter.Bulk, third))
		require.Equal(t, time.Second, l.Snapshot().Pause)
		start := time.Now()
		call(t, l, limiter.Bulk, accepted)
		require.Equal(t, time.Second, time.Since(start))
		call(t, l, limiter.Bulk, accepted)
		require.Equal(t, time.Second+25*time.Millisecond, time.Since(start), "not all at once")
		require.True(t, math.IsInf(l.Snapshot().Rate, 1), "no rate is known")
		for range 10_000 {
			call(t, l, limiter.Bulk, accepted)
		}
		require.Less(t, time.Since(start), 1500*time.Millisecond, "soon there is no limit")
	})
}

func TestRateRisesAndIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		refuseMany(t, l)
		<-time.After(time.Second)
		before := l.Snapshot().Rate
		for range 100 {
			call(t, l, limiter.Bulk, accepted)
		}
		require.Greater(t, l.Snapshot().Rate, before)
		<-time.After(10 * time.Minute)
		require.Equal(t, limiter.Snapshot{Rate: math.Inf(1)}, l.Snapshot())
		start := time.Now()
		for range 1000 {
			call(t, l, limiter.Bulk, accepted)
		}
		require.Zero(t, time.Since(start))
	})
}

func TestRateDoesNotRiseUnused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		refuseMany(t, l)
		for range 20 {
			call(t, l, limiter.Bulk, accepted)
		}
		before := l.Snapshot().Rate
		<-time.After(15 * time.Second)
		call(t, l, limiter.Bulk, accepted)
		require.InDelta(t, before, l.Snapshot().Rate, 1)
	})
}

func TestRefusalsLowerTheRate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		refused int
		least   float64 // of the rate before
		most    float64
		pause   time.Duration
	}{
		{"one, without a pause", 1, 0.3, 0.99, 0},
		{"four in a row, with a pause", 4, 0.3, 0.9, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := unlimited()
				refuseMany(t, l)
				for range 100 {
					call(t, l, limiter.Bulk, accepted)
				}
				before := l.Snapshot().Rate
				for i := range test.refused {
					wait := call(t, l, limiter.Bulk, refused)
					require.Equal(t, i == 3, wait == 0)
				}
				after := l.Snapshot()
				require.Greater(t, after.Rate, test.least*before)
				require.Less(t, after.Rate, test.most*before)
				require.Equal(t, test.pause, after.Pause)
			})
		})
	}
}

func TestLateRefusalsDoNotLowerTheRate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		early int // turns taken before the pause
		later int // turns taken after it
		lower int // how often the rate is lowered
	}{
		{"sent before the pause", 5, 0, 0},
		{"sent before the rate was lowered", 0, 3, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := unlimited()
				var turns []limiter.Turn
				take := func(n int) {
					for range n {
						turn, err := l.Wait(t.Context(), limiter.Bulk)
						require.NoError(t, err)
						turns = append(turns, turn)
					}
				}
				take(test.early)
				refuseMany(t, l)
				for range 50 {
					call(t, l, limiter.Bulk, accepted)
				}
				take(test.later)
				<-time.After(time.Millisecond)
				lowered, rate := 0, l.Snapshot().Rate
				for _, turn := range turns {
					require.GreaterOrEqual(t, l.Done(turn, refused), time.Second)
					if after := l.Snapshot().Rate; after < rate {
						lowered, rate = lowered+1, after
					}
				}
				require.Equal(t, test.lower, lowered)
				require.Zero(t, l.Snapshot().Pause)
			})
		})
	}
}

func TestManyRefusalsAgainHalveTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		refuseMany(t, l)
		before := l.Snapshot().Rate
		for range 3 {
			require.Zero(t, call(t, l, limiter.Single, refused))
			require.Equal(t, time.Second, l.Snapshot().Pause)
			require.InDelta(t, before/2, l.Snapshot().Rate, 0.01)
			before /= 2
		}
	})
}

func TestAQuarterOfTheResponsesIsMany(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		accepted int // for each refusal
		pause    time.Duration
	}{
		{"one in four", 3, time.Second}, {"one in six", 5, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := unlimited()
				for range 16 {
					for range test.accepted {
						call(t, l, limiter.Bulk, accepted)
					}
					call(t, l, limiter.Bulk, refused)
				}
				require.Equal(t, test.pause, l.Snapshot().Pause)
			})
		})
	}
}

func TestPauseOutlastsResponses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		third := refused
		third.Attempt = 3
		call(t, l, limiter.Bulk, third)
		for range 100 { // to requests sent before
			l.Done(limiter.Turn{}, accepted)
		}
		start := time.Now()
		call(t, l, limiter.Bulk, accepted)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		start := time.Now()
		longest := [3]time.Duration{}
		for range 100 {
			for attempt := range 2 {
				wait := call(t, l, limiter.Bulk, limiter.Outcome{Kind: limiter.Throttled, RetryAfter: time.Second, Attempt: attempt + 1})
				longest[attempt] = max(longest[attempt], wait)
				for range 64 {
					call(t, l, limiter.Bulk, accepted)
				}
			}
		}
		require.Greater(t, longest[0], 1100*time.Millisecond)
		require.Less(t, longest[0], 1200*time.Millisecond)
		require.Greater(t, longest[1], longest[0])
		require.Zero(t, time.Since(start), "other calls do not wait")
	})
}

// What was sent before the pause and accepted in spite of the refusals measures the rate.
func TestMeasuredRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		var turns [20]limiter.Turn
		for i := range turns {
			turns[i], _ = l.Wait(t.Context(), limiter.Bulk)
		}
		refuseMany(t, l)
		for _, turn := range turns {
			<-time.After(5 * time.Millisecond)
			l.Done(turn, accepted)
		}
		require.InDelta(t, 0.85*200, l.Snapshot().Rate, 1)
	})
}

func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		start := time.Now()
		fail(t, l, 5)
		require.Zero(t, time.Since(start), "five failures say nothing yet")
		require.Equal(t, 1, l.Snapshot().Concurrency)
		fail(t, l, 17)
		require.Greater(t, time.Since(start), 20*time.Second, "at last a probe each two seconds")
		require.Less(t, time.Since(start), 35*time.Second)

		probe, err := l.Wait(t.Context(), limiter.Bulk)
		require.NoError(t, err)
		require.Equal(t, limiter.Snapshot{Rate: math.Inf(1), Concurrency: 1, InFlight: 1}, l.Snapshot())
		for range 10 {
			go func() {
				if turn, err := l.Wait(t.Context(), limiter.Bulk); err == nil {
					<-time.After(20 * time.Millisecond)
					l.Done(turn, accepted)
				}
			}()
		}
		synctest.Wait()
		require.Equal(t, 10, l.Snapshot().Waiting)
		l.Done(probe, accepted)
		synctest.Wait()
		require.Equal(t, limiter.Snapshot{Rate: math.Inf(1), Concurrency: 2, InFlight: 2, Waiting: 8}, l.Snapshot())
		<-time.After(60 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, limiter.Snapshot{Rate: math.Inf(1)}, l.Snapshot(), "all sent within three round trips")
	})
}

func TestOutageHalvesTheNumberInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		call(t, l, limiter.Bulk, failed) // from now on they are counted
		var turns []limiter.Turn
		for range 65 {
			turn, err := l.Wait(t.Context(), limiter.Bulk)
			require.NoError(t, err)
			turns = append(turns, turn)
		}
		var limits []int
		for _, turn := range turns[:10] {
			l.Done(turn, failed)
			limits = append(limits, l.Snapshot().Concurrency)
		}
		require.Equal(t, []int{0, 0, 0, 30, 15, 7, 3, 1, 1, 1}, limits)
	})
}

func TestProbesAlsoWhileOneHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		fail(t, l, 5)
		start := time.Now()
		for range 10 {
			_, err := l.Wait(t.Context(), limiter.Bulk) // and never ends
			require.NoError(t, err)
		}
		require.Less(t, time.Since(start), 20*time.Second)
		turn, err := l.Wait(t.Context(), limiter.Bulk)
		require.NoError(t, err)
		l.Done(turn, accepted)
		start = time.Now()
		call(t, l, limiter.Bulk, accepted)
		require.Zero(t, time.Since(start), "those that hang take no one's place")
	})
}

func TestSingleCallInAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		fail(t, l, 20)
		for range 64 {
			go func() { _, _ = l.Wait(t.Context(), limiter.Bulk) }()
		}
		for range 4 {
			start := time.Now()
			call(t, l, limiter.Single, failed)
			require.LessOrEqual(t, time.Since(start), time.Second)
		}
		turn, err := l.Wait(deadline(t, 300*time.Millisecond), limiter.Single)
		require.ErrorIs(t, err, context.DeadlineExceeded, "an outage may end at any time")
		require.Zero(t, turn)
		<-time.After(5 * time.Minute)
	})
}

func TestManySingleCallsInAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		fail(t, l, 20)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				start := time.Now()
				call(t, l, limiter.Single, failed)
				if waited := time.Since(start); waited > time.Second {
					t.Errorf("a call waited %v", waited)
				}
			})
		}
		wg.Wait()
	})
}

func TestRefusalEndsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		fail(t, l, 5)
		call(t, l, limiter.Bulk, refused)
		require.Zero(t, l.Snapshot().Concurrency)
	})
}

func TestOneFailureInManyIsNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := unlimited()
		for range 100 {
			fail(t, l, 4)
			call(t, l, limiter.Bulk, accepted)
		}
		require.Equal(t, limiter.Snapshot{Rate: math.Inf(1)}, l.Snapshot())
	})
}

func TestSingleCallBehindABulkCallLeavesRoom(t *testing.T) {
	t.Parallel()
	for _, bulk := range []limiter.Class{limiter.Bulk, limiter.Bulk.After(limiter.Throttled)} {
		synctest.Test(t, func(t *testing.T) {
			l := unlimited()
			refuseMany(t, l)
			call(t, l, bulk, accepted)
			interval := float64(time.Second) / l.Snapshot().Rate
			start := time.Now()
			call(t, l, limiter.Single, accepted)
			require.InDelta(t, 2*interval, float64(time.Since(start)), 0.3*interval)
			start = time.Now()
			call(t, l, limiter.Single, accepted)
			require.InDelta(t, interval, float64(time.Since(start)), 0.3*interval)
		})
	}
}

// Whatever happens in whatever order, every call ends, and nothing is left over.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		synctest.Test(t, func(t *testing.T) {
			l := limiter.New(500)
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					for range 20 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(10*time.Second))))
						turn, err := l.Wait(ctx, limiter.Class(rand.IntN(2)))
						if err == nil {
							<-time.After(time.Duration(rand.Int64N(int64(50 * time.Millisecond))))
							outcome := limiter.Outcome{Kind: limiter.Kind(rand.IntN(4)), RetryAfter: time.Second, Attempt: 1 + rand.IntN(4)}
							<-time.After(l.Done(turn, outcome))
						}
						cancel()
						s := l.Snapshot()
						if s.InFlight < 0 || s.Waiting < 0 || s.InFlight+s.Waiting > 200 || s.Pause < 0 || !(s.Rate > 0) {
							t.Errorf("inconsistent: %+v", s)
						}
					}
				})
			}
			wg.Wait()
			s := l.Snapshot()
			require.Zero(t, s.InFlight)
			require.Zero(t, s.Waiting)
		})
	}
}
