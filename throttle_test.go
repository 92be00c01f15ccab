package symphony_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// limitedPod is a pod with a token bucket, to simulate runs in a synctest bubble.
type limitedPod struct {
	latency    time.Duration
	retryAfter string

	mu            sync.Mutex
	rate, burst   float64 // a second
	level         float64
	filled        time.Time
	taken, denied int
	pauses        int       // volleys of denials
	deniedAt      time.Time // the last of them
	onDenied      func()
}

func newLimitedPod(rate, burst float64) *limitedPod {
	return &limitedPod{latency: time.Millisecond, retryAfter: "1", rate: rate, burst: burst, level: burst, filled: time.Now()}
}

func (p *limitedPod) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.level = min(p.burst, p.level+now.Sub(p.filled).Seconds()*p.rate)
	p.filled = now
	if p.level < 1 {
		p.denied++
		if now.Sub(p.deniedAt) > 500*time.Millisecond {
			p.pauses++
		}
		p.deniedAt = now
		if p.onDenied != nil {
			p.onDenied()
		}
		return false
	}
	p.level--
	p.taken++
	return true
}

// setRate changes the limit. The bucket is for a tenth of a second.
func (p *limitedPod) setRate(rate float64) {
	p.take()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate, p.burst = rate, rate/10
}

func (p *limitedPod) counts() (taken, denied int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.denied
}

// RoundTrip takes the latency, half of it before the request arrives.
func (p *limitedPod) RoundTrip(r *http.Request) (*http.Response, error) {
	wait := func(d time.Duration) error {
		select {
		case <-r.Context().Done():
			return r.Context().Err()
		case <-time.After(d):
			return nil
		}
	}
	jitter := rand.N(p.latency/2 + 1)
	if err := wait(p.latency/4 + jitter); err != nil {
		return nil, err
	}
	answer := response(200, busy)
	if !p.take() {
		answer = response(429, "")
		if p.retryAfter != "" {
			answer.Header.Set("Retry-After", p.retryAfter)
		}
	}
	return answer, wait(p.latency/4 + jitter)
}

// run is a bulk run at the pod: how long it took, and how many updates failed.
func (p *limitedPod) run(t *testing.T, n, workers int) (took time.Duration, failed int) {
	client := newClient(t, "https://acme.symphony.com/pod", symphony.WithHTTPClient(&http.Client{Transport: p}))
	start := time.Now()
	for result := range client.SetUserPresences(t.Context(), users(n, new(int)), symphony.WithConcurrency(workers)) {
		if result.Err != nil {
			failed++
		}
	}
	return time.Since(start), failed
}

// The updates of a bulk run at a pod with a limit: none fails, few are refused, and the
// run takes little longer than the limit wants. Of what it takes longer, nine tenths of
// a second are lost in each pause, which there are two of.
func TestBulkAtALimitedPod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		rate, burst  float64
		n            int
		latency      time.Duration
		longer, most float64 // than the ideal; refused
	}{
		{"200 a second", 200, 20, 2000, time.Millisecond, 1.27, 0.04},
		{"40 a second", 40, 4, 2000, time.Millisecond, 1.25, 0.04},
		{"1500 a second", 1500, 150, 2000, time.Millisecond, 2.95, 0.06},
		{"1000 a second for long", 1000, 100, 20_000, time.Millisecond, 1.15, 0.02},
		{"a distant pod", 400, 40, 8000, 30 * time.Millisecond, 1.6, 0.04},
		{"no burst", 100, 1, 2000, time.Millisecond, 2.5, 0.02},
		{"a burst of two tenths", 200, 40, 6000, time.Millisecond, 1.6, 0.02},
		{"a burst of half a second", 200, 100, 6000, time.Millisecond, 1.6, 0.02},
		{"a burst of a second", 200, 200, 2000, time.Millisecond, 1.3, 0.06},
		{"two a second", 2, 1, 100, time.Millisecond, 2, 0.3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := newLimitedPod(test.rate, test.burst)
				pod.latency = test.latency
				took, failed := pod.run(t, test.n, 64)
				ideal := (float64(test.n) - test.burst) / test.rate
				refused := float64(pod.denied) / float64(pod.denied+test.n)
				t.Logf("%.2f of the ideal %.1fs, %.1f %% refused, %d failed", took.Seconds()/ideal, ideal, 100*refused, failed)
				require.Zero(t, failed)
				require.Equal(t, test.n, pod.taken)
				require.Less(t, took.Seconds()/ideal, test.longer)
				require.Less(t, refused, test.most)
				require.Less(t, pod.pauses, 5+int(took/(5*time.Second)), "the pace settles")
			})
		})
	}
}

