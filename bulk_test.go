package symphony_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// bulkPod is a pod in a synctest bubble that records the updates it received.
type bulkPod struct {
	respond func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) // nil: at once, with success

	mu      sync.Mutex
	began   []symphony.V2Presence
	atOnce  map[int64]int // calls in flight, by user; 0 is all
	highest map[int64]int
}

func (p *bulkPod) client(t *testing.T, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	p.atOnce, p.highest = map[int64]int{}, map[int64]int{}
	return newClient(t, "https://acme.symphony.com/pod", static, append(opts, symphony.WithHTTPClient(&http.Client{Transport: p}))...)
}

func (p *bulkPod) count(user int64, by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range []int64{user, 0} {
		p.atOnce[key] += by
		p.highest[key] = max(p.highest[key], p.atOnce[key])
	}
}

func (p *bulkPod) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var update symphony.V2Presence
	if err := json.Unmarshal(body, &update); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.began = append(p.began, update)
	p.mu.Unlock()
	p.count(update.UserID, 1)
	defer p.count(update.UserID, -1)
	if p.respond != nil {
		return p.respond(r.Context(), update)
	}
	return response(200, string(body)), nil
}

// after responds with success when a time has passed.
func after(d time.Duration) func(context.Context, symphony.V2Presence) (*http.Response, error) {
	return func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
		select {
		case <-time.After(d):
			body, err := json.Marshal(update)
			return response(200, string(body)), err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// users yields n updates, one for each user from 1, and counts those that were pulled.
func users(n int, pulled *int) iter.Seq[symphony.PresenceUpdate] {
	return func(yield func(symphony.PresenceUpdate) bool) {
		for i := range n {
			*pulled++
			if !yield(symphony.PresenceUpdate{UserID: int64(i) + 1, Category: symphony.PresenceBusy}) {
				return
			}
		}
	}
}

func TestBulk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: after(10 * time.Millisecond)}
		var pulled int
		results := pod.client(t).SetUserPresences(t.Context(), users(1000, &pulled))
		synctest.Wait()
		require.Zero(t, pulled, "nothing is pulled before the sequence is ranged")
		for range 2 { // it can be ranged again, and sends again
			pulled, pod.began = 0, nil
			seen := map[int]bool{}
			for result := range results {
				require.NoError(t, result.Err)
				require.False(t, seen[result.Index], "one result for each update")
				seen[result.Index] = true
				require.Equal(t, int64(result.Index)+1, result.Update.UserID)
				require.Equal(t, result.Update.UserID, result.Presence.UserID)
			}
			require.Len(t, seen, 1000)
			require.Len(t, pod.began, 1000)
			require.Equal(t, 8, pod.highest[0], "the default concurrency")
		}
	})
}

func TestBulkConcurrency(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{-1: 8, 0: 8, 1: 1, 3: 3, 64: 64, math.MaxInt: 500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &bulkPod{respond: after(10 * time.Millisecond)}
				for result := range pod.client(t).SetUserPresences(t.Context(), users(2000, new(int)), nil, symphony.WithConcurrency(n)) {
					require.NoError(t, result.Err)
				}
				if want > 64 {
					require.GreaterOrEqual(t, pod.highest[0], want)
					return
				}
				require.Equal(t, want, pod.highest[0])
			})
		})
	}
}

// Of several concurrencies the last counts, also one below 1.
func TestBulkConcurrencyTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: after(10 * time.Millisecond)}
		for result := range pod.client(t).SetUserPresences(t.Context(), users(2000, new(int)), symphony.WithConcurrency(3), symphony.WithConcurrency(0)) {
			require.NoError(t, result.Err)
		}
		require.Equal(t, 8, pod.highest[0])
	})
}

func TestBulkKeepsTheOrderOfEachUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		updates := make([]symphony.PresenceUpdate, 3000)
		for i := range updates {
			updates[i] = symphony.PresenceUpdate{UserID: int64(i*i%17) + 1, Category: symphony.PresenceCategory(fmt.Sprint(i))}
		}
		calls := 0
		pod := &bulkPod{}
		pod.respond = func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
			pod.mu.Lock()
			calls++
			delay := time.Duration(calls*7919%50) * time.Millisecond
			pod.mu.Unlock()
			return after(delay)(ctx, update)
		}
		last := map[int64]int{}
		for result := range pod.client(t).SetUserPresences(t.Context(), slices.Values(updates), symphony.WithConcurrency(16)) {
			require.NoError(t, result.Err)
			require.GreaterOrEqual(t, result.Index, last[result.Update.UserID])
			last[result.Update.UserID] = result.Index
		}
		require.Len(t, pod.began, len(updates))
		sent := map[int64][]symphony.PresenceCategory{}
		for _, update := range pod.began {
			sent[update.UserID] = append(sent[update.UserID], update.Category)
		}
		wanted := map[int64][]symphony.PresenceCategory{}
		for _, update := range updates {
			wanted[update.UserID] = append(wanted[update.UserID], update.Category)
		}
		require.Equal(t, wanted, sent)
		for user, highest := range pod.highest {
			require.True(t, user == 0 || highest == 1, "two updates of user %d at once", user)
		}
	})
}

// A slow call holds up the one worker that it occupies, and no other user.
func TestBulkSlowUsers(t *testing.T) {
	t.Parallel()
	for slow := range 8 {
		t.Run(fmt.Sprint(slow), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &bulkPod{respond: func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
					if update.UserID <= int64(slow) {
						return after(20*time.Second)(ctx, update)
					}
					return after(time.Millisecond)(ctx, update)
				}}
				start := time.Now()
				quick := 0
				for result := range pod.client(t).SetUserPresences(t.Context(), users(100, new(int))) {
					require.NoError(t, result.Err)
					if time.Since(start) < 2*time.Second {
						quick++
					}
				}
				require.Equal(t, 100-slow, quick)
			})
		})
	}
}

func TestBulkPullsAsResultsAreConsumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var pulled, consumed int
		for result := range new(bulkPod).client(t).SetUserPresences(t.Context(), users(10_000, &pulled), symphony.WithConcurrency(4)) {
			require.NoError(t, result.Err)
			require.LessOrEqual(t, pulled-consumed, 18*4, "16 a worker queued, and those in flight")
			consumed++
			synctest.Wait() // the workers have done all they can
		}
		require.Equal(t, 10_000, consumed)
	})
}

// A caller that stores its results a hundred at a time does not hold up the calls.
func TestBulkGoesOnWhileTheCallerIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: after(20 * time.Millisecond)}
		start, n := time.Now(), 0
		for result := range pod.client(t).SetUserPresences(t.Context(), users(4000, new(int))) {
			require.NoError(t, result.Err)
			if n++; n%100 == 0 {
				<-time.After(200 * time.Millisecond)
			}
		}
		require.Less(t, time.Since(start), 10500*time.Millisecond, "10 s are 4,000 calls by 8 workers")
	})
}

// Updates that wait for an earlier one of their user do not keep other users' updates
// from being pulled, up to 32 a worker.
func TestBulkPullsPastAUser(t *testing.T) {
	t.Parallel()
	for waiting, idle := range map[int]bool{32*4 - 1: false, 32 * 4: true} {
		synctest.Test(t, func(t *testing.T) {
			source := func(yield func(symphony.PresenceUpdate) bool) {
				for range waiting {
					if !yield(symphony.PresenceUpdate{UserID: 1, Category: symphony.PresenceBusy}) {
						return
					}
				}
				yield(symphony.PresenceUpdate{UserID: 2, Category: symphony.PresenceBusy})
			}
			pod := &bulkPod{respond: after(time.Second)}
			start, seen := time.Now(), false
			for result := range pod.client(t).SetUserPresences(t.Context(), source, symphony.WithConcurrency(4)) {
				require.NoError(t, result.Err)
				if result.Update.UserID == 2 {
					seen = true
					require.Equal(t, idle, time.Since(start) > time.Second)
				}
			}
			require.True(t, seen)
		})
	}
}

// A slow source does not hold back finished results for longer than one pull.
func TestBulkYieldsResultsBetweenPulls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var yielded int
		slow := func(yield func(symphony.PresenceUpdate) bool) {
			for i := range 10 {
				<-time.After(time.Second)
				require.GreaterOrEqual(t, yielded, i-1, "all but those just pulled")
				if !yield(symphony.PresenceUpdate{UserID: int64(i) + 1, Category: symphony.PresenceBusy}) {
					return
				}
			}
		}
		for result := range new(bulkPod).client(t).SetUserPresences(t.Context(), slow) {
			require.NoError(t, result.Err)
			yielded++
		}
		require.Equal(t, 10, yielded)
	})
}

