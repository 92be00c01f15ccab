package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestUpdatesAreApplied(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.publish("1", 1, symphony.PresenceBusy)
	sequence := s.publish("2", 1, symphony.PresenceAway)
	require.Equal(t, sequence, s.publish("2", 1, symphony.PresenceAway), "one id is one update")
	w := s.work()
	s.empty()
	w.end()
	updates, statuses := s.sent()
	require.Equal(t, []update{{UserID: 1, Category: symphony.PresenceBusy}, {UserID: 1, Category: symphony.PresenceAway}}, updates)
	require.Equal(t, []int{200, 200}, statuses)
	require.Equal(t, "PRESENCE-2-1", s.pod.Requests()[1].Header.Get("X-Trace-Id"))
	for _, line := range []string{"presence.deliveries (applied) 2,", "presence.lag 2: mean", "http.client.request.duration (200) 2: mean", "symphony.client.call.duration (SetUserPresence) 2: mean", "symphony.client.waiting 0"} {
		require.Contains(t, w.stderr.String(), line)
	}
}

// The next update of a user waits while one does that the pod put off, as long as the
// pod asked for.
func TestOrderIsKeptWhileAnUpdateWaits(t *testing.T) {
	t.Parallel()
	s := start(t, minAckWait)
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s.pod.Fail(symphonytest.Fault{Status: status, Header: http.Header{"Retry-After": {"2"}}}) // more than the call has left
	}
	s.publish("1", 1, symphony.PresenceBusy)
	s.publish("2", 1, symphony.PresenceAway)
	w := s.work()
	s.empty()
	w.end()
	updates, statuses := s.sent()
	require.Equal(t, []int{429, 503, 200, 200}, statuses)
	require.Equal(t, symphony.PresenceBusy, updates[2].Category)
	require.Equal(t, symphony.PresenceAway, updates[3].Category)
	requests := s.pod.Requests()
	require.Greater(t, requests[1].Time.Sub(requests[0].Time), 1900*time.Millisecond)
	require.Equal(t, "PRESENCE-1-3", requests[2].Header.Get("X-Trace-Id"))
	require.Contains(t, w.stderr.String(), "delivery 1); again in 2s: symphony: POST /v3/user/presence: 429 Too Many Requests")
	require.Contains(t, w.stderr.String(), "presence.deliveries (put off) 2,")
	require.Contains(t, w.stderr.String(), "presence.redelivered 2,")
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.publish("gone", 99, symphony.PresenceBusy)
	s.publish("odd", 1, "LUNCH")
	for _, body := range []string{"{", `{"id":"a","userId":2,"category":"BUSY"}`, `{"id":"b","userId":1}`} {
		_, err := s.queue.js.Publish(t.Context(), subject+"1", []byte(body))
		require.NoError(t, err)
	}
	s.publish("good", 1, symphony.PresenceAway)
	w := s.work()
	s.empty()
	w.end()

	letters, err := s.queue.deadLetters(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[uint64]bool{1: true, 2: true, 3: true, 4: true, 5: true}, letters)
	stream, err := s.queue.js.Stream(t.Context(), deadName)
	require.NoError(t, err)
	letter, err := stream.GetLastMsgForSubject(t.Context(), deadSubject+"99")
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"gone","userId":99,"category":"BUSY"}`, string(letter.Data))
	require.Contains(t, letter.Header.Get(headerReason), "404 Not Found: User 99 does not exist")
	reasons := ""
	for number := range uint64(5) {
		letter, err := stream.GetMsg(t.Context(), number+1)
		require.NoError(t, err)
		reasons += letter.Header.Get(headerReason) + "\n"
	}
	for _, reason := range []string{"400 Bad Request", "not the JSON of an update", "its subject is presence.set.", "it has no category"} {
		require.Contains(t, reasons, reason)
	}
	u, _ := s.pod.User(1)
	require.Equal(t, symphony.PresenceAway, u.Category, "the next update is not held up")
	require.Contains(t, w.stderr.String(), "presence.deliveries (dead-lettered) 5,")
}

// A worker that died between the dead letter and the end of the message leaves one letter.
func TestADeadLetterIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := start(t, minAckWait)
	s.publish("gone", 99, symphony.PresenceBusy)
	m := s.take(99)
	require.NoError(t, s.queue.bury(t.Context(), m, "as the worker that dies"))
	require.NoError(t, s.queue.bury(t.Context(), message{unended{m.Msg}, m.meta}, "as the one after it"))
	stream, err := s.queue.js.Stream(t.Context(), deadName)
	require.NoError(t, err)
	require.EqualValues(t, 1, stream.CachedInfo().State.Msgs)
}

// unended is a message whose end does not arrive.
type unended struct{ jetstream.Msg }

func (unended) TermWithReason(string) error { return nil }

// take takes the next message of a user, as a worker would.
func (s *site) take(user int64) message {
	s.Helper()
	last, err := s.queue.stream.GetLastMsgForSubject(s.Context(), fmt.Sprintf("%s*.%d", subject, user))
	require.NoError(s, err)
	var partition int
	_, err = fmt.Sscanf(last.Subject, subject+"%d.", &partition)
	require.NoError(s, err)
	msg, err := s.queue.consumers[partition].Next()
	require.NoError(s, err)
	m, err := newMessage(msg)
	require.NoError(s, err)
	return m
}

func TestWithoutPermissionNothingIsTakenOrLost(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]func(*symphonytest.Pod) string{
		"no session": func(*symphonytest.Pod) string { return "expired" },
		"no entitlement": func(pod *symphonytest.Pod) string {
			pod.AddServiceUser(symphonytest.ServiceUser{Username: "reader"})
			return pod.IssueToken("reader")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, time.Minute)
			good := s.token
			s.token = token(s.pod)
			for user := range int64(9) {
				s.publish(fmt.Sprint(user), user+1, symphony.PresenceBusy)
			}
			w := s.work()
			require.Equal(t, cli.ExitForbidden, w.code(), w.stderr)
			require.Contains(t, w.stderr.String(), "takes no more updates; those left stay in the stream: symphony: POST /v3/user/presence: 40")
			s.left(9)

			s.token = good
			w = s.work()
			s.empty() // at once, not after the minute
			w.end()
			for user := range int64(9) {
				u, _ := s.pod.User(user + 1)
				require.Equal(t, symphony.PresenceBusy, u.Category)
			}
		})
	}
}

// A 403 concerns one user when the pod has taken another update.
func TestForbiddenUser(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		var sent update
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent.UserID == 2 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"category":"BUSY"}`)
	})
	s.publish("1", 1, symphony.PresenceBusy)
	w := s.work()
	s.empty()
	s.publish("2", 2, symphony.PresenceBusy)
	s.publish("3", 3, symphony.PresenceBusy)
	s.empty()
	w.end()
	letters, err := s.queue.deadLetters(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[uint64]bool{2: true}, letters)
}

