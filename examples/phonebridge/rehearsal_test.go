package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestRehearsal(t *testing.T) {
	t.Parallel()
	r := shortRehearsal(t)
	r.kills, r.outage, r.patience = 2, time.Second, 20*time.Second
	result, err := r.run(t.Context())
	require.NoError(t, err, r.out)
	require.Zero(t, result.faults(), "seed %d: %v\n%v", r.seed, result, r.out)
	require.Positive(t, result.reverted)
	require.Positive(t, result.left)
	require.NoDirExists(t, r.dir)
}

func shortRehearsal(t *testing.T) *rehearsal {
	t.Helper()
	return &rehearsal{
		seed: 7, people: 30, spread: 2 * time.Second, patience: 4 * time.Second, out: &buffer{}, phone: http.DefaultTransport,
	}
}

// What the service does wrong is found. It does nothing wrong by itself: something in
// between does.
func TestSabotage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		sabotage func(*testing.T, *rehearsal)
		want     string // in the last line
	}{
		{"a revert", sabotageRevert, "stuck 1, overwritten 0, lost 0"},
		{"a choice", sabotageChoice, "stuck 0, overwritten 1, lost 0"},
		{"an event", sabotageEvent, "stuck 0, overwritten 0, lost 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := shortRehearsal(t)
			test.sabotage(t, r)
			stdout := &buffer{}
			err := r.report(t.Context(), stdout, r.out)
			require.ErrorIs(t, err, errBroken)
			require.Equal(t, exitFailed, exitCode(t.Context(), err))
			require.Regexp(t, `^events \d+, changed \d+, reverted \d+, left to the user \d+, `+test.want+`\n$`, stdout.String())
		})
	}
}

// sabotagePod puts a handler in front of the pod, which may respond to a request itself.
func sabotagePod(t *testing.T, r *rehearsal, handle func(w http.ResponseWriter, request *http.Request, body []byte) (handled bool)) {
	t.Helper()
	r.podURL = sync.OnceValue(func() string {
		origin, err := url.Parse(strings.TrimSuffix(r.pod.URL(), "/pod"))
		require.NoError(t, err)
		proxy := httputil.NewSingleHostReverseProxy(origin)
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			body, _ := io.ReadAll(request.Body)
			request.Body = io.NopCloser(bytes.NewReader(body))
			if !handle(w, request, body) {
				proxy.ServeHTTP(w, request)
			}
		}))
		t.Cleanup(front.Close)
		return front.URL + "/pod"
	})
}

// sabotageRevert responds to one revert as the pod would, and does nothing.
func sabotageRevert(t *testing.T, r *rehearsal) {
	var done atomic.Bool
	sabotagePod(t, r, func(w http.ResponseWriter, request *http.Request, body []byte) bool {
		if request.URL.Path != "/pod/v3/user/presence" || bytes.Contains(body, []byte("ON_THE_PHONE")) || done.Swap(true) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
		return true
	})
}

// sabotageChoice replaces what one user chose during their only call.
func sabotageChoice(t *testing.T, r *rehearsal) {
	var done atomic.Bool
	sabotagePod(t, r, func(_ http.ResponseWriter, request *http.Request, _ []byte) bool {
		victim := r.actors[slices.IndexFunc(r.actors, func(a *actor) bool {
			return len(a.episodes) == 1 && a.episodes[0].kind == chosen && a.episodes[0].chooses == ""
		})]
		hasChosen := slices.ContainsFunc(r.pod.Requests(), func(r symphonytest.Request) bool { return r.Header.Get("Sessiontoken") == victim.token })
		if hasChosen && !done.Swap(true) {
			client, err := symphony.NewClient(r.pod.URL(), symphony.StaticSessionToken(request.Header.Get("Sessiontoken")))
			if assert.NoError(t, err) {
				_, err = client.SetUserPresence(request.Context(), victim.user.ID, symphony.PresenceOutOfOffice, true)
				assert.NoError(t, err)
			}
		}
		return false
	})
}

// sabotageEvent has one event accepted by nobody.
func sabotageEvent(_ *testing.T, r *rehearsal) {
	r.phone = roundTripper(func(request *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(request.Body)
		request.Body = io.NopCloser(bytes.NewReader(body))
		var e event
		_ = json.Unmarshal(body, &e)
		for _, a := range r.actors {
			if a.episodes[0].kind == plain {
				if e.Call == "call-"+string(personWithID(a.user.ID))+"-0" && e.State == answered {
					return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Request: request}, nil
				}
				break
			}
		}
		return http.DefaultTransport.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
