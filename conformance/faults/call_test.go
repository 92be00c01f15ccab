package faults_test

import (
	"context"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

const (
	attemptTimeout = time.Second
	// slack is what a busy machine may add to the time of a call.
	slack = 10 * time.Second
)

// fault is something that is wrong with the wire, or with the pod at its end.
type fault struct {
	name    string
	toxics  []string
	fails   symphonytest.Fault // of the pod itself
	gone    bool               // no one listens
	arrives bool               // each attempt reaches the pod
	cause   error              // what a call fails with in the end
	decode  bool               // as a DecodeError: the status was 200
	waits   bool               // each attempt lasts until its timeout
}

var faults = []fault{
	{
		name:   "reset before the request has arrived",
		toxics: []string{`{"type": "reset_peer", "stream": "upstream"}`},
		cause:  syscall.ECONNRESET,
	},
	{
		name:    "reset instead of the response",
		toxics:  []string{`{"type": "reset_peer", "stream": "downstream"}`},
		arrives: true,
		cause:   syscall.ECONNRESET,
	},
	{
		name:    "reset by the pod",
		fails:   symphonytest.Fault{Reset: true, Times: -1},
		arrives: true,
		cause:   io.EOF, // the proxy closes where the pod resets
	},
	{
		name: "reset in the middle of the body",
		toxics: []string{
			// Of toxicity 0 it does no more than turn the end that the other one makes into a reset.
			`{"type": "reset_peer", "stream": "downstream", "toxicity": 0}`,
			`{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 130}}`,
		},
		arrives: true,
		cause:   syscall.ECONNRESET,
		decode:  true,
	},
	{
		name:    "body broken off by the pod",
		fails:   symphonytest.Fault{CutBody: true, Times: -1},
		arrives: true,
		cause:   io.ErrUnexpectedEOF,
		decode:  true,
	},
	{
		name:    "closed before the response",
		toxics:  []string{`{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 0}}`},
		arrives: true,
		cause:   io.EOF,
	},
	{
		name:    "closed in the middle of the header",
		toxics:  []string{`{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 33}}`},
		arrives: true,
		cause:   io.ErrUnexpectedEOF,
	},
	{
		name:    "closed in the middle of the body",
		toxics:  []string{`{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 130}}`},
		arrives: true,
		cause:   io.ErrUnexpectedEOF,
		decode:  true,
	},
	{
		name:   "closed in the middle of the request",
		toxics: []string{`{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 60}}`},
		cause:  io.EOF,
	},
	{
		name:   "request swallowed",
		toxics: []string{`{"type": "timeout", "stream": "upstream"}`},
		cause:  context.DeadlineExceeded,
		waits:  true,
	},
	{
		name:    "response swallowed",
		toxics:  []string{`{"type": "timeout", "stream": "downstream"}`},
		arrives: true,
		cause:   context.DeadlineExceeded,
		waits:   true,
	},
	{
		name:    "response later than the attempt timeout",
		toxics:  []string{`{"type": "latency", "stream": "downstream", "attributes": {"latency": 2000, "jitter": 500}}`},
		arrives: true,
		cause:   context.DeadlineExceeded,
		waits:   true,
	},
	{
		name:    "response of 100 bytes a second",
		toxics:  []string{`{"type": "slicer", "attributes": {"average_size": 10, "delay": 100000}}`},
		arrives: true,
		cause:   context.DeadlineExceeded,
		waits:   true,
	},
	{
		name:  "no one listens",
		gone:  true,
		cause: syscall.ECONNREFUSED,
	},
}

// begin makes the fault happen from now on.
func (f fault) begin(t *testing.T, w *wire) {
	t.Helper()
	w.poison(t, f.toxics...)
	if f.fails.Times != 0 {
		w.pod.Fail(f.fails)
	}
	if f.gone {
		w.proxy.Stop()
	}
}

// set makes the main call, and says how long it took.
func (w *wire) set(ctx context.Context) (*symphony.V2Presence, time.Duration, error) {
	began := time.Now()
	presence, err := w.client.SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
	return presence, time.Since(began), err
}

// requireCounts checks how often a call was sent, how many of its attempts reached the
// pod, and how long it took, after so many attempts that met the fault and others that
// did not.
func (f fault) requireCounts(t *testing.T, w *wire, faulty, sound int, took time.Duration) {
	t.Helper()
	require.EqualValues(t, faulty+sound, w.count.attempts.Load(), "attempts")
	arrived := sound
	if f.arrives {
		arrived += faulty
	}
	require.Len(t, w.pod.Requests(), arrived, "requests that reached the pod")
	least := time.Duration(0)
	if f.waits {
		least = time.Duration(faulty) * attemptTimeout
	}
	require.GreaterOrEqual(t, took, least)
	require.Less(t, took, least+slack)
}

// A fault that stays ends the call, after all attempts, with the error that says why.
func TestFaultThatStays(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			w := newWire(t, 1, symphony.WithAttemptTimeout(attemptTimeout))
			f.begin(t, w)
			presence, took, err := w.set(w.ctx)
			require.Nil(t, presence)
			require.ErrorIs(t, err, f.cause)
			if f.decode {
				var unusable *symphony.DecodeError
				require.ErrorAs(t, err, &unusable)
				require.Equal(t, http.StatusOK, unusable.StatusCode)
				require.Equal(t, attempts, unusable.Attempts)
			} else {
				require.ErrorContains(t, err, "(attempt 3 of 3)")
			}
			if f.waits {
				require.ErrorContains(t, err, "no response within 1s")
			}
			f.requireCounts(t, w, attempts, 0, took)
		})
	}
}

