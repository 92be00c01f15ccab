package symphonytest_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// A retry after 429, 503 and a reset, with all the waits that a real client makes.
func TestRetriesInABubble(t *testing.T) {
	t.Parallel()
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork(), user(1, symphonytest.Online))
		pod.Fail(
			symphonytest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}},
			symphonytest.Fault{Status: 503},
			symphonytest.Fault{Reset: true})
		client := newClient(t, pod)
		began := time.Now()
		set, err := client.SetUserPresence(t.Context(), 1, symphony.PresenceBusy, false)
		require.NoError(t, err)
		require.Equal(t, symphony.PresenceBusy, set.Category)
		require.GreaterOrEqual(t, time.Since(began), 20*time.Second)
		var statuses []int
		for _, request := range pod.Requests() {
			statuses = append(statuses, request.Status)
		}
		require.Equal(t, []int{429, 503, 0, 200}, statuses)
	})
	t.Logf("429 with Retry-After 20, 503, a reset and success took %v", time.Since(began))
}

// A delay ends with the context's deadline and with the attempt's timeout.
func TestTimeoutsInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork(), user(1, symphonytest.Online))
		pod.Fail(symphonytest.Fault{Delay: time.Hour})
		client := newClient(t, pod, symphony.WithAttemptTimeout(10*time.Second))
		began := time.Now()
		_, err := client.SetUserPresence(t.Context(), 1, symphony.PresenceBusy, false)
		require.NoError(t, err, "the second attempt")
		require.GreaterOrEqual(t, time.Since(began), 10*time.Second)

		pod.Fail(symphonytest.Fault{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// dial connects to a pod without a network by hand.
func dial(t *testing.T, pod *symphonytest.Pod) (net.Conn, error) {
	t.Helper()
	base, err := url.Parse(pod.URL())
	require.NoError(t, err)
	return pod.Client().Transport.(*http.Transport).DialContext(t.Context(), "tcp", base.Host+":443")
}

// The connections behave as those of package net do.
func TestMemoryConn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork())
		conn, err := dial(t, pod)
		require.NoError(t, err)
		require.NotEmpty(t, conn.LocalAddr().String())
		require.NotEmpty(t, conn.RemoteAddr().Network())

		began := time.Now()
		require.NoError(t, conn.SetReadDeadline(began.Add(time.Minute)))
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())

		require.NoError(t, conn.SetDeadline(time.Now().Add(-time.Second)), "one that has passed")
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		_, err = conn.Write([]byte("x"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, conn.SetWriteDeadline(time.Time{}), "none")

		_, err = io.Copy(conn, bytes.NewReader(make([]byte, 1<<20))) // which is no TLS
		require.ErrorIs(t, err, syscall.EPIPE)
		require.NoError(t, conn.SetReadDeadline(time.Time{}))
		_, err = io.ReadAll(conn)
		require.NoError(t, err, "the end of the connection")

		require.NoError(t, conn.Close())
		require.NoError(t, conn.Close())
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = conn.Write([]byte("x"))
		require.ErrorIs(t, err, net.ErrClosed)

		pod.Close()
		_, err = dial(t, pod)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func TestMemoryDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t, symphonytest.WithoutNetwork())
	base, err := url.Parse(pod.URL())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err = pod.Client().Transport.(*http.Transport).DialContext(ctx, "tcp", base.Host+":443")
		require.ErrorIs(t, err, context.Canceled)
	}
}

// A connection buffers about as much as TCP does, and then the writer waits.
func TestMemoryConnIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork())
		written := make(chan int, 1)
		pod.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
			total := 0
			for total < 16<<20 {
				n, err := w.Write(make([]byte, 16<<10))
				total += n
				if err != nil {
					break
				}
			}
			written <- total
		})
		resp, err := request{path: "/"}.begin(t, pod)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Less(t, <-written, 1<<20)
	})
}
