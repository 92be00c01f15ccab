//go:build unix

package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// settable are the categories of the updates.
var settable = []symphony.PresenceCategory{symphony.PresenceBusy, symphony.PresenceAway, symphony.PresenceInAMeeting, symphony.PresenceOnThePhone}

// updatesOf returns n updates of users from 1 to users, in turn, so that each has several.
func updatesOf(n, users int) []symphony.PresenceUpdate {
	updates := make([]symphony.PresenceUpdate, n)
	for i := range updates {
		updates[i] = symphony.PresenceUpdate{UserID: int64(i%users) + 1, Category: settable[i/users%len(settable)]}
	}
	return updates
}

// run makes a bulk run, and holds it to this: each update has one result, and each
// user has what the last result that is a success says. Where an update after that
// failed the pod may have done it or not. The results are given by Index.
func run(t *testing.T, client *symphony.Client, pod *symphonytest.Pod, updates []symphony.PresenceUpdate, each func(symphony.PresenceResult)) []symphony.PresenceResult {
	t.Helper()
	results := make([]symphony.PresenceResult, len(updates))
	seen := map[int]bool{}
	for result := range client.SetUserPresences(t.Context(), slices.Values(updates), symphony.WithConcurrency(16)) {
		require.False(t, seen[result.Index], "update %d has two results", result.Index)
		seen[result.Index] = true
		results[result.Index] = result
		if each != nil {
			each(result)
		}
	}
	require.Len(t, seen, len(updates))

	possible := map[int64][]symphony.PresenceCategory{}
	for i, result := range results {
		user, category := updates[i].UserID, updates[i].Category
		require.Equal(t, updates[i], result.Update)
		if result.Err != nil {
			possible[user] = append(possible[user], category)
			continue
		}
		require.Equal(t, category, result.Presence.Category)
		possible[user] = []symphony.PresenceCategory{category}
	}
	for id, categories := range possible {
		user, ok := pod.User(id)
		require.True(t, ok)
		require.Contains(t, categories, user.Category, "user %d", id)
	}
	t.Logf("gateway: %d updates have one result each; of %d that failed no state is lost", len(updates), len(failures(results)))
	return results
}

func failures(results []symphony.PresenceResult) (failed []error) {
	for _, result := range results {
		if result.Err != nil {
			failed = append(failed, result.Err)
		}
	}
	return failed
}

// TestBulkOnShortConnections has the gateway end connections while requests come in on
// them: over HTTP/2 it leaves some of them undone.
func TestBulkOnShortConnections(t *testing.T) {
	t.Parallel()
	for _, http1 := range []bool{false, true} {
		t.Run(fmt.Sprintf("after 100 requests, HTTP/1.1 %t", http1), func(t *testing.T) {
			t.Parallel()
			pod, address := newPod(t, 200)
			g := start(t, setup{Upstream: address, HTTP1: http1, Server: "keepalive_requests 100;"})
			transport := g.transport(t)
			client := g.client(t, transport, pod.IssueToken("admin"), 4)
			require.Empty(t, failures(run(t, client, pod, updatesOf(1000, 200), nil)))
			require.Less(t, len(transport.errors), 10, "net/http sends again what was not served")
			require.Len(t, pod.Requests(), 1000, "none is sent twice")
		})
		t.Run(fmt.Sprintf("after a moment, HTTP/1.1 %t", http1), func(t *testing.T) {
			t.Parallel()
			pod, address := newPod(t, 200)
			g := start(t, setup{Upstream: address, HTTP1: http1, Server: "keepalive_timeout 2ms;"})
			client := g.client(t, g.transport(t), pod.IssueToken("admin"), 20)
			require.Empty(t, failures(run(t, client, pod, updatesOf(400, 200), nil)))
		})
	}
}

// TestBulkAtALimit has the gateway refuse what comes too fast.
func TestBulkAtALimit(t *testing.T) {
	t.Parallel()
	pod, address := newPod(t, 20)
	g := start(t, setup{
		Upstream: address,
		Global:   "limit_req_zone $binary_remote_addr zone=pods:1m rate=5r/s; limit_req_status 429;",
		Server:   "error_page 429 @limited; location @limited { add_header Retry-After 1 always; return 429; }",
		Location: "limit_req zone=pods burst=40 nodelay;",
	})
	transport := g.transport(t)
	token := pod.IssueToken("admin")
	require.Empty(t, failures(run(t, g.client(t, transport, token, 50), pod, updatesOf(60, 20), nil)))
	require.NotZero(t, transport.statuses[http.StatusTooManyRequests], "the limit was reached")
	require.Len(t, pod.Requests(), 60)

	failed := failures(run(t, g.client(t, transport, token, 1), pod, updatesOf(60, 20), nil))
	require.NotEmpty(t, failed)
	for _, err := range failed {
		limit := requireError(t, http.StatusTooManyRequests, err)
		require.Equal(t, "429 Too Many Requests", limit.Message)
		require.Equal(t, time.Second, limit.RetryAfter)
		require.Equal(t, 1, limit.Attempts)
	}
	require.Len(t, pod.Requests(), 120-len(failed))
}

// TestBulkOverARestart has the pod go away and come back in the middle of a run: for
// calls that are tried until it is back, and for calls that are tried twice.
func TestBulkOverARestart(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1000, 2} {
		t.Run(fmt.Sprintf("%d attempts", attempts), func(t *testing.T) {
			t.Parallel()
			pod, address := newPod(t, 100)
			entrance := open(t, address)
			g := start(t, setup{Upstream: entrance.address})
			transport := g.transport(t)
			client := g.client(t, transport, pod.IssueToken("admin"), attempts)
			refused := 0
			transport.on = func(status int) { // one response at a time
				if status == http.StatusBadGateway {
					if refused++; refused == 40 {
						entrance.open(t)
					}
				}
			}
			given := 0
			results := run(t, client, pod, updatesOf(1000, 100), func(symphony.PresenceResult) {
				if given++; given == 200 {
					entrance.close()
				}
			})
			require.GreaterOrEqual(t, refused, 40)
			require.NoError(t, results[len(results)-1].Err, "the run goes on when the pod is back")
			failed := failures(results)
			require.Equal(t, attempts == 2, len(failed) > 0)
			for _, err := range failed {
				apiErr := requireError(t, http.StatusBadGateway, err)
				require.Equal(t, "502 Bad Gateway", apiErr.Message)
				require.Equal(t, 2, apiErr.Attempts)
			}
		})
	}
}
