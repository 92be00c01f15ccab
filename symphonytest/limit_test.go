package symphonytest_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestRateLimit(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online), symphonytest.WithRateLimit(0.001, 3))
		token := pod.IssueToken("admin")
		for range 3 {
			require.Equal(t, 200, setBusy(t, pod, token).status)
		}
		got := setBusy(t, pod, token)
		requireAPIError(t, got, 429, 429, "above the limit")
		require.Equal(t, "1", got.header.Get("Retry-After"))
	})
}

func TestRateLimitRefills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork(), user(1, symphonytest.Online), symphonytest.WithRateLimit(2, 0))
		token := pod.IssueToken("admin")
		for range 3 {
			require.Equal(t, 200, setBusy(t, pod, token).status)
			require.Equal(t, 429, setBusy(t, pod, token).status)
			<-time.After(500 * time.Millisecond)
		}
	})
}

func TestRateLimitFollowsTheClock(t *testing.T) {
	t.Parallel()
	var seconds atomic.Int64
	pod := symphonytest.New(t, symphonytest.WithoutNetwork(), user(1, symphonytest.Online), symphonytest.WithRateLimit(1, 1),
		symphonytest.WithClock(func() time.Time { return time.Unix(seconds.Load(), 0) }))
	token := pod.IssueToken("admin")
	for range 3 {
		require.Equal(t, 200, setBusy(t, pod, token).status)
		require.Equal(t, 429, setBusy(t, pod, token).status)
		seconds.Add(1)
	}
}

func TestConcurrencyLimit(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		for _, limit := range []struct {
			n, admitted int
			retryAfter  time.Duration
			header      string
		}{{3, 3, 1100 * time.Millisecond, "2"}, {0, 1, 0, ""}} {
			pod := start(user(1, symphonytest.Online), symphonytest.WithConcurrencyLimit(limit.n, limit.retryAfter))
			token := pod.IssueToken("admin")
			arrived, leave := make(chan struct{}), make(chan struct{})
			pod.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {
				arrived <- struct{}{}
				<-leave
			})
			var group sync.WaitGroup
			for range limit.admitted {
				group.Go(func() {
					got, err := request{method: "GET", path: "/"}.send(t, pod)
					if err != nil || got.status != 200 {
						t.Errorf("%v %v", got, err)
					}
				})
			}
			for range limit.admitted {
				<-arrived
			}
			got := setBusy(t, pod, token)
			requireAPIError(t, got, 429, 429, "one too many")
			require.Equal(t, limit.header, got.header.Get("Retry-After"))
			close(leave)
			group.Wait()
			pod.Fail(symphonytest.Fault{Reset: true})
			_, err := request{path: setPath, token: token, body: busy}.send(t, pod)
			require.Error(t, err)
			require.Equal(t, 200, setBusy(t, pod, token).status, "they have left, also the one that was reset")
		}
	})
}

// A bulk run gets through at a pod with either limit.
func TestBulkAtALimit(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]symphonytest.Option{
		"rate":        symphonytest.WithRateLimit(100, 10),
		"concurrency": symphonytest.WithConcurrencyLimit(4, time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := symphonytest.New(t, symphonytest.WithoutNetwork(), limit)
				pod.Fail(symphonytest.Fault{Delay: 20 * time.Millisecond, Times: -1})
				for id := range int64(200) {
					pod.AddUser(symphonytest.User{ID: id + 1})
				}
				client := newClient(t, pod)
				updates := func(yield func(symphony.PresenceUpdate) bool) {
					for id := range int64(200) {
						if !yield(symphony.PresenceUpdate{UserID: id + 1, Category: symphony.PresenceBusy}) {
							return
						}
					}
				}
				results := 0
				for result := range client.SetUserPresences(t.Context(), updates, symphony.WithConcurrency(16)) {
					require.NoError(t, result.Err)
					results++
				}
				require.Equal(t, 200, results)
				refused := 0
				for _, request := range pod.Requests() {
					if request.Status == 429 {
						refused++
					}
				}
				require.NotZero(t, refused)
			})
		})
	}
}
