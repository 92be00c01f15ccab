package symphonytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// start gives a pod that is stopped with the test.
func start(t *testing.T, opts ...symphonytest.Option) *symphonytest.Pod {
	t.Helper()
	pod := symphonytest.NewPod(opts...)
	t.Cleanup(pod.Close)
	return pod
}

type answer struct {
	status int
	header http.Header
	body   string
}

// send posts by hand, as any client of a pod would.
func send(t *testing.T, pod *symphonytest.Pod, token, query string, body io.Reader, header ...string) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, pod.URL()+"/v3/user/presence"+query, body)
	require.NoError(t, err)
	req.Header["sessiontoken"] = []string{token}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header[header[i]] = []string{header[i+1]}
	}
	resp, err := pod.Client().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, strings.TrimSpace(string(text))}, err
}

// set sends what is expected to be answered.
func set(t *testing.T, pod *symphonytest.Pod, token, query, body string, header ...string) answer {
	t.Helper()
	a, err := send(t, pod, token, query, strings.NewReader(body), header...)
	require.NoError(t, err)
	return a
}

const busy = `{"category":"BUSY","userId":1}`

func user(id int64, activity symphonytest.Activity) symphonytest.Option {
	return symphonytest.WithUsers(symphonytest.User{ID: id, Activity: activity})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Online), symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "reader"}))
	admin, reader, revoked := pod.IssueToken("admin"), pod.IssueToken("reader"), pod.IssueToken("admin")
	pod.RevokeToken(revoked)
	for _, test := range []struct {
		name, token, query, body string
		status, code             int
	}{
		{"no token", "", "", busy, 401, 401},
		{"a wrong token", "wrong", "", busy, 401, 401},
		{"a revoked token", revoked, "", busy, 401, 401},
		{"no entitlement", reader, "", busy, 403, 403},
		{"no such user", admin, "", `{"category":"BUSY","userId":2}`, 404, 403},
		{"no category", admin, "", `{"userId":1}`, 400, 400},
		{"unknown category", admin, "", `{"category":"LUNCH","userId":1}`, 400, 400},
		{"not JSON", admin, "", `busy`, 400, 400},
		{"empty", admin, "", ``, 400, 400},
		{"soft is no boolean", admin, "?soft=maybe", busy, 400, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := set(t, pod, test.token, test.query, test.body)
			require.Equal(t, test.status, got.status)
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
			var body struct {
				Code    int
				Message string
			}
			require.NoError(t, json.Unmarshal([]byte(got.body), &body))
			require.Equal(t, test.code, body.Code)
			require.NotEmpty(t, body.Message)
		})
	}
}

// The clients of pods do not all write alike.
func TestClientsOfAnyKind(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Offline))
	token := pod.IssueToken("admin")
	require.Equal(t, 200, set(t, pod, token, "?soft=True", busy).status)
	require.Equal(t, 200, set(t, pod, token, "?soft=true", busy, "content-type", "text/plain").status)
	chunked, err := send(t, pod, token, "", io.MultiReader(strings.NewReader(busy)))
	require.NoError(t, err)
	require.Equal(t, 200, chunked.status)
}

