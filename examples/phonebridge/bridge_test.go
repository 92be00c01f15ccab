package main

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestACall(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.call("a", answered)
	o.settle()
	require.Equal(t, symphony.PresenceOnThePhone, o.shows(1))
	o.call("a", ended)
	o.settle()
	require.Equal(t, symphony.PresenceBusy, o.shows(1))
	o.settle()
	require.Equal(t, []string{"ON_THE_PHONE", "BUSY"}, o.sets())
}

func TestTwoCallsAreOnePresence(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, e := range []event{{Call: "a", State: answered}, {Call: "b", State: answered}, {Call: "a", State: ended}} {
		o.call(e.Call, e.State)
		o.settle()
		require.Equal(t, symphony.PresenceOnThePhone, o.shows(1))
	}
	o.call("b", ended)
	o.settle()
	require.Equal(t, []string{"ON_THE_PHONE", "BUSY"}, o.sets())
}

func TestWhatTheUserChoosesStays(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.call("a", answered)
	o.settle()
	o.chooses(symphony.PresenceInAMeeting)
	o.call("b", answered)
	o.settle()
	o.call("a", ended)
	o.call("b", ended)
	o.settle()
	require.Empty(t, o.sets())
	o.call("c", answered)
	o.settle()
	o.call("c", ended)
	o.settle()
	require.Equal(t, []string{"ON_THE_PHONE", "IN_A_MEETING"}, o.sets(), "the next call restores it")
}

func TestACallThatIsOverDoesNotShow(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.call("a", ended)
	o.call("a", answered)
	o.settle()
	require.Empty(t, o.pod.Requests())
}

// The response is lost, as if the process had been killed: the pod has applied the set.
func TestASetThatWasAppliedIsNotRepeated(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.pod.Fail(symphonytest.Fault{Method: http.MethodPost, CutBody: true})
	o.call("a", answered)
	require.Error(t, o.bridge.settle(t.Context(), "1"))
	o.settle()
	require.Equal(t, []string{"ON_THE_PHONE"}, o.sets())
	o.call("a", ended)
	o.settle()
	require.Equal(t, symphony.PresenceBusy, o.shows(1))
}

func TestASetThatWasNotAppliedIsRepeated(t *testing.T) {
	t.Parallel()
	for _, user := range []int64{1, 2, 3} { // busy, available, offline
		o := newOffice(t)
		o.pod.Fail(symphonytest.Fault{Method: http.MethodPost, Reset: true})
		o.happens(event{Call: "a", UserID: user, State: answered})
		require.Error(t, o.bridge.settle(t.Context(), personWithID(user)))
		require.NoError(t, o.bridge.settle(t.Context(), personWithID(user)))
		require.Equal(t, []string{"ON_THE_PHONE", "ON_THE_PHONE"}, o.sets())
	}
}

// Between a lost response and the next attempt the user has chosen something else.
func TestASetIsNotRepeatedOverAChoice(t *testing.T) {
	t.Parallel()
	for _, fault := range []symphonytest.Fault{{CutBody: true}, {Reset: true}} {
		o := newOffice(t)
		fault.Method = http.MethodPost
		o.pod.Fail(fault)
		o.call("a", answered)
		require.Error(t, o.bridge.settle(t.Context(), "1"))
		o.chooses(symphony.PresenceBeRightBack)
		o.settle()
		o.call("a", ended)
		o.settle()
		require.Empty(t, o.sets())
		require.Equal(t, symphony.PresenceBeRightBack, o.shows(1))
	}
}

func TestARevertWhoseResponseIsLost(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.call("a", answered)
	o.settle()
	o.call("a", ended)
	o.pod.Fail(symphonytest.Fault{Method: http.MethodPost, CutBody: true})
	require.Error(t, o.bridge.settle(t.Context(), "1"))
	o.chooses(symphony.PresenceInAMeeting)
	o.settle()
	require.Empty(t, o.sets())
}

// A revert may have been applied when the next call begins: that call shows all the same.
func TestACallDuringARevert(t *testing.T) {
	t.Parallel()
	for _, fault := range []symphonytest.Fault{{CutBody: true}, {Reset: true}} {
		o := newOffice(t)
		o.call("a", answered)
		o.settle()
		o.call("a", ended)
		fault.Method = http.MethodPost
		o.pod.Fail(fault)
		require.Error(t, o.bridge.settle(t.Context(), "1"))
		o.call("b", answered)
		o.settle()
		require.Equal(t, symphony.PresenceOnThePhone, o.shows(1))
		o.call("b", ended)
		o.settle()
		require.Equal(t, symphony.PresenceBusy, o.shows(1))
	}
}