// The limit halves and doubles while a run goes on. A lower one is found at once, a
// higher one when the pace is raised to look for it.
func TestLimitThatChanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		rate    float64
		settles time.Duration
		n       int
	}{
		{"halves", 100, 5 * time.Second, 4000},
		{"doubles", 400, 22 * time.Second, 12_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := newLimitedPod(200, 20)
				var group sync.WaitGroup
				group.Go(func() {
					<-time.After(8 * time.Second)
					pod.setRate(test.rate)
					<-time.After(test.settles)
					settled, denied := pod.counts()
					<-time.After(10 * time.Second)
					end, _ := pod.counts()
					used := float64(end-settled) / 10 / test.rate
					t.Logf("%d refused until it settled, then %.2f of the limit", denied, used)
					require.Less(t, float64(denied)/float64(settled), 0.05)
					require.Greater(t, used, 0.85)
				})
				_, failed := pod.run(t, test.n, 64)
				require.Zero(t, failed)
				group.Wait()
			})
		})
	}
}

// A pod that does not say how long to wait is not met with volleys.
func TestLimitWithoutRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := newLimitedPod(200, 20)
		pod.retryAfter = ""
		var denied []time.Time
		pod.onDenied = func() { denied = append(denied, time.Now()) }
		took, failed := pod.run(t, 2000, 64)
		require.Zero(t, failed)
		require.Less(t, took.Seconds()/9.9, 1.4)
		require.Less(t, len(denied), 100)
		for i, at := range denied {
			if i > 64 { // the first volley has been sent before anything is known
				require.Greater(t, at.Sub(denied[i-8]), 200*time.Millisecond)
			}
		}
	})
}

// The waits grow only as long as no call passes.
func TestWaitsBeginAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := false
		client := fake(t, func(*http.Request) (*http.Response, error) {
			if refuse = !refuse; refuse {
				return response(429, ""), nil
			}
			return response(200, busy), nil
		})
		const calls = 40
		start := time.Now()
		for range calls {
			require.NoError(t, setBusy(t, client))
		}
		require.Less(t, time.Since(start), calls*1500*time.Millisecond, "a turn within a second, and at most 500 ms each")
	})
}

// Two clients share a pod, whichever begins first.
func TestTwoClientsAtALimitedPod(t *testing.T) {
	t.Parallel()
	for _, later := range []time.Duration{0, 5 * time.Second} {
		t.Run(later.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n = 3000
				pod := newLimitedPod(200, 20)
				var group sync.WaitGroup
				var took [2]time.Duration
				for i := range took {
					group.Go(func() {
						<-time.After(time.Duration(i) * later)
						var failed int
						took[i], failed = pod.run(t, n, 64)
						require.Zero(t, failed)
					})
				}
				group.Wait()
				t.Logf("%v; ideal %.1fs, %d refused", took, (2*n-20)/200., pod.denied)
				require.Less(t, max(took[0], took[1]).Seconds(), 2.*2*n/200)
				require.Less(t, float64(pod.denied)/(2*n), 0.06)
				// What the first to finish has had in its time, to what the other has.
				first := min(took[0], took[1]).Seconds()
				require.Greater(t, first, (n-20)/200.*4/3, "a share of at most three quarters")
			})
		})
	}
}