// A certificate that is not trusted stops the worker: another delivery does not help.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.pod = newPod(t, symphonytest.WithTLS())
	s.publish("1", 1, symphony.PresenceBusy)
	w := s.work()
	require.Equal(t, cli.ExitFailed, w.code(), w.stderr)
	require.Contains(t, w.stderr.String(), "takes no more updates; those left stay in the stream: ")
	require.Contains(t, w.stderr.String(), "this machine does not have the CA certificate of")
	s.left(1)
}

// A worker says so and ends when what it works on is deleted.
func TestDeleted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		del  func(*site) error
		text string
	}{
		{"stream", func(s *site) error { return s.queue.js.DeleteStream(s.Context(), streamName) }, "NATS: the stream PRESENCE: it was deleted"},
		{"consumer", func(s *site) error { return s.queue.stream.DeleteConsumer(s.Context(), "partition-2") }, "NATS: the consumer partition-2 of the stream PRESENCE: it was deleted"},
		{"dead letters", func(s *site) error { return s.queue.js.DeleteStream(s.Context(), deadName) }, "NATS: the stream PRESENCE_DEAD: it was deleted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, minAckWait)
			w := s.work()
			s.eventually(func() bool { return strings.Contains(w.stderr.String(), "applies updates") })
			require.NoError(t, test.del(s))
			if test.name == "dead letters" {
				s.publish("gone", 99, symphony.PresenceBusy)
			}
			require.Equal(t, cli.ExitFailed, w.code(), w.stderr)
			require.Contains(t, w.stderr.String(), test.text)
		})
	}
}

