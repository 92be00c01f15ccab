package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	const nats = "NATS_URL=nats://127.0.0.1:1"
	for _, test := range []struct {
		name string
		args []string
		env  []string
		code int
		text string
	}{
		{"help", []string{"-h"}, nil, cli.ExitOK, "NATS_CREDS"},
		{"help on the pod", []string{"-h"}, nil, cli.ExitOK, "SYMPHONY_PRIVATE_KEY"},
		{"unknown flag", []string{"-x"}, nil, cli.ExitUsage, "not defined"},
		{"argument", []string{"x"}, nil, cli.ExitUsage, `"x" is no flag`},
		{"role", []string{"-role", "boss"}, nil, cli.ExitUsage, `"boss" is neither`},
		{"partitions", []string{"-partitions", "0"}, nil, cli.ExitUsage, "above 0"},
		{"ack-wait", []string{"-ack-wait", "2s"}, nil, cli.ExitUsage, "at least 3s"},
		{"producer without NATS", []string{"-role", "producer"}, nil, cli.ExitUsage, "NATS_URL is not set"},
		{"a real pod without NATS", nil, []string{"SYMPHONY_POD_URL=https://acme.symphony.com/pod"}, cli.ExitUsage, "NATS_URL is not set"},
		{"NATS without a pod", nil, []string{nats}, cli.ExitUsage, "SYMPHONY_POD_URL is not"},
		{"NATS without a token", nil, []string{nats, "SYMPHONY_POD_URL=https://acme.symphony.com/pod"}, cli.ExitUsage, "SYMPHONY_SESSION_TOKEN"},
		{"NATS out of reach", []string{"-role", "producer"}, []string{nats}, cli.ExitLater, "no servers available"},
		{"NATS_URL with a password", []string{"-role", "producer"}, []string{"NATS_URL=nats://a:s3cret@[x"}, cli.ExitUsage, "NATS_URL: it is not a URL"},
		{"NATS_URL without a scheme", []string{"-role", "producer"}, []string{"NATS_URL=a:s3cret@x:y"}, cli.ExitUsage, "NATS_URL: it is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			stderr := new(buffer)
			code := run(t.Context(), test.args, func(name string) string {
				for _, pair := range test.env {
					if value, ok := strings.CutPrefix(pair, name+"="); ok {
						return value
					}
				}
				return ""
			}, strings.NewReader(""), stderr)
			require.Equal(t, test.code, code, stderr)
			require.Contains(t, stderr.String(), test.text)
			require.NotContains(t, stderr.String(), "s3cret")
		})
	}
}

// Two workers of one stream with different ideas of it would break the order.
func TestOtherSettingsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	for text, args := range map[string][]string{
		"the stream PRESENCE: the subject transform is presence.set.* to presence.set.{{partition(4,1)}}": {"-partitions", "5"},
		"the consumer partition-0: the acknowledgement wait is 1m0s and must be 30s":                      {"-ack-wait", "30s"},
	} {
		w := s.work(args...)
		require.Equal(t, cli.ExitUsage, w.code(), w.stderr)
		require.Contains(t, w.stderr.String(), text)
	}
}

func TestProducer(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	lines := `{"id":"1","userId":1,"category":"BUSY"}

{"id":"2","userId":1,"category":"AWAY","soft":true}
{"id":"2","userId":1,"category":"AWAY","soft":true}
{"id":"3","userId":0,"category":"AWAY"}
{"userId":1,"category":"AWAY"}
{"id":"4\n","userId":1,"category":"AWAY"}
user 1
`
	stderr := new(buffer)
	require.Equal(t, cli.ExitFailed, run(t.Context(), append(s.args, "-role", "producer"), s.env(""), strings.NewReader(lines), stderr))
	for _, line := range []string{"line 5: its userId is 0", "line 6: it has no id", "line 7: it has no id, or", "line 8: it is not the JSON", "3 published, 4 unreadable"} {
		require.Contains(t, stderr.String(), line)
	}
	w := s.work()
	s.empty()
	w.end()
	updates, _ := s.sent()
	require.Equal(t, []update{{UserID: 1, Category: symphony.PresenceBusy}, {UserID: 1, Category: symphony.PresenceAway}}, updates)
	require.Equal(t, []string{"true"}, s.pod.Requests()[1].Query["soft"])
}

// A producer goes on when NATS comes back.
func TestProducerOutlastsARestart(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.nats.stop()
	published := make(chan error, 1)
	go func() {
		_, err := s.queue.publish(t.Context(), update{ID: "1", UserID: 1, Category: symphony.PresenceBusy})
		published <- err
	}()
	require.Empty(t, published, "nobody can have stored it")
	require.NoError(t, s.nats.start())
	require.NoError(t, <-published)
	s.left(1)
}