func TestBulkBreak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
			if update.UserID == 3 {
				return after(0)(ctx, update)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		var pulled int
		start := time.Now()
		for result := range pod.client(t).SetUserPresences(t.Context(), users(1000, &pulled)) {
			require.NoError(t, result.Err)
			break
		}
		require.Less(t, time.Since(start), time.Second, "the calls in flight were cancelled")
		require.Zero(t, pod.atOnce[0], "and have ended")
		sent := len(pod.began)
		<-time.After(time.Hour)
		require.Len(t, pod.began, sent)
		require.LessOrEqual(t, pulled, 32*8)
	})
}

func TestBulkContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: after(time.Second)}
		const timeout = 10*time.Second + time.Millisecond
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		var pulled, good, ended int
		for result := range pod.client(t).SetUserPresences(ctx, users(1_000_000, &pulled)) {
			if result.Err == nil {
				good++
				continue
			}
			require.ErrorIs(t, result.Err, context.DeadlineExceeded)
			ended++
		}
		require.Equal(t, pulled, good+ended, "each update that was pulled has a result")
		require.Greater(t, good, 30)
		require.Less(t, pulled, 1000)
		require.Equal(t, timeout, time.Since(start))

		pulled = 0
		for range pod.client(t).SetUserPresences(ctx, users(10, &pulled)) {
			t.Error("a result after the end")
		}
		require.Zero(t, pulled)
	})
}

// An error that every later call would share ends a run: nothing more is sent or pulled,
// and what was pulled comes back with that error.
func TestBulkEnds(t *testing.T) {
	t.Parallel()
	sealed := errors.New("vault is sealed")
	static := func() symphony.SessionTokenProvider { return symphony.StaticSessionToken(secret) }
	for _, test := range []struct {
		name   string
		status int // of the calls after the first 100
		tokens func() symphony.SessionTokenProvider
		opts   []symphony.Option
		is     func(error) bool
	}{
		{"unauthorized", 401, static, nil, is[*symphony.UnauthorizedError]},
		{"token provider fails", 200, func() symphony.SessionTokenProvider { return failsAfter(100, sealed) }, nil, func(err error) bool { return errors.Is(err, sealed) }},
		{"no token", 200, func() symphony.SessionTokenProvider { return failsAfter(100, nil) }, nil, func(err error) bool { return errors.Is(err, symphony.ErrNoSessionToken) }},
		{"too late", 200, static, []symphony.Option{symphony.WithRateLimit(10)}, func(err error) bool {
			limit, ok := errors.AsType[*symphony.RateLimitError](err)
			return ok && limit.Attempts == 0
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &bulkPod{atOnce: map[int64]int{}, highest: map[int64]int{}}
				calls := 0
				pod.respond = func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
					pod.mu.Lock()
					calls++
					refuse := calls > 100 && test.status != 200
					pod.mu.Unlock()
					if refuse {
						return response(test.status, ""), nil
					}
					return after(time.Millisecond)(ctx, update)
				}
				client := newClient(t, "https://acme.symphony.com/pod", test.tokens(), append(test.opts, symphony.WithHTTPClient(&http.Client{Transport: pod}))...)
				ctx, cancel := context.WithTimeout(t.Context(), 9950*time.Millisecond) // 100 calls at 10 a second
				defer cancel()
				var pulled, good, failed int
				for result := range client.SetUserPresences(ctx, users(100_000, &pulled)) {
					if result.Err == nil {
						good++
						continue
					}
					require.True(t, test.is(result.Err), "%v", result.Err)
					failed++
				}
				require.InDelta(t, 100, good, 1)
				require.Equal(t, pulled, good+failed)
				require.Less(t, pulled, 100+2*32*8, "no more is pulled")
				require.LessOrEqual(t, len(pod.began), 108, "nothing more is sent")
			})
		})
	}
}

// failsAfter is a provider that fails after n tokens, with an empty token if err is nil.
func failsAfter(n int64, err error) symphony.SessionTokenFunc {
	var asked atomic.Int64
	return func(context.Context) (string, error) {
		if asked.Add(1) > n {
			return "", err
		}
		return secret, nil
	}
}

