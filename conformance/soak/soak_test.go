package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// These tests are not parallel: a run counts the goroutines of the process.

func TestSoak(t *testing.T) {
	var out, failures strings.Builder
	require.Zero(t, soak(t.Context(), []string{"-for", "1s", "-seed", "7"}, &out, &failures), failures.String())
	require.Empty(t, failures.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Regexp(t, `^soak: [1-9]\d+ calls in [1-9]\d* rounds .*, [1-9]\d+ faults .*, [1-9]\d+ retries, [1-9]\d* logins, `+
		`0 lost, 0 out of order, goroutines (\d+) to \d+, heap `, lines[len(lines)-1])
}

func TestUsage(t *testing.T) {
	require.Equal(t, 2, soak(t.Context(), []string{"-seed", "x"}, io.Discard, io.Discard))
	require.Equal(t, 0, soak(t.Context(), []string{"-h"}, io.Discard, io.Discard))
}

// A pod that does other than it says is found out, and the run ends with 1.
func TestDoctoredPod(t *testing.T) {
	bulk, call := planRound(1, 1).lanes[0], planRound(1, 1).lanes[bulkRuns]
	for _, test := range []struct {
		name string
		// apply does a user's update at the pod, or something else.
		apply func(pod *symphonytest.Pod, set symphony.V2Presence)
		want  string
	}{
		{"update of a bulk run dropped", dropping(bulk[len(bulk)-1]), "which no update explains|is done, and .* stands|done after it"},
		{"single update dropped", dropping(call[0]), "is done, and .* stands"},
		{"updates swapped", swapping(bulk), "stands, and .* was done after it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t)
			r.pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, request *http.Request) {
				var set symphony.V2Presence
				assert.NoError(t, json.NewDecoder(request.Body).Decode(&set))
				test.apply(r.pod, set)
				assert.NoError(t, json.NewEncoder(w).Encode(set))
			})
			var failures strings.Builder
			require.Equal(t, 1, r.report(t.Context(), 0, io.Discard, &failures))
			require.Regexp(t, test.want, failures.String())
			found := r.findings()
			require.Len(t, append(found.lost, found.disorder...), strings.Count(failures.String(), "\n"))
			require.Less(t, strings.Count(failures.String(), "\n"), 4, "the other updates are sound:\n%s", &failures)
		})
	}
}

func TestMostCallsFail(t *testing.T) {
	r := start(t)
	r.pod.Handle("POST /pod/v3/user/presence", http.NotFoundHandler())
	var failures strings.Builder
	require.Equal(t, 1, r.report(t.Context(), 0, io.Discard, &failures))
	require.Equal(t, "soak: most calls failed, which shows nothing\n", failures.String())
}

func TestGoroutineLeft(t *testing.T) {
	r := start(t)
	r.pod.HandleFunc("POST /login/pubkey/authenticate", func(w http.ResponseWriter, _ *http.Request) {
		go func() { <-t.Context().Done() }()
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]string{"token": r.pod.IssueToken("soak")}))
	})
	require.Equal(t, 1, r.report(t.Context(), 0, io.Discard, io.Discard))
	require.Empty(t, r.findings())
}

func start(t *testing.T) *run {
	t.Helper()
	r, err := newRun(1)
	require.NoError(t, err)
	t.Cleanup(r.pod.Close)
	t.Cleanup(r.transport.CloseIdleConnections)
	return r
}

// put makes a presence that of a user.
func put(pod *symphonytest.Pod, user int64, category symphony.PresenceCategory) {
	pod.AddUser(symphonytest.User{ID: user, Category: category})
}

// dropping does all updates but one.
func dropping(dropped *update) func(*symphonytest.Pod, symphony.V2Presence) {
	return func(pod *symphonytest.Pod, set symphony.V2Presence) {
		if set.UserID != dropped.UserID || set.Category != dropped.Category {
			put(pod, set.UserID, set.Category)
		}
	}
}

