package symphonytest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

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
