package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// script is a transport that returns its replies one after the other, and records when it
// received which request. After the last reply the context of the test ends.
type script struct {
	replies []reply
	cancel  context.CancelFunc
	begin   time.Time
	asked   []string
}

type reply struct {
	status     int // 0 for a connection that breaks
	body       string
	retryAfter string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, fmt.Sprintf("%v %s", time.Since(s.begin), strings.TrimPrefix(r.URL.Path, "/pod")))
	if len(s.replies) == 0 {
		s.cancel()
		return nil, r.Context().Err()
	}
	a := s.replies[0]
	s.replies = s.replies[1:]
	if a.status == 0 {
		return nil, errors.New("connection reset")
	}
	response := &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}
	if a.retryAfter != "" {
		response.Header.Set("Retry-After", a.retryAfter)
	}
	return response, nil
}

// stamp is the timestamp of the presences, in milliseconds and as it shows.
const (
	stamp = int64(1533928483800)
	since = " since 2018-08-10T19:14:43Z"
)

// shows is the reply for one user.
func shows(category symphony.PresenceCategory) reply {
	return reply{200, fmt.Sprintf(`{"category":%q,"timestamp":%d}`, category, stamp), ""}
}

// page is the reply for all users, by turns an id and a category.
func page(users ...any) reply {
	list := []string{}
	for i := 0; i < len(users); i += 2 {
		list = append(list, fmt.Sprintf(`{"userId":%d,"category":%q,"timestamp":%d}`, users[i], users[i+1], stamp))
	}
	return reply{200, "[" + strings.Join(list, ",") + "]", ""}
}

func fails(status int) reply { return reply{status, `{"message":"no"}`, ""} }

// watch polls every minute until the replies are used up or the sequence ends. It returns
// what was yielded and what was requested, each with its time.
func watch(t *testing.T, ids []int64, replies ...reply) (got, asked []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &script{replies: replies, cancel: cancel, begin: time.Now()}
	client, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.StaticSessionToken("x"),
		symphony.WithHTTPClient(&http.Client{Transport: s}), symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	polls := 0
	w := watcher{client: client, ids: ids, every: time.Minute, polled: func() { polls++ }}
	for c, err := range w.changes(ctx) {
		var line strings.Builder
		apiErr := new(symphony.APIError)
		switch {
		case errors.As(err, &apiErr):
			fmt.Fprint(&line, apiErr.StatusCode)
		case err != nil:
			line.WriteString("broken")
		default:
			require.Equal(t, time.Now(), c.at)
			require.NoError(t, lines{stdout: &line}.changed(c))
		}
		_, text, ok := strings.Cut(strings.TrimSpace(line.String()), "Z ")
		if !ok {
			text = line.String()
		}
		got = append(got, fmt.Sprint(time.Since(s.begin), " ", text))
	}
	if ctx.Err() != nil { // it ended in a poll, and had a wait before
		require.Positive(t, polls)
	}
	return got, s.asked
}

// Only changes of category are given, and no timestamp of a user who is offline: it is
// the time of the query.
func TestSomeUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, asked := watch(t, []int64{7, 8},
			shows("BUSY"), shows("OFFLINE"),
			shows("BUSY"), shows("OFFLINE"),
			shows("AWAY"), shows("AVAILABLE"),
			shows("AWAY"), shows("OFFLINE"))
		require.Equal(t, []string{
			"0s 7 - -> BUSY" + since, "0s 8 - -> OFFLINE",
			"2m0s 7 BUSY -> AWAY" + since, "2m0s 8 OFFLINE -> AVAILABLE" + since,
			"3m0s 8 AVAILABLE -> OFFLINE",
		}, got)
		require.Equal(t, []string{"0s /v3/user/7/presence", "0s /v3/user/8/presence", "1m0s /v3/user/7/presence"}, asked[:3])
	})
}

func TestErrorsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, _ := watch(t, []int64{7}, shows("BUSY"), fails(503), reply{}, reply{200, "<html>", ""}, fails(400), shows("BUSY"), shows("AWAY"))
		require.Equal(t, []string{
			"0s 7 - -> BUSY" + since,
			"1m0s 503", "2m0s broken", "3m0s broken", "4m0s 400",
			"6m0s 7 BUSY -> AWAY" + since,
		}, got)
	})
}