func TestSoft(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Offline), user(2, symphonytest.Idle))
	token := pod.IssueToken("admin")
	shown := func(id int64, category symphony.PresenceCategory, soft bool) symphony.PresenceCategory {
		got := set(t, pod, token, fmt.Sprintf("?soft=%v", soft), fmt.Sprintf(`{"category":%q,"userId":%d}`, category, id))
		require.Equal(t, 200, got.status)
		var presence symphony.V2Presence
		require.NoError(t, json.Unmarshal([]byte(got.body), &presence))
		require.Equal(t, id, presence.UserID)
		require.WithinDuration(t, time.Now(), presence.Timestamp.Time, time.Minute)
		return presence.Category
	}

	require.Equal(t, symphony.PresenceOffline, shown(1, symphony.PresenceBusy, true))
	u, ok := pod.User(1)
	require.True(t, ok)
	require.Equal(t, symphony.PresenceBusy, u.Pending)
	require.True(t, pod.SetActivity(1, symphonytest.Online))
	u, _ = pod.User(1)
	require.Equal(t, symphony.PresenceBusy, u.Category, "it was waiting")
	require.Empty(t, u.Pending)

	require.True(t, pod.SetActivity(1, symphonytest.Offline))
	require.Equal(t, symphony.PresenceOnThePhone, shown(1, symphony.PresenceOnThePhone, false), "without soft it shows at once")

	require.Equal(t, symphony.PresenceAway, shown(2, symphony.PresenceAvailable, true))
	require.Equal(t, symphony.PresenceAway, shown(2, symphony.PresenceBusy, true))
	require.Equal(t, symphony.PresenceInAMeeting, shown(2, symphony.PresenceInAMeeting, true))
	require.Equal(t, symphony.PresenceBusy, shown(2, symphony.PresenceBusy, false))

	require.False(t, pod.SetActivity(3, symphonytest.Online))
	_, ok = pod.User(3)
	require.False(t, ok)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Online))
	first, second := pod.IssueToken("admin"), pod.IssueToken("admin")
	require.NotEqual(t, first, second)
	pod.RevokeToken(first)
	require.Equal(t, 401, set(t, pod, first, "", busy).status)
	require.Equal(t, 200, set(t, pod, second, "", busy).status)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%t"} {
		require.NotContains(t, fmt.Sprintf(verb+verb, pod, *pod), second)
	}
	pod.RevokeTokens()
	require.Equal(t, 401, set(t, pod, second, "", busy).status)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", tls), func(t *testing.T) {
			t.Parallel()
			opts := []symphonytest.Option{user(1, symphonytest.Online)}
			if tls {
				opts = append(opts, symphonytest.WithTLS())
			}
			pod := start(t, opts...)
			token := pod.IssueToken("admin")

			pod.Fail(symphonytest.Fault{Status: 503, Times: 2, Header: http.Header{"Retry-After": {"3"}}, Body: "busy"})
			for range 2 {
				got := set(t, pod, token, "", busy)
				require.Equal(t, answer{503, got.header, "busy"}, got)
				require.Equal(t, "3", got.header.Get("Retry-After"))
			}
			require.Equal(t, 200, set(t, pod, token, "", busy).status, "used up")

			pod.Fail(symphonytest.Fault{Reset: true})
			_, err := send(t, pod, token, "", strings.NewReader(busy))
			require.Error(t, err)
			if !tls {
				require.ErrorIs(t, err, syscall.ECONNRESET)
			}

			pod.Fail(symphonytest.Fault{CutBody: true})
			cut, err := send(t, pod, token, "", strings.NewReader(busy))
			require.Error(t, err)
			require.Equal(t, 200, cut.status)
			require.NotEmpty(t, cut.body)
			require.False(t, json.Valid([]byte(cut.body)))
			require.Zero(t, pod.Requests()[len(pod.Requests())-1].Status, "the answer was broken off")

			pod.Fail(symphonytest.Fault{Status: 204, Body: "none"})
			require.Equal(t, 204, set(t, pod, token, "", busy).status)

			pod.Fail(symphonytest.Fault{Path: "/v1/other", Status: 500}, symphonytest.Fault{Method: "GET", Status: 500}, symphonytest.Fault{Times: -1, Path: "/v3/user/presence", Status: 502})
			for range 3 {
				require.Equal(t, 502, set(t, pod, token, "", busy).status)
			}
			pod.ClearFaults()
			require.Equal(t, 200, set(t, pod, token, "", busy).status)

			pod.Fail(symphonytest.Fault{Delay: time.Millisecond})
			require.Equal(t, 200, set(t, pod, token, "", busy).status, "a delay is no failure")
		})
	}
}