// Other errors do not end a run.
func TestBulkGoesOnAfterErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
			switch update.UserID % 4 {
			case 1:
				return response(404, ""), nil
			case 2:
				return response(403, ""), nil
			case 3:
				return response(503, ""), nil
			}
			return after(0)(ctx, update)
		}}
		updates := slices.Collect(users(40, new(int)))
		updates = append(updates, symphony.PresenceUpdate{UserID: 0, Category: "BUSY"}, symphony.PresenceUpdate{UserID: 4})
		var notFound, forbidden, server, invalid, good int
		for result := range pod.client(t).SetUserPresences(t.Context(), slices.Values(updates)) {
			switch {
			case result.Err == nil:
				good++
				continue
			case is[*symphony.NotFoundError](result.Err):
				notFound++
			case is[*symphony.ForbiddenError](result.Err):
				forbidden++
			case is[*symphony.ServerError](result.Err):
				server++
			case is[*symphony.InvalidArgumentError](result.Err):
				invalid++
			}
			require.Nil(t, result.Presence)
		}
		require.Equal(t, []int{10, 10, 10, 10, 2}, []int{good, notFound, forbidden, server, invalid})
	})
}

// Every response but 429 and 5xx shows that the pod keeps up: the run grows to its
// concurrency.
func TestBulkGrows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   int
	}{
		{"success", 200, busy, 64},
		{"unusable response", 200, "x", 64},
		{"redirect", 302, "", 64},
		{"bad request", 400, "", 64},
		{"forbidden", 403, "", 64},
		{"not found", 404, "", 64},
		{"server error", 500, "", 4},
		{"not available", 503, "", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &bulkPod{respond: func(context.Context, symphony.V2Presence) (*http.Response, error) {
					<-time.After(10 * time.Millisecond)
					return response(test.status, test.body), nil
				}}
				n := 0
				for range pod.client(t, once).SetUserPresences(t.Context(), users(1000, new(int)), symphony.WithConcurrency(64)) {
					n++
				}
				require.Equal(t, 1000, n)
				require.LessOrEqual(t, pod.highest[0], test.want)
				require.True(t, test.want == 4 || pod.highest[0] == test.want, pod.highest[0])
			})
		})
	}
}

// Each response lets one more call out, so that the number in flight doubles.
func TestBulkGrowsGradually(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inFlight atomic.Int64
		pod := &bulkPod{respond: func(context.Context, symphony.V2Presence) (*http.Response, error) {
			inFlight.Add(1)
			defer inFlight.Add(-1)
			<-time.After(10 * time.Millisecond)
			return response(200, busy), nil
		}}
		var seen []int64
		go func() {
			for <-time.After(5 * time.Millisecond); len(seen) < 5; <-time.After(10 * time.Millisecond) {
				seen = append(seen, inFlight.Load())
			}
		}()
		for range pod.client(t).SetUserPresences(t.Context(), users(1000, new(int)), symphony.WithConcurrency(40)) {
		}
		require.Equal(t, []int64{4, 8, 16, 32, 40}, seen)
	})
}

func TestBulkInvalidArguments(t *testing.T) {
	t.Parallel()
	client := new(bulkPod).client(t)
	var none context.Context
	updates := users(2, new(int))
	changes := slices.Values(make([]symphony.PresenceChange, 2))
	for _, test := range []struct {
		name     string
		results  func() []error
		argument string
	}{
		{"set, context", func() []error {
			return bulkErrors(client.SetUserPresences(none, updates), func(r symphony.PresenceResult) error { return r.Err })
		}, "ctx"},
		{"set, source", func() []error {
			return bulkErrors(client.SetUserPresences(t.Context(), nil), func(r symphony.PresenceResult) error { return r.Err })
		}, "updates"},
		{"change, context", func() []error {
			return bulkErrors(client.ChangeUserPresences(none, updates), func(r symphony.ChangeResult) error { return r.Err })
		}, "ctx"},
		{"change, source", func() []error {
			return bulkErrors(client.ChangeUserPresences(t.Context(), nil), func(r symphony.ChangeResult) error { return r.Err })
		}, "updates"},
		{"revert, context", func() []error {
			return bulkErrors(client.RevertUserPresences(none, changes), func(r symphony.RevertResult) error { return r.Err })
		}, "ctx"},
		{"revert, source", func() []error {
			return bulkErrors(client.RevertUserPresences(t.Context(), nil), func(r symphony.RevertResult) error { return r.Err })
		}, "changes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			results := test.results()
			require.Len(t, results, 1)
			var refused *symphony.InvalidArgumentError
			require.ErrorAs(t, results[0], &refused)
			require.Equal(t, test.argument, refused.Argument)
		})
	}
}