// An error ends the poll, and the next begins behind it: one bad user keeps no one
// from their turn, and a pod in trouble is not asked for all users.
func TestErrorEndsPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, asked := watch(t, []int64{7, 8, 9}, shows("BUSY"), fails(500), shows("BUSY"), shows("BUSY"), fails(500))
		require.Equal(t, []string{
			"0s /v3/user/7/presence", "0s /v3/user/8/presence",
			"1m0s /v3/user/9/presence", "1m0s /v3/user/7/presence", "1m0s /v3/user/8/presence",
			"2m0s /v3/user/9/presence",
		}, asked)
	})
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, asked := watch(t, []int64{7}, reply{429, "{}", "300"}, reply{503, "{}", "90"}, reply{429, "{}", "2"})
		require.Equal(t, []string{"0s 429", "5m0s 503", "6m30s 429"}, got)
		require.Equal(t, "7m30s /v3/user/7/presence", asked[3], "a short Retry-After makes nothing faster")
	})
	synctest.Test(t, func(t *testing.T) {
		_, asked := watch(t, nil, reply{429, "{}", "300"})
		require.Equal(t, []string{"0s /v2/users/presence", "5m0s /v2/users/presence"}, asked)
	})
}

func TestUnknownUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, asked := watch(t, []int64{7, 8}, fails(404), shows("BUSY"), shows("BUSY"), fails(404))
		require.Equal(t, []string{
			"0s 7 - -> (unknown)", "0s 404", "0s 8 - -> BUSY" + since,
			"2m0s 8 BUSY -> (unknown)", "2m0s 404",
		}, got)
		require.Len(t, asked, 4, "it ends when no one is left")
	})
}

func TestErrorsThatStay(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403} {
		synctest.Test(t, func(t *testing.T) {
			got, asked := watch(t, []int64{7, 8}, fails(status))
			require.Equal(t, []string{fmt.Sprint("0s ", status)}, got)
			require.Len(t, asked, 1)
		})
	}
	for _, status := range []int{401, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			got, asked := watch(t, nil, page(1, "BUSY"), fails(status))
			require.Equal(t, []string{"0s 1 - -> BUSY" + since, fmt.Sprint("0s ", status)}, got)
			require.Len(t, asked, 2)
		})
	}
	require.True(t, isFinal(&symphony.InvalidArgumentError{}))
	require.True(t, isFinal(fmt.Errorf("x: %w", x509.UnknownAuthorityError{})))
	require.True(t, isFinal(fmt.Errorf("x: %w", symphony.ErrNoSessionToken)))
}

// Who is missing from a whole listing is inactive; one that broke off tells nothing.
func TestAllUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, _ := watch(t, nil,
			page(1, "BUSY", 2, "OFFLINE", 3, "AWAY", 0, "BUSY"), page(),
			page(1, "AWAY"), fails(503),
			page(2, "OFFLINE"), page(),
			page(2, "OFFLINE"), page(),
			page(2, "OFFLINE", 3, "AWAY"), page())
		require.Equal(t, []string{
			"0s 1 - -> BUSY" + since, "0s 2 - -> OFFLINE", "0s 3 - -> AWAY" + since,
			"1m0s 1 BUSY -> AWAY" + since, "1m0s 503",
			"2m0s 1 AWAY -> (inactive)", "2m0s 3 AWAY -> (inactive)",
			"4m0s 3 (inactive) -> AWAY" + since,
		}, got)
	})
}

// Whoever ranges may stop at any time, which a range function panics over if it goes on.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ids     []int64
		stopAt  int
		replies []reply
	}{
		{[]int64{7}, 1, []reply{shows("BUSY")}},
		{[]int64{7}, 1, []reply{fails(404)}},
		{[]int64{7}, 2, []reply{fails(404)}},
		{[]int64{7}, 1, []reply{fails(500)}},
		{nil, 1, []reply{page(1, "BUSY")}},
		{nil, 2, []reply{page(1, "BUSY"), page(), page()}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{replies: test.replies, cancel: func() { t.Error("asked for too much") }}
			client, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.StaticSessionToken("x"),
				symphony.WithHTTPClient(&http.Client{Transport: s}), symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
			require.NoError(t, err)
			w := watcher{client: client, ids: test.ids, every: time.Minute, polled: func() {}}
			n := 0
			for _, err := range w.changes(t.Context()) {
				require.NotErrorIs(t, err, context.Canceled)
				if n++; n == test.stopAt {
					break
				}
			}
			require.Equal(t, test.stopAt, n)
		})
	}
}
