package symphonytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/symphonytest"
)

func TestFaults(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online))
		http2 := speaksHTTP2(t, pod)
		token := pod.IssueToken("admin")

		pod.Fail(symphonytest.Fault{Status: 503, Times: 2, Header: http.Header{"Retry-After": {"3"}}, Body: "busy"})
		for range 2 {
			got := setBusy(t, pod, token)
			require.Equal(t, response{503, got.header, "busy"}, got)
			require.Equal(t, "3", got.header.Get("Retry-After"))
		}
		require.Equal(t, 200, setBusy(t, pod, token).status, "used up")

		pod.Fail(symphonytest.Fault{Reset: true})
		_, err := request{path: setPath, token: token, body: busy}.send(t, pod)
		require.Error(t, err)
		if !http2 {
			require.ErrorIs(t, err, syscall.ECONNRESET)
		}
		requests := pod.Requests()
		require.Zero(t, requests[len(requests)-1].Status)

		pod.Fail(symphonytest.Fault{CutBody: true})
		cut, err := request{path: setPath, token: token, body: busy}.send(t, pod)
		require.Error(t, err)
		require.Equal(t, 200, cut.status)
		require.NotEmpty(t, cut.body)
		require.False(t, json.Valid([]byte(cut.body)))
		requests = pod.Requests()
		require.Zero(t, requests[len(requests)-1].Status, "the response broke off")

		pod.Fail(symphonytest.Fault{Status: 502, Body: "<html>", CutBody: true})
		cut, err = request{path: setPath, token: token, body: busy}.send(t, pod)
		require.Error(t, err)
		require.Equal(t, "<ht", cut.body)

		pod.Fail(symphonytest.Fault{Status: 204, Body: "none"})
		require.Equal(t, 204, setBusy(t, pod, token).status)

		pod.Fail(symphonytest.Fault{Path: "/v1/other", Status: 500}, symphonytest.Fault{Method: "GET", Status: 500}, symphonytest.Fault{Times: -1, Path: setPath, Status: 502})
		for range 3 {
			require.Equal(t, 502, setBusy(t, pod, token).status)
		}
		pod.ClearFaults()
		require.Equal(t, 200, setBusy(t, pod, token).status)

		pod.Fail(symphonytest.Fault{Status: 42})
		got := setBusy(t, pod, token)
		require.Equal(t, 500, got.status)
		require.Contains(t, got.body, "the status 42 of a Fault is not between 200 and 999")

		pod.Fail(symphonytest.Fault{Delay: time.Millisecond})
		began := time.Now()
		require.Equal(t, 200, setBusy(t, pod, token).status, "a delay alone is no failure")
		require.GreaterOrEqual(t, time.Since(began), time.Millisecond)
	})
}

// A pod closes while requests hang in it, and a client may leave one.
func TestDelayEndsWithTheClientAndThePod(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start()
		pod.Fail(symphonytest.Fault{Method: "POST", Delay: 1000 * time.Hour, Times: 2})
		http2 := speaksHTTP2(t, pod)
		arrived := make(chan struct{})
		var ended atomic.Bool
		pod.HandleFunc("GET /", func(_ http.ResponseWriter, r *http.Request) { // one that waits for its end
			arrived <- struct{}{}
			<-r.Context().Done()
			ended.Store(true)
		})
		leaving, cancel := context.WithCancel(t.Context())
		sent := make(chan struct{})
		trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent <- struct{}{} }}
		var group sync.WaitGroup
		for _, call := range []struct {
			ctx    context.Context
			method string
		}{{leaving, "POST"}, {t.Context(), "POST"}, {t.Context(), "GET"}} {
			req, err := http.NewRequestWithContext(httptrace.WithClientTrace(call.ctx, trace), call.method, pod.URL()+setPath, strings.NewReader(""))
			require.NoError(t, err)
			group.Go(func() {
				resp, err := pod.Client().Do(req)
				if err != nil {
					return
				}
				_ = resp.Body.Close()
				if call.method == http.MethodPost {
					t.Error("there was a response")
				}
			})
		}
		for range 3 {
			<-sent
		}
		<-arrived
		cancel()
		pod.Close()
		if !http2 { // where net/http does not wait for a handler
			require.True(t, ended.Load())
		}
		pod.Close()
		group.Wait()
		pod.ClearFaults() // which the requests may not have reached
	})
}

// A client that has sent its next request already does not keep a pod from closing:
// net/http would not notice that the connection is closed.
func TestCloseWithPipelinedRequests(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t)
	pod.Fail(symphonytest.Fault{Delay: 1000 * time.Hour})
	base, err := url.Parse(pod.URL())
	require.NoError(t, err)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", base.Host)
	require.NoError(t, err)
	defer conn.Close()
	get := []byte("GET /pod/v2/user/presence HTTP/1.1\r\nHost: pod\r\n\r\n")
	_, err = conn.Write(get)
	require.NoError(t, err)
	for len(pod.Requests()) == 0 {
		runtime.Gosched()
	}
	_, err = conn.Write(get)
	require.NoError(t, err)
	pod.Close()
	pod.ClearFaults() // which the request may not have reached
}

// recorder is a testing.TB that records what fails.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// A fault that no request meets fails the test.
func TestUnmetFaults(t *testing.T) {
	t.Parallel()
	test := &recorder{TB: t}
	pod := symphonytest.New(test, symphonytest.WithoutNetwork())
	pod.Fail(
		symphonytest.Fault{Status: 500, Times: -1},
		symphonytest.Fault{Method: "GET", Path: "/v3/users", Status: 503, Delay: time.Second},
		symphonytest.Fault{Path: "/v3/users", Reset: true},
		symphonytest.Fault{Method: "DELETE", CutBody: true},
	)
	require.Equal(t, 500, setBusy(t, pod, "").status)
	require.Len(t, test.cleanups, 1)
	require.Empty(t, test.errors)
	test.cleanups[0]()
	require.Equal(t, []string{
		`symphonytest: no request matched the fault "GET /v3/users, delay 1s, status 503"`,
		`symphonytest: no request matched the fault "/v3/users, reset"`,
		`symphonytest: no request matched the fault "DELETE, cut body"`,
	}, test.errors)
	_, err := request{path: setPath, body: busy}.send(t, pod)
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "it is closed")
}

func TestClearedFaultsAreNotUnmet(t *testing.T) {
	t.Parallel()
	test := &recorder{TB: t}
	pod := symphonytest.New(test, symphonytest.WithoutNetwork())
	pod.Fail(symphonytest.Fault{Status: 500})
	pod.ClearFaults()
	test.cleanups[0]()
	require.Empty(t, test.errors)
}
