package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// run runs the service until stop is called, which returns how it ended.
func (o *office) run(longestCall time.Duration) (phone *telephone, stop func() error) {
	o.Helper()
	ctx, cancel := context.WithCancel(o.Context())
	listening, log := make(chan string, 1), &buffer{}
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "address" {
			listening <- a.Value.String()
		}
		return a
	}}))
	s := settings{signer: testSigner, listen: "127.0.0.1:0", database: o.path + ".service", longestCall: longestCall, queue: 10, concurrency: 2}
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, s, auth.Config{PodURL: o.pod.URL(), SessionToken: o.token}, logger)
	}()
	phone = &telephone{signer: testSigner}
	select {
	case address := <-listening:
		phone.address.Store(&address)
	case err := <-ended:
		require.NoError(o, err, log)
	}
	o.Cleanup(cancel)
	return phone, func() error {
		cancel()
		return <-ended
	}
}

func (o *office) eventually(condition func() bool) {
	o.Helper()
	require.Eventually(o, condition, 20*time.Second, 5*time.Millisecond)
}

// An event that was accepted while another is in progress is acted on after a restart, and
// the call in progress is completed.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	arrived, open := make(chan struct{}, 10), make(chan struct{})
	o.pod.HandleFunc("GET /pod/v3/user/{user}/presence", func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-open
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"category":"BUSY"}`))
	})
	phone, stop := o.run(time.Hour)
	for _, id := range []int64{1, 2, 3} { // two at a time: the third waits
		require.NoError(t, phone.send(t.Context(), event{Call: "a", UserID: id, State: answered}, 0))
	}
	<-arrived
	<-arrived
	ended := make(chan error)
	go func() { ended <- stop() }()
	o.eventually(func() bool { // it no longer listens
		_, err := phone.try(t.Context(), []byte(`{}`), 0)
		return err != nil
	})
	close(open)
	require.NoError(t, <-ended)
	require.Equal(t, []string{"ON_THE_PHONE", "ON_THE_PHONE"}, o.sets())

	_, stop = o.run(time.Hour)
	o.eventually(func() bool { return len(o.sets()) == 3 })
	require.NoError(t, stop())
}

func TestLongestCall(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	phone, stop := o.run(time.Hour)
	require.NoError(t, phone.send(t.Context(), event{Call: "a", Email: "ann@acme.com", State: answered}, 0))
	o.eventually(func() bool { return o.shows(1) == symphony.PresenceOnThePhone })
	require.NoError(t, stop())
	_, stop = o.run(time.Millisecond)
	o.eventually(func() bool { return o.shows(1) == symphony.PresenceBusy })
	require.NoError(t, stop())
}

func TestAServiceThatCannotListenEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	address := strings.TrimPrefix(strings.TrimSuffix(o.pod.URL(), "/pod"), "http://")
	s := settings{signer: testSigner, listen: address, database: o.path + ".service", longestCall: time.Hour, queue: 10, concurrency: 2}
	err := serve(t.Context(), s, auth.Config{PodURL: o.pod.URL(), SessionToken: o.token}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "address already in use")
}