// No call of the client leaves before the time that one of them was asked to wait.
func TestRefusalHoldsForAllCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retryAfter string
		wait       time.Duration
	}{"asked": {"7", 7 * time.Second}, "asked for too long": {"3600", 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(429, "Retry-After", test.retryAfter), answers(200)}}
				client := fake(t, transport.RoundTrip, once)
				start := time.Now()
				require.True(t, is[*symphony.RateLimitError](setBusy(t, client)))
				require.Zero(t, time.Since(start), "a call that does not try again does not wait")
				_, err := client.GetPresence(t.Context())
				require.NoError(t, err)
				require.Equal(t, test.wait, time.Since(start))
			})
		})
	}
}

// A later 429 of the calls that were under way makes the pause longer, never shorter,
// also for those who have a turn already.
func TestLaterRefusalOfAVolley(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent := 0
		start := time.Now()
		client := fake(t, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			sent++
			i := sent
			mu.Unlock()
			if i > 3 {
				require.GreaterOrEqual(t, time.Since(start), 11*time.Second)
				return response(200, busy), nil
			}
			<-time.After(time.Duration(i) * time.Second) // 429 after 1, 2 and 3 s
			return response(429, "", "Retry-After", []string{"", "5", "9", "1"}[i]), nil
		})
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { require.NoError(t, setBusy(t, client)) })
		}
		<-time.After(1500 * time.Millisecond)
		require.NoError(t, setBusy(t, client))
		group.Wait()
		require.Greater(t, time.Since(start), 11*time.Second+50*time.Millisecond, "the pace begins low")
		require.Less(t, time.Since(start), 12*time.Second)
	})
}

// A 429 changes the turns that were given before it.
func TestRefusalChangesTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []time.Time
		client := fake(t, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if sent = append(sent, time.Now()); len(sent) == 2 {
				return response(429, "", "Retry-After", "2.5"), nil
			}
			return response(200, busy), nil
		}, symphony.WithRateLimit(1))
		for result := range client.SetUserPresences(t.Context(), users(8, new(int))) {
			require.NoError(t, result.Err)
		}
		for i := range sent[1:] {
			require.GreaterOrEqual(t, sent[i+1].Sub(sent[i]), time.Second)
		}
	})
}

// A wait that the context cannot outlast fails at once, and takes nobody's turn.
func TestTurnAfterTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(429, "Retry-After", "20"), answers(200)}}
		client := fake(t, transport.RoundTrip, once)
		require.Error(t, setBusy(t, client))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for range 1000 {
			_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
			limit, ok := errors.AsType[*symphony.RateLimitError](err)
			require.True(t, ok, err)
			require.Zero(t, limit.Attempts)
			require.Equal(t, 20*time.Second, limit.RetryAfter)
			require.ErrorContains(t, err, "429 Too Many Requests: not sent: ")
			requireOneLine(t, err.Error())
		}
		require.Zero(t, time.Since(start))
		require.NoError(t, setBusy(t, client))
		require.Equal(t, 20*time.Second, time.Since(start))
		require.Equal(t, 2, transport.sent)
	})
}

// A retry whose turn comes too late ends with the answer that it had.
func TestRetryAfterTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){
			answers(429, "Retry-After", "1"), answers(503, "Retry-After", "1"), answers(429, "Retry-After", "20"), answers(200),
		}}
		client := fake(t, transport.RoundTrip)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		limit, ok := errors.AsType[*symphony.RateLimitError](err)
		require.True(t, ok, err)
		require.Equal(t, 3, limit.Attempts)
		require.Less(t, time.Since(start), 3*time.Second)
	})
}

// A context that ends while a call waits for its turn ends the call.
func TestContextEndsAWaitForATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(429, "Retry-After", "20"), answers(200)}}
		client := fake(t, transport.RoundTrip, once)
		require.Error(t, setBusy(t, client))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "(not sent)")
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, 1, transport.sent)
	})
}

// The wait for a turn is not part of the attempt.
func TestTurnIsNoPartOfTheAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(429, "Retry-After", "20"), answers(200)}}
		require.NoError(t, setBusy(t, fake(t, transport.RoundTrip, symphony.WithAttemptTimeout(time.Second))))
	})
}