// bulkErrors collects the errors of results.
func bulkErrors[Result any](results iter.Seq[Result], err func(Result) error) (errs []error) {
	for result := range results {
		errs = append(errs, err(result))
	}
	return errs
}

// A panic or runtime.Goexit (a test's FailNow) of the source or of the loop body reaches
// the caller. A bubble ends only when all its goroutines have.
func TestBulkPanics(t *testing.T) {
	t.Parallel()
	panicking := func(yield func(symphony.PresenceUpdate) bool) {
		yield(symphony.PresenceUpdate{UserID: 1, Category: "BUSY"})
		panic("source")
	}
	exiting := func(yield func(symphony.PresenceUpdate) bool) {
		yield(symphony.PresenceUpdate{UserID: 1, Category: "BUSY"})
		runtime.Goexit()
	}
	for _, test := range []struct {
		name   string
		source iter.Seq[symphony.PresenceUpdate]
		body   func()
		want   any
	}{
		{"panic in the source", panicking, func() {}, "source"},
		{"panic in the loop", users(1000, new(int)), func() { panic("loop") }, "loop"},
		{"exit in the source", exiting, func() {}, nil},
		{"exit in the loop", users(1000, new(int)), runtime.Goexit, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &bulkPod{respond: after(time.Millisecond)}
				client := pod.client(t)
				finished := false
				var recovered any
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { recovered = recover() }()
					for range client.SetUserPresences(t.Context(), test.source) {
						test.body()
					}
					finished = true
				}()
				<-done
				require.False(t, finished)
				require.Equal(t, test.want, recovered)
				require.Zero(t, pod.atOnce[0])
			})
		})
	}
}

// A slow source and slow calls together do not hold up other users.
func TestBulkSlowSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &bulkPod{respond: func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
			if update.UserID <= 20 {
				return after(20*time.Second)(ctx, update)
			}
			return after(0)(ctx, update)
		}}
		start := time.Now()
		var first time.Duration
		slow := func(yield func(symphony.PresenceUpdate) bool) {
			for i := range 100 {
				<-time.After(50 * time.Millisecond)
				if !yield(symphony.PresenceUpdate{UserID: int64(i) + 1, Category: symphony.PresenceBusy}) {
					return
				}
			}
		}
		for result := range pod.client(t).SetUserPresences(t.Context(), slow, symphony.WithConcurrency(32)) {
			require.NoError(t, result.Err)
			if first == 0 {
				first = time.Since(start)
			}
		}
		require.Less(t, first, 2*time.Second)
	})
}

// A transport or a token provider that panics, or ends its goroutine as a mock's FailNow
// does, ends the caller's goroutine in the same way.
func TestBulkBrokenCalls(t *testing.T) {
	t.Parallel()
	for name, breakOff := range map[string]func(){"panic": func() { panic("provider") }, "exit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &bulkPod{respond: func(ctx context.Context, update symphony.V2Presence) (*http.Response, error) {
					if update.UserID == 50 {
						breakOff()
					}
					return after(time.Millisecond)(ctx, update)
				}}
				client := pod.client(t)
				var recovered any
				finished := false
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { recovered = recover() }()
					for result := range client.SetUserPresences(t.Context(), users(1000, new(int))) {
						require.NoError(t, result.Err)
					}
					finished = true
				}()
				<-done
				require.False(t, finished)
				require.Equal(t, name == "panic", recovered == "provider")
			})
		})
	}
}

// n workers open n connections, and a few more that net/http dials in a race.
func TestBulkReusesConnections(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, busy)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, server.URL, static)
	t.Cleanup(client.CloseIdleConnections)
	for result := range client.SetUserPresences(t.Context(), users(5000, new(int)), symphony.WithConcurrency(32)) {
		require.NoError(t, result.Err)
	}
	require.LessOrEqual(t, opened.Load(), int64(64), "for 5000 calls")
}
