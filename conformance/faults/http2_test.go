package faults_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// newHTTP2Wire is a wire with one HTTP/2 connection, over which a first call has gone.
func newHTTP2Wire(t *testing.T, users int, config *http.HTTP2Config) *wire {
	t.Helper()
	pod := symphonytest.NewPod(symphonytest.WithTLS())
	transport := pod.Client().Transport.(*http.Transport).Clone()
	transport.HTTP2 = config
	w := connect(t, pod, transport, users)
	_, err := w.client.GetUserPresence(w.ctx, 1, true)
	require.NoError(t, err)
	w.pod.ClearRequests()
	w.count.attempts.Store(0)
	return w
}

// When the one connection of many calls is reset, each of them is sent once more.
func TestHTTP2ConnectionReset(t *testing.T) {
	const calls = 20
	w := newHTTP2Wire(t, calls, nil)
	heal := sync.OnceValue(w.heal)
	w.count.again = func() { assert.NoError(t, heal()) }
	w.pod.Fail(symphonytest.Fault{Delay: time.Hour, Times: calls - 1})

	var group sync.WaitGroup
	call := func(id int64) {
		presence, err := w.client.SetUserPresence(w.ctx, id, symphony.PresenceBusy, false)
		if assert.NoError(t, err) {
			assert.Equal(t, id, presence.UserID)
		}
	}
	for id := range int64(calls - 1) {
		group.Go(func() { call(id + 1) })
	}
	require.Eventually(t, func() bool { return len(w.pod.Requests()) == calls-1 }, time.Minute, time.Millisecond)
	w.poison(t, `{"type": "reset_peer", "stream": "downstream"}`)
	call(calls) // its response is a reset
	group.Wait()
	require.EqualValues(t, 2*calls, w.count.attempts.Load())
	require.Len(t, w.pod.Requests(), 2*calls)
}

// A connection that was forgotten on the way is asked for a sign of life, and given up
// within an attempt, which is made again on a new one.
func TestHTTP2ConnectionForgotten(t *testing.T) {
	w := newHTTP2Wire(t, 1, &http.HTTP2Config{SendPingTimeout: 200 * time.Millisecond, PingTimeout: 2 * time.Second})
	w.count.again = func() { assert.NoError(t, w.heal()) }
	w.poison(t, `{"type": "timeout", "stream": "downstream"}`)
	presence, took, err := w.set(w.ctx)
	require.NoError(t, err)
	require.Equal(t, symphony.PresenceBusy, presence.Category)
	require.EqualValues(t, 2, w.count.attempts.Load())
	require.Len(t, w.pod.Requests(), 2)
	require.GreaterOrEqual(t, took, 2*time.Second)
	require.Less(t, took, slack)
}