func TestSomebodyWhoComesOnlineDuringACall(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.happens(event{Call: "a", UserID: 3, State: answered})
	require.NoError(t, o.bridge.settle(t.Context(), "3"))
	require.True(t, o.pod.SetActivity(3, symphonytest.Online))
	require.Equal(t, symphony.PresenceOnThePhone, o.shows(3))
	o.happens(event{Call: "a", UserID: 3, State: ended})
	require.NoError(t, o.bridge.settle(t.Context(), "3"))
	require.Equal(t, symphony.PresenceAvailable, o.shows(3))
}

func TestEmail(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.happens(event{Call: "a", Email: "Ann@acme.com", State: answered})
	require.NoError(t, o.bridge.settle(t.Context(), "ann@acme.com"))
	require.Equal(t, person("1"), take(t, o.bridge.queue))
	o.settle()
	require.Equal(t, symphony.PresenceOnThePhone, o.shows(1))
}

// The pod no longer sets the category that the user had.
func TestARefusedRevertSetsAvailable(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.pod.AddUser(symphonytest.User{ID: 1, Category: "AT_LUNCH"})
	o.call("a", answered)
	o.settle()
	o.call("a", ended)
	o.settle()
	require.Equal(t, []string{"ON_THE_PHONE", "AT_LUNCH", "AVAILABLE"}, o.sets())
	require.Contains(t, o.log.String(), "AVAILABLE is set instead")
}

// work has the bridge work until the queue is empty.
func (o *office) work(people ...person) {
	o.Helper()
	o.bridge.queue.add(people...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.bridge.work(o.Context())
	}()
	require.Eventually(o, func() bool { return o.bridge.queue.length() == 0 }, 20*time.Second, 5*time.Millisecond)
	o.bridge.queue.close()
	<-ended
}

func TestUnknownPeopleAreDropped(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.happens(event{Call: "a", UserID: 99, State: answered})
	o.happens(event{Call: "a", Email: "zoe@acme.com", State: answered})
	o.happens(event{Call: "a", Email: "@acme.com", State: answered}) // which the pod rejects
	o.work("99", "zoe@acme.com", "@acme.com")
	calls, changes, err := o.bridge.store.count(t.Context())
	require.NoError(t, err)
	require.Zero(t, calls+changes)
	require.Contains(t, o.log.String(), `"person":"zoe@acme.com"`)
	require.Contains(t, o.log.String(), `"person":"99"`)
}

// A 404 that is not the pod's, such as that of a gateway, drops nothing; nor does an outage.
func TestFailuresAreRepeated(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusServiceUnavailable, http.StatusUnauthorized} {
		o.pod.Fail(symphonytest.Fault{Status: status, Body: "<html>"})
	}
	o.pod.Fail(symphonytest.Fault{Reset: true})
	o.call("a", answered)
	o.work("1")
	require.Equal(t, symphony.PresenceOnThePhone, o.shows(1))
}

func TestIsUnknown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.bridge.client.GetUserPresence(t.Context(), 99, true)
	require.True(t, isUnknown(err), err)
	require.True(t, isUnknown(symphony.ErrUserNotFound))
	o.pod.Fail(symphonytest.Fault{Status: http.StatusNotFound, Body: "<html>"})
	_, err = o.bridge.client.GetUserPresence(t.Context(), 1, true)
	require.False(t, isUnknown(err), "it is of a gateway: %v", err)

	o.pod.Fail(symphonytest.Fault{Path: "/pubkey/authenticate", Status: http.StatusNotFound, Body: `{"code":404,"message":"Not found"}`})
	client, err := auth.NewClient(auth.Config{PodURL: o.pod.URL(), Username: "phonebridge", Key: testKey})
	require.NoError(t, err)
	_, err = client.GetUserPresence(t.Context(), 1, true)
	require.ErrorContains(t, err, "404")
	require.False(t, isUnknown(err), "it is of a login: %v", err)
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		err      error
		failures int
		from, to time.Duration
	}{
		{"first", errors.New("reset"), 1, 125 * time.Millisecond, 250 * time.Millisecond},
		{"third", errors.New("reset"), 3, 500 * time.Millisecond, time.Second},
		{"hundredth", errors.New("reset"), 100, 2500 * time.Millisecond, 5 * time.Second},
		{"asked for", &symphony.RateLimitError{APIError: symphony.APIError{RetryAfter: 7 * time.Second}}, 1, 7 * time.Second, 7 * time.Second},
		{"asked for a day", &symphony.ServerError{APIError: symphony.APIError{RetryAfter: 24 * time.Hour}}, 1, time.Minute, time.Minute},
	} {
		for range 100 {
			delay := backoff(test.err, test.failures)
			require.GreaterOrEqual(t, delay, test.from, test.name)
			require.LessOrEqual(t, delay, test.to, test.name)
		}
	}
}