// A bulk run ends when its deadline is before its next turn: it does not go through the
// rest of the source to fail it.
func TestBulkEndsWhenItsTurnIsTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := newLimitedPod(200, 20)
		pod.retryAfter = "20"
		client := newClient(t, "https://acme.symphony.com/pod", symphony.WithHTTPClient(&http.Client{Transport: pod}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		pulled, results, start := 0, 0, time.Now()
		for result := range client.SetUserPresences(ctx, users(1_000_000, &pulled)) {
			results++
			if result.Err != nil {
				require.True(t, is[*symphony.RateLimitError](result.Err), result.Err)
			}
		}
		require.Equal(t, pulled, results)
		require.Less(t, pulled, 1000)
		require.Less(t, time.Since(start), time.Second)
	})
}

// A pace that has risen to where no limit is likely is forgotten.
func TestPaceIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(429, "Retry-After", "1"), answers(200)}}
		client := fake(t, transport.RoundTrip)
		start := time.Now()
		require.NoError(t, setBusy(t, client))
		require.Equal(t, time.Second, time.Since(start))
		require.NoError(t, setBusy(t, client))
		require.Equal(t, time.Second+20*time.Millisecond, time.Since(start), "the pace begins low")
		<-time.After(time.Second)
		start = time.Now()
		for range 100 {
			require.NoError(t, setBusy(t, client))
		}
		require.Zero(t, time.Since(start))
	})
}

// A pod that refuses everything for long, and then nothing, is soon used in full.
func TestPaceRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := newLimitedPod(0, 0)
		pod.retryAfter = ""
		policy := symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 100_000})
		client := newClient(t, "https://acme.symphony.com/pod", symphony.WithHTTPClient(&http.Client{Transport: pod}), policy)
		start := time.Now()
		denied := 0
		go func() {
			<-time.After(time.Hour)
			pod.mu.Lock()
			denied = pod.denied
			pod.rate, pod.burst, pod.level = 1e6, 1e6, 1e6
			pod.mu.Unlock()
		}()
		for result := range client.SetUserPresences(t.Context(), users(5000, new(int))) {
			require.NoError(t, result.Err)
		}
		require.Less(t, time.Since(start), time.Hour+40*time.Second)
		require.Less(t, denied, 2*int(time.Hour/(2500*time.Millisecond)), "the waits grow to 5 s")
	})
}

func TestWithRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := newLimitedPod(1000, 100)
		client := newClient(t, "https://acme.symphony.com/pod", symphony.WithHTTPClient(&http.Client{Transport: pod}), symphony.WithRateLimit(50))
		start := time.Now()
		for result := range client.SetUserPresences(t.Context(), users(501, new(int)), symphony.WithConcurrency(64)) {
			require.NoError(t, result.Err)
		}
		require.InDelta(t, 10, time.Since(start).Seconds(), 0.1)

		// A pod that takes less still has its say; one that takes more changes nothing.
		pod.setRate(20)
		start = time.Now()
		for result := range client.SetUserPresences(t.Context(), users(200, new(int))) {
			require.NoError(t, result.Err)
		}
		require.Greater(t, time.Since(start), 9*time.Second)
		pod.setRate(1000)
		<-time.After(time.Hour)
		start = time.Now()
		for result := range client.SetUserPresences(t.Context(), users(501, new(int))) {
			require.NoError(t, result.Err)
		}
		require.InDelta(t, 10, time.Since(start).Seconds(), 0.1)
	})
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(-1)} {
		_, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.NoSessionToken, symphony.WithRateLimit(rate))
		require.ErrorContains(t, err, "WithRateLimit")
	}
}

// A rate so low that there is no second call in a lifetime is still one.
func TestWithVeryLowRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(1e-300))
		require.NoError(t, setBusy(t, client))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		require.True(t, is[*symphony.RateLimitError](err), err)
	})
}