// A fault that passes costs no more than the attempt that met it, on a new connection and
// on one that was idle when the fault began.
func TestFaultThatPasses(t *testing.T) {
	for _, connection := range []string{"new", "kept"} {
		for _, f := range faults {
			t.Run(f.name+", "+connection+" connection", func(t *testing.T) {
				w := newWire(t, 1, symphony.WithAttemptTimeout(attemptTimeout))
				if connection == "kept" {
					_, err := w.client.GetUserPresence(w.ctx, 1, true)
					require.NoError(t, err)
					w.pod.ClearRequests()
					w.count.attempts.Store(0)
				}
				w.count.again = func() { assert.NoError(t, w.heal()) }
				f.begin(t, w)
				presence, took, err := w.set(w.ctx)
				require.NoError(t, err)
				require.Equal(t, symphony.PresenceBusy, presence.Category)
				require.EqualValues(t, 1, presence.UserID)
				user, _ := w.pod.User(1)
				require.Equal(t, symphony.PresenceBusy, user.Category)
				f.requireCounts(t, w, 1, 1, took)
			})
		}
	}
}

// A deadline ends the call in whatever attempt it is, and the error says which.
func TestDeadline(t *testing.T) {
	for _, f := range faults {
		if !f.waits {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			w := newWire(t, 1)
			f.begin(t, w)
			ctx, cancel := context.WithTimeout(w.ctx, 200*time.Millisecond)
			defer cancel()
			_, took, err := w.set(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "(attempt 1 of 3)")
			require.Less(t, took, slack)
		})
	}
}

// A wire that is slow, within what an attempt may take, costs time and no attempt.
func TestSlowWire(t *testing.T) {
	for _, test := range []struct {
		name   string
		toxics []string
		least  time.Duration
	}{
		{
			name: "latency with jitter, both ways",
			toxics: []string{
				`{"type": "latency", "stream": "upstream", "attributes": {"latency": 60, "jitter": 30}}`,
				`{"type": "latency", "stream": "downstream", "attributes": {"latency": 60, "jitter": 30}}`,
			},
			least: 60 * time.Millisecond,
		},
		{
			name:   "response of 100 bytes a second",
			toxics: []string{`{"type": "slicer", "attributes": {"average_size": 10, "delay": 100000}}`},
			least:  time.Second,
		},
		{
			name:   "request in slices of a few bytes",
			toxics: []string{`{"type": "slicer", "stream": "upstream", "attributes": {"average_size": 3, "size_variation": 2, "delay": 200}}`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWire(t, 1)
			w.poison(t, test.toxics...)
			presence, took, err := w.set(w.ctx)
			require.NoError(t, err)
			require.Equal(t, symphony.PresenceBusy, presence.Category)
			require.EqualValues(t, 1, w.count.attempts.Load())
			require.Len(t, w.pod.Requests(), 1)
			require.GreaterOrEqual(t, took, test.least)
			require.Less(t, took, test.least+slack+2*time.Second)
		})
	}
}
