package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newTestServer returns a server in front of the bridge of an office.
func (o *office) newTestServer() *server {
	return &server{
		signer: testSigner, intake: &intake{store: o.bridge.store, queue: o.bridge.queue},
		meters: o.bridge.meters, credentials: o.bridge.credentials, log: o.bridge.log, now: time.Now,
	}
}

func (s *server) get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

// post posts a body that was signed some time ago.
func (s *server) post(t *testing.T, body string, age time.Duration) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/calls", strings.NewReader(body))
	s.signer.sign(r.Header, []byte(body), time.Now().Add(-age))
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	return w
}

const callOfAnn = `{"call":"a","email":"ann@acme.com","state":"answered"}`

func TestPostCalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		body   string
		age    time.Duration
		change func(*office, *server)
		status int
		text   string
	}{
		{name: "accepted", body: callOfAnn, status: http.StatusAccepted},
		{name: "old", body: callOfAnn, age: time.Hour, status: http.StatusUnauthorized, text: "off; at most 5m0s is accepted"},
		{name: "not an event", body: `{"call":"a"}`, status: http.StatusBadRequest, text: "state is"},
		{name: "too large", body: strings.Repeat("x", maxBody+1), status: http.StatusRequestEntityTooLarge},
		{name: "full", body: callOfAnn, change: func(o *office, _ *server) { o.bridge.queue.limit = 0 }, status: http.StatusServiceUnavailable, text: "try again later"},
		{name: "no database", body: callOfAnn, change: func(o *office, _ *server) { _ = o.bridge.store.close() }, status: http.StatusInternalServerError, text: "cannot be stored"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			s := o.newTestServer()
			if test.change != nil {
				test.change(o, s)
			}
			w := s.post(t, test.body, test.age)
			require.Equal(t, test.status, w.Code, w.Body)
			require.Contains(t, w.Body.String(), test.text)
			require.Equal(t, test.status == http.StatusServiceUnavailable, w.Header().Get("Retry-After") != "")
			if test.status == http.StatusAccepted {
				calls, _, err := o.bridge.store.count(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, 1, calls)
				require.Equal(t, person("ann@acme.com"), take(t, o.bridge.queue))
				return
			}
			require.Zero(t, o.bridge.queue.length())
			require.Contains(t, o.log.String(), "an event is refused")
		})
	}
}

func TestUnsignedEventsAreRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	w := httptest.NewRecorder()
	o.newTestServer().handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/calls", strings.NewReader(callOfAnn)))
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Zero(t, o.bridge.queue.length())
}

func TestReplaysAreRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.newTestServer()
	now := time.Now()
	s.now = func() time.Time { return now }
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/calls", nil)
	s.signer.sign(r.Header, []byte(callOfAnn), now)
	for _, status := range []int{http.StatusAccepted, http.StatusConflict} {
		again := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/calls", strings.NewReader(callOfAnn))
		again.Header = r.Header
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, again)
		require.Equal(t, status, w.Code)
	}
	require.Equal(t, http.StatusAccepted, s.post(t, callOfAnn, time.Second).Code, "the same event, signed again")
}

// An event that says nothing new needs no room in the queue's order, but is accepted only if
// its person has some.
func TestAFullQueueTakesEventsOfThoseInIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.bridge.queue.limit = 1
	s := o.newTestServer()
	require.Equal(t, http.StatusAccepted, s.post(t, `{"call":"a","userId":1,"state":"answered"}`, 0).Code)
	require.Equal(t, http.StatusServiceUnavailable, s.post(t, `{"call":"a","userId":2,"state":"answered"}`, 0).Code)
	require.Equal(t, http.StatusAccepted, s.post(t, `{"call":"a","userId":1,"state":"ended"}`, 0).Code)
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.newTestServer()
	require.Equal(t, http.StatusOK, s.get(t, "/healthz").Code)
	require.Equal(t, http.StatusOK, s.get(t, "/readyz").Code)
	s.ending.Store(true)
	require.Contains(t, s.get(t, "/readyz").Body.String(), "shutting down")
	require.Equal(t, http.StatusOK, s.get(t, "/healthz").Code)
	require.NoError(t, o.bridge.store.close())
	require.Equal(t, http.StatusInternalServerError, s.get(t, "/healthz").Code)
}

// Nothing in the metrics names a person or shows a secret.
func TestMetrics(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	require.NoError(t, o.bridge.meters.watch(o.bridge.store, o.bridge.queue, o.bridge.credentials))
	s := o.newTestServer()
	s.post(t, callOfAnn, 0)
	s.post(t, callOfAnn, time.Hour)
	text := s.get(t, "/metrics").Body.String()
	for _, line := range []string{
		`phonebridge_events_total{status="202"} 1`, `phonebridge_events_total{status="401"} 1`, "phonebridge_queue_length 1",
		"phonebridge_calls 1", "phonebridge_changes 0", "phonebridge_credentials_refused 0",
	} {
		require.Contains(t, text, line)
	}
	for _, secret := range []string{"ann", "acme", o.token, string(testSigner.secret)} {
		require.NotContains(t, text, secret)
	}
}