func TestProducerOfADeletedStream(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	require.NoError(t, s.queue.js.DeleteStream(t.Context(), streamName))
	_, err := s.queue.publish(t.Context(), update{ID: "1", UserID: 1, Category: symphony.PresenceBusy})
	require.ErrorIs(t, err, errDeleted)
	require.ErrorContains(t, err, "update 1 is not stored: NATS: the stream PRESENCE")
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	for i, category := range []symphony.PresenceCategory{symphony.PresenceBusy, symphony.PresenceAway, symphony.PresenceOnThePhone} {
		s.publish(fmt.Sprint(i), 1, category)
	}
	s.publish("other", 2, symphony.PresenceBusy)
	w := s.work("-skip-superseded")
	s.empty()
	w.end()
	updates, _ := s.sent()
	require.ElementsMatch(t, []update{{UserID: 1, Category: symphony.PresenceOnThePhone}, {UserID: 2, Category: symphony.PresenceBusy}}, updates)
	require.Contains(t, w.stderr.String(), "presence.deliveries (superseded) 2,")
}

// gate has the pod hold requests until it is opened, and counts those that it holds.
type gate struct {
	open    chan struct{}
	mu      sync.Mutex
	held    int
	most    int
	arrived int
}

func (s *site) gate() *gate {
	g := &gate{open: make(chan struct{})}
	s.pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		g.count(1)
		defer g.count(-1)
		select {
		case <-g.open:
			fmt.Fprint(w, `{"category":"BUSY","userId":1}`)
		case <-r.Context().Done():
		}
	})
	return g
}

func (g *gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += n
	g.arrived += max(n, 0)
	g.most = max(g.most, g.held)
}

func (g *gate) arrivals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.arrived
}

// A response that does not come is given up before another worker may have the update.
func TestNoTwoCallsForOneUser(t *testing.T) {
	t.Parallel()
	s := start(t, minAckWait)
	g := s.gate()
	s.publish("1", 1, symphony.PresenceBusy)
	first, second := s.work(), s.work()
	s.eventually(func() bool {
		return strings.Contains(first.stderr.String()+second.stderr.String(), "delivery 2); again in 2s")
	})
	close(g.open)
	s.empty()
	first.end()
	second.end()
	require.Equal(t, 1, g.most)
}

// A worker that is asked to end brings to its end what it has.
func TestGracefulEnd(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	g := s.gate()
	s.publish("1", 1, symphony.PresenceBusy)
	s.publish("2", 1, symphony.PresenceBusy)
	w := s.work()
	s.eventually(func() bool { return g.arrivals() == 1 })
	w.stop()
	close(g.open)
	require.Zero(t, w.code(), w.stderr)
	s.left(1)
	require.Equal(t, 1, g.arrivals())
}

// A server that stops between the two steps of an acknowledgement leaves the message in
// the stream, past its consumer. Here, a consumer gives up after one delivery.
func TestWhatIsLeftInTheStreamDoesNotWait(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.publish("1", 1, symphony.PresenceBusy)
	s.publish("2", 1, symphony.PresenceAway)
	m := s.take(1)
	consumer, err := s.queue.stream.Consumer(t.Context(), m.meta.Consumer)
	require.NoError(t, err)
	config := consumer.CachedInfo().Config
	config.MaxDeliver = 1
	_, err = s.queue.stream.UpdateConsumer(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, m.Nak())
	require.EqualValues(t, 2, s.take(1).sequence())
	s.left(1)
	info, err := s.queue.stream.Info(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, info.State.Msgs)
}

// Of a consumer that is gone it is not known what it has left to do.
func TestWhatWaitsIsNotKnownWithoutAConsumer(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	require.NoError(t, s.queue.stream.DeleteConsumer(t.Context(), "partition-3"))
	_, err := s.queue.waiting(t.Context())
	require.EqualError(t, err, "NATS: 3 of 4 consumers answer")
}