// swapping does all updates, but the last two of one user the other way round.
func swapping(lane []*update) func(*symphonytest.Pod, symphony.V2Presence) {
	last := lane[len(lane)-1]
	var before *update
	for _, u := range lane[:len(lane)-1] {
		if u.UserID == last.UserID {
			before = u
		}
	}
	return func(pod *symphonytest.Pod, set symphony.V2Presence) {
		if before != nil && set.UserID == last.UserID && set.Category == last.Category {
			set.Category = before.Category
		}
		put(pod, set.UserID, set.Category)
	}
}

func TestCheck(t *testing.T) {
	const (
		ok     = http.StatusOK
		broken = 0
	)
	updates := func(outcomes ...outcome) (all []*update) {
		for i, outcome := range outcomes {
			category := []symphony.PresenceCategory{"A", "B", "C"}[i]
			all = append(all, &update{symphony.PresenceUpdate{UserID: 1, Category: category}, outcome})
		}
		return all
	}
	for _, test := range []struct {
		name           string
		updates        []*update
		requests       []request
		after          symphony.PresenceCategory
		lost, disorder int
	}{
		{"nothing to do", nil, nil, "before", 0, 0},
		{"all done", updates(done, done), []request{{"A", ok}, {"B", ok}}, "B", 0, 0},
		{"done after retries", updates(done, done), []request{{"A", broken}, {"A", 503}, {"A", ok}, {"B", 429}, {"B", ok}}, "B", 0, 0},
		{"done, and once more", updates(done, done), []request{{"A", ok}, {"B", broken}, {"B", ok}}, "B", 0, 0},
		{"failed, not done by the pod", updates(done, failed), []request{{"A", ok}, {"B", 503}}, "A", 0, 0},
		{"failed, done by the pod", updates(done, failed), []request{{"A", ok}, {"B", broken}}, "B", 0, 0},
		{"all failed", updates(failed, failed), []request{{"A", 503}, {"B", 503}}, "before", 0, 0},
		{"not sent", updates(done, unsent), []request{{"A", ok}}, "A", 0, 0},

		{"never returned", updates(done, done), []request{{"A", broken}, {"B", ok}}, "B", 1, 0},
		{"never received", updates(done, done), []request{{"B", ok}}, "B", 1, 0},
		{"not applied", updates(done), []request{{"A", ok}}, "before", 1, 0},
		{"not sent, and applied", updates(done, unsent), []request{{"A", ok}}, "B", 1, 0},
		{"overwritten by an earlier one", updates(done, done), []request{{"A", ok}, {"B", ok}}, "A", 0, 1},
		{"overwritten by an earlier one that failed", updates(failed, done), []request{{"A", broken}, {"B", ok}}, "A", 0, 1},
		{"received late", updates(failed, done), []request{{"A", 503}, {"B", ok}, {"A", 503}}, "B", 0, 1},
		{"received the wrong way round", updates(done, done), []request{{"B", ok}, {"A", ok}}, "B", 0, 1},
		{"request for nothing", updates(done), []request{{"A", ok}, {"C", ok}}, "A", 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var found findings
			(&history{"before", test.updates, test.requests, test.after}).check(1, &found)
			require.Len(t, found.lost, test.lost)
			require.Len(t, found.disorder, test.disorder)
		})
	}
}

func TestPlan(t *testing.T) {
	require.Equal(t, planRound(1, 3), planRound(1, 3))
	require.NotEqual(t, planRound(1, 3), planRound(2, 3))
	require.NotEqual(t, planRound(1, 3), planRound(1, 5))
	for n := range uint64(4) {
		lanes, seen := map[int64]int{}, map[symphony.PresenceUpdate]bool{}
		for lane, updates := range planRound(1, n).lanes {
			require.NotEmpty(t, updates)
			for _, u := range updates {
				require.Contains(t, []int{0, lane + 1}, lanes[u.UserID], "a user is in one lane")
				lanes[u.UserID] = lane + 1
				key := u.PresenceUpdate
				key.Soft = false
				require.False(t, seen[key], "a category comes once")
				seen[key] = true
			}
		}
	}
}