// A call that was under way when the pause became longer does not make it shorter.
func TestRefusalDoesNotShortenThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent := 0
		start := time.Now()
		client := fake(t, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			sent++
			i := sent
			mu.Unlock()
			switch i {
			case 1: // of the volley, and late
				<-time.After(2 * time.Second)
				return response(429, "", "Retry-After", "10"), nil
			case 2:
				return response(429, "", "Retry-After", "1"), nil
			case 3: // sent after the first pause
				<-time.After(1500 * time.Millisecond)
				return response(429, "", "Retry-After", "1"), nil
			}
			require.GreaterOrEqual(t, time.Since(start), 12*time.Second)
			return response(200, busy), nil
		})
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { require.NoError(t, setBusy(t, client)) })
			synctest.Wait()
		}
		group.Wait()
		require.Equal(t, 5, sent)
	})
}

// Calls that are given up on take no turns from those who come later.
func TestTurnsThatAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(10))
		require.NoError(t, setBusy(t, client))
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
				require.ErrorIs(t, err, context.Canceled)
			})
		}
		synctest.Wait()
		cancel()
		group.Wait()
		start := time.Now()
		require.NoError(t, setBusy(t, client))
		require.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

// The first 429 of a run at the caller's own limit slows it down.
func TestRefusalBelowTheCallersLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := newLimitedPod(1000, 100)
		client := newClient(t, "https://acme.symphony.com/pod", symphony.WithHTTPClient(&http.Client{Transport: pod}), symphony.WithRateLimit(100))
		run := func(n int) time.Duration {
			start := time.Now()
			for result := range client.SetUserPresences(t.Context(), users(n, new(int))) {
				require.NoError(t, result.Err)
			}
			return time.Since(start)
		}
		pod.setRate(10)
		run(20)
		pod.setRate(1000)
		<-time.After(time.Hour)
		run(3000)
		pod.setRate(50)
		denied := pod.denied
		run(500)
		require.Less(t, pod.denied-denied, 4)
	})
}

// Who limits the logins ends a run; a 429 of the pod to one update does not.
func TestBulkAndRefusals(t *testing.T) {
	t.Parallel()
	asked := 0
	tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) {
		asked++
		return "", &symphony.RateLimitError{APIError: symphony.APIError{StatusCode: 429, Attempts: 4}}
	})
	client, err := symphony.NewClient("https://acme.symphony.com/pod", tokens)
	require.NoError(t, err)
	pulled := 0
	for result := range client.SetUserPresences(t.Context(), users(10_000, &pulled), symphony.WithConcurrency(1)) {
		require.True(t, is[*symphony.RateLimitError](result.Err))
	}
	require.Equal(t, 1, asked)
	require.Less(t, pulled, 100)

	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(429, "Retry-After", "1"), answers(200)}}
		good := 0
		for result := range fake(t, transport.RoundTrip, once).SetUserPresences(t.Context(), users(10, new(int)), symphony.WithConcurrency(1)) {
			if result.Err == nil {
				good++
			}
		}
		require.Equal(t, 9, good)
	})
}

// A deadline that is over is no matter of the pace, also before the context has ended.
func TestTurnAtADeadlineThatIsOver(t *testing.T) {
	t.Parallel()
	client := fake(t, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, symphony.WithRateLimit(1e9))
	_, err := client.GetPresence(overdue{t.Context()})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, is[*symphony.RateLimitError](err), err)
}

// overdue is a context whose timer comes late.
type overdue struct{ context.Context }

func (overdue) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A call whose session token was renewed and that has no turn before its deadline was not rejected.
func TestRenewalWithoutATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){answers(401)}}
		tokens := []string{secret, secret + "2"}
		next := symphony.SessionTokenFunc(func(context.Context) (string, error) {
			token := tokens[0]
			tokens = tokens[1:]
			return token, nil
		})
		client, err := symphony.NewClient("https://acme.symphony.com/pod", next,
			symphony.WithHTTPClient(&http.Client{Transport: transport}), symphony.WithRateLimit(0.1))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.GetPresence(ctx)
		require.True(t, is[*symphony.RateLimitError](err), err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, is[*symphony.UnauthorizedError](err), "the new token may be good")
		require.False(t, symphony.IsCredentialError(err))
	})
}