// A server that is restarted leaves a message to the worker that has it, even one that
// had waited for longer than a delivery may take.
func TestAnUpdateIsHeldOverARestart(t *testing.T) {
	t.Parallel()
	const ackWait = 6 * time.Second
	s := start(t, ackWait)
	g := s.gate()
	s.publish("1", 1, symphony.PresenceBusy)
	published := time.Now()
	s.eventually(func() bool { return time.Since(published) > ackWait })
	first, second := s.work(), s.work()
	for _, w := range []*running{first, second} {
		s.eventually(func() bool { return strings.Contains(w.stderr.String(), "applies updates") })
	}
	s.eventually(func() bool { return g.arrivals() == 1 })
	delivered := time.Now()
	require.NoError(t, s.nats.restart())
	s.eventually(func() bool { return time.Since(delivered) > holdOf(ackWait)/2 })
	close(g.open)
	s.empty()
	first.end()
	second.end()
	for _, request := range s.pod.Requests() {
		require.Equal(t, "PRESENCE-1-1", request.Header.Get("X-Trace-Id"), "delivered once")
	}
}

// What was applied while NATS was away is acknowledged when it is back.
func TestAnAcknowledgementOutlastsARestart(t *testing.T) {
	t.Parallel()
	s := start(t, 10*time.Second)
	g := s.gate()
	s.publish("1", 1, symphony.PresenceBusy)
	w := s.work()
	s.eventually(func() bool { return g.arrivals() == 1 })
	s.nats.stop()
	close(g.open)
	s.eventually(func() bool { return s.pod.Requests()[0].Status == http.StatusOK })
	require.NoError(t, s.nats.start())
	s.empty()
	w.end()
	require.Len(t, s.pod.Requests(), 1)
}

// A worker does not call for a message that it may not have any more.
func TestAnUnconfirmedClaimIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t, minAckWait)
	s.publish("1", 1, symphony.PresenceBusy)
	m := s.take(1)
	s.nats.stop()
	meters, err := newMeters("")
	require.NoError(t, err)
	w := worker{queue: s.queue, meters: meters, out: newScreen("test", new(buffer))} // it would panic without a client
	require.NoError(t, w.handle(t.Context(), t.Context(), m))
	require.NoError(t, s.nats.start())
}

func TestVerdictOf(t *testing.T) {
	t.Parallel()
	apiError := func(status int) symphony.APIError { return symphony.APIError{StatusCode: status} }
	unauthorized, forbidden, other := apiError(401), apiError(403), apiError(302)
	for name, test := range map[string]struct {
		err  error
		want verdict
	}{
		"untrusted":    {fmt.Errorf("symphony: %w", x509.UnknownAuthorityError{}), stop},
		"applied":      {nil, done},
		"bad request":  {&symphony.BadRequestError{APIError: apiError(400)}, never},
		"not found":    {&symphony.NotFoundError{APIError: apiError(404)}, never},
		"unauthorized": {&symphony.UnauthorizedError{APIError: unauthorized}, stop},
		"forbidden":    {&symphony.ForbiddenError{APIError: forbidden}, stop},
		"a redirect":   {&other, stop},
		"too many":     {&symphony.RateLimitError{APIError: apiError(429)}, later},
		"unavailable":  {&symphony.ServerError{APIError: apiError(503)}, later},
		"unusable":     {&symphony.DecodeError{StatusCode: 200}, later},
		"the network":  {errors.New("connection refused"), later},
		"no token":     {fmt.Errorf("symphony: %w", symphony.ErrNoSessionToken), stop},
		"a bad token":  {&symphony.InvalidArgumentError{Argument: "session token"}, stop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, verdictOf(test.err, false))
		})
	}
	require.Equal(t, never, verdictOf(&symphony.ForbiddenError{APIError: forbidden}, true), "the pod has taken another")
	require.Equal(t, stop, verdictOf(&symphony.UnauthorizedError{APIError: unauthorized}, true))
}

func TestDelay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		delivered uint64
		err       error
		want      time.Duration
	}{
		{1, errors.New("reset"), time.Second},
		{3, errors.New("reset"), 4 * time.Second},
		{1000, errors.New("reset"), 32 * time.Second},
		{3, &symphony.RateLimitError{APIError: symphony.APIError{RetryAfter: 7 * time.Second}}, 7 * time.Second},
		{3, &symphony.ServerError{APIError: symphony.APIError{RetryAfter: 24 * time.Hour}}, 5 * time.Minute},
	} {
		require.Equal(t, test.want, message{meta: &jetstream.MsgMetadata{NumDelivered: test.delivered}}.delay(test.err))
	}
}