// A pod closes while a request hangs, and a client may leave one.
func TestDelayEndsWithTheClientAndThePod(t *testing.T) {
	t.Parallel()
	pod := symphonytest.NewPod()
	pod.Fail(symphonytest.Fault{Delay: time.Hour, Times: 2})
	leaving, cancel := context.WithCancel(t.Context())
	sent := make(chan struct{})
	var group sync.WaitGroup
	pod.HandleFunc("GET /", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	group.Go(func() { // a handler of the user's that waits for its end
		resp, err := pod.Client().Get(pod.URL())
		if err == nil {
			_ = resp.Body.Close()
		}
	})
	for _, ctx := range []context.Context{leaving, t.Context()} {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent <- struct{}{} }})
		group.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, pod.URL()+"/v3/user/presence", strings.NewReader(busy))
			if err != nil {
				t.Error(err)
				return
			}
			if resp, err := pod.Client().Do(req); err == nil {
				_ = resp.Body.Close()
				t.Error("it was answered")
			}
		})
	}
	<-sent
	<-sent
	cancel()
	pod.Close()
	pod.Close()
	group.Wait()
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Online), symphonytest.WithRateLimit(0.001, 3))
	token := pod.IssueToken("admin")
	for range 3 {
		require.Equal(t, 200, set(t, pod, token, "", busy).status)
	}
	got := set(t, pod, token, "", busy)
	require.Equal(t, 429, got.status)
	require.Equal(t, "1", got.header.Get("Retry-After"))
}

func TestOwnHandlers(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Online))
	token := pod.IssueToken("admin")
	reply := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, text+string(body))
		}
	}
	pod.HandleFunc("POST /pod/v3/user/presence", reply("first "))
	require.Equal(t, "first "+busy, set(t, pod, token, "", busy).body)
	pod.HandleFunc("POST /pod/v3/user/{what}", func(_ http.ResponseWriter, r *http.Request) {
		require.Equal(t, "presence", r.PathValue("what"))
	})
	require.Equal(t, 200, set(t, pod, token, "", busy).status)
	pod.HandleFunc("POST /pod/v3/user/presence", reply("second "))
	require.Equal(t, "second "+busy, set(t, pod, token, "", busy).body, "the newer one wins")
	pod.Fail(symphonytest.Fault{Status: 500})
	require.Equal(t, 500, set(t, pod, token, "", busy).status)
}

func TestRequests(t *testing.T) {
	t.Parallel()
	pod := start(t, user(1, symphonytest.Online), symphonytest.WithRequestLog(3))
	token := pod.IssueToken("admin")
	require.Equal(t, 200, set(t, pod, token, "?soft=true", busy).status)
	requests := pod.Requests()
	require.Len(t, requests, 1)
	require.Equal(t, http.MethodPost, requests[0].Method)
	require.Equal(t, "/v3/user/presence", requests[0].Path)
	require.Equal(t, "true", requests[0].Query.Get("soft"))
	require.Equal(t, token, requests[0].Header.Get("sessionToken"))
	require.Equal(t, busy, string(requests[0].Body))
	require.Equal(t, 200, requests[0].Status)
	require.WithinDuration(t, time.Now(), requests[0].Time, time.Minute)

	// Copies.
	requests[0].Header.Set("sessionToken", "changed")
	requests[0].Query.Set("soft", "changed")
	requests[0].Body[0] = 'x'
	again := pod.Requests()[0]
	require.Equal(t, token, again.Header.Get("sessionToken"))
	require.Equal(t, "true", again.Query.Get("soft"))
	require.Equal(t, busy, string(again.Body))

	for i := range 10 {
		require.Equal(t, 200, set(t, pod, token, fmt.Sprintf("?soft=true&n=%d", i), busy).status)
	}
	requests = pod.Requests()
	require.Len(t, requests, 3)
	require.Equal(t, "9", requests[2].Query.Get("n"))
	pod.ClearRequests()
	require.Empty(t, pod.Requests())
}

func TestTLS(t *testing.T) {
	t.Parallel()
	pod := start(t, symphonytest.WithTLS(), user(1, symphonytest.Online))
	require.True(t, strings.HasPrefix(pod.URL(), "https://127.0.0.1:"))
	require.Equal(t, 200, set(t, pod, pod.IssueToken("admin"), "", busy).status)

	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("admin")), symphony.WithHTTPClient(pod.Client()))
	require.NoError(t, err)
	_, err = client.SetUserPresence(t.Context(), 2, symphony.PresenceBusy, false)
	_, ok := errors.AsType[*symphony.NotFoundError](err)
	require.True(t, ok)
}
