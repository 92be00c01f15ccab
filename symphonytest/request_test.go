package symphonytest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/symphonytest"
)

func TestRequests(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online), symphonytest.WithRequestLog(3))
		token := pod.IssueToken("admin")
		send := func(query string) {
			require.Equal(t, 200, request{path: setPath + query, token: token, body: busy}.mustSend(t, pod).status)
		}
		send("?soft=true")
		requests := pod.Requests()
		require.Len(t, requests, 1)
		require.Equal(t, http.MethodPost, requests[0].Method)
		require.Equal(t, setPath, requests[0].Path)
		require.Equal(t, "true", requests[0].Query.Get("soft"))
		require.Equal(t, token, requests[0].Header.Get("sessionToken"))
		require.Equal(t, busy, string(requests[0].Body))
		require.Equal(t, 200, requests[0].Status)
		require.WithinDuration(t, time.Now(), requests[0].Time, time.Minute)

		// They are copies.
		requests[0].Header.Set("sessionToken", "changed")
		requests[0].Query.Set("soft", "changed")
		requests[0].Body[0] = 'x'
		again := pod.Requests()[0]
		require.Equal(t, token, again.Header.Get("sessionToken"))
		require.Equal(t, "true", again.Query.Get("soft"))
		require.Equal(t, busy, string(again.Body))

		for i := range 10 {
			send(fmt.Sprintf("?soft=true&n=%d", i))
		}
		requests = pod.Requests()
		require.Len(t, requests, 3)
		require.Equal(t, "9", requests[2].Query.Get("n"))
		pod.ClearRequests()
		require.Empty(t, pod.Requests())
	})
}

// The log has the status of a response as soon as the client has its header, and of a
// handler that leaves the response to net/http.
func TestRequestLogHasTheStatus(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start()
		sent, read := make(chan struct{}), make(chan struct{})
		pod.HandleFunc("POST /pod/slow", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			assert.NoError(t, http.NewResponseController(w).Flush())
			close(sent)
			<-read
		})
		pod.HandleFunc("POST /pod/empty", func(http.ResponseWriter, *http.Request) {})
		done := make(chan error, 1)
		go func() {
			_, err := request{path: "/slow"}.send(t, pod)
			done <- err
		}()
		<-sent
		requests := pod.Requests()
		close(read)
		require.NoError(t, <-done)
		require.Equal(t, 202, requests[0].Status)

		require.Equal(t, 200, request{path: "/empty"}.mustSend(t, pod).status)
		require.Equal(t, 200, pod.Requests()[1].Status)
	})
}

// A handler finds what net/http's own ResponseWriter has.
func TestHandlerFlushesAndHijacks(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start()
		pod.HandleFunc("POST /pod/flush", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
		})
		pod.HandleFunc("POST /pod/hijack", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil { // HTTP/2
				panic(http.ErrAbortHandler)
			}
			_ = conn.Close()
		})
		require.Equal(t, 200, request{path: "/flush"}.mustSend(t, pod).status)
		_, err := request{path: "/hijack"}.send(t, pod)
		require.Error(t, err)
		requests := pod.Requests()
		require.Equal(t, []int{200, 0}, []int{requests[0].Status, requests[1].Status})
	})
}

func TestRequestLogOfNothing(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t, symphonytest.WithoutNetwork(), symphonytest.WithRequestLog(-1))
	setBusy(t, pod, "")
	require.Empty(t, pod.Requests())
}

// The log of large requests is bounded in bytes.
func TestRequestLogIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t, symphonytest.WithoutNetwork())
	pod.HandleFunc("POST /", func(http.ResponseWriter, *http.Request) {})
	body := strings.Repeat("x", 10<<20)
	for range 8 {
		require.Equal(t, 200, request{path: "/large", body: body}.mustSend(t, pod).status)
	}
	require.Len(t, pod.Requests(), 6, "that is what 64 MiB hold")
}

// A handler may change the request that the log has an entry of.
func TestHandlerChangesTheRequest(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start()
		changed := make(chan struct{})
		pod.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) {
			go func() {
				for range 100 {
					pod.Requests()
				}
				close(changed)
			}()
			for i := range 100 {
				r.Header.Set("X-Changed", fmt.Sprint(i))
			}
			<-changed
		})
		require.Equal(t, 200, request{path: "/"}.mustSend(t, pod).status)
		require.Empty(t, pod.Requests()[0].Header.Get("X-Changed"))
	})
}
