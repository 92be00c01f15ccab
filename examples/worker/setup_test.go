package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// limit changes the stream as an operator would.
func (s *site) limit(change func(*jetstream.StreamConfig)) {
	s.Helper()
	config := s.queue.stream.CachedInfo().Config
	change(&config)
	_, err := s.queue.js.UpdateStream(s.Context(), config)
	require.NoError(s, err)
}

// Limits that would lose updates are refused, and named.
func TestChangedStream(t *testing.T) {
	t.Parallel()
	for text, change := range map[string]func(*jetstream.StreamConfig){
		"the maximum age is 1h0m0s and must be 0s":               func(c *jetstream.StreamConfig) { c.MaxAge, c.Duplicates = time.Hour, 10*time.Minute },
		"the discard policy is DiscardOld and must be":           func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"the maximum of messages per subject is 1 and must be 0": func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
		"the duplicate window is 1m0s and must be 10m0s":         func(c *jetstream.StreamConfig) { c.Duplicates = time.Minute },
		"the subjects is presence.set.* other and must be":       func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "other") },
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := start(t, time.Minute)
			s.limit(change)
			w := s.work()
			require.Equal(t, cli.ExitUsage, w.code(), w.stderr)
			require.Contains(t, w.stderr.String(), "the stream PRESENCE: "+text)
			require.Equal(t, 1, strings.Count(w.stderr.String(), "\n"), "one line")
		})
	}
}

// A full stream makes producers wait, and loses nothing.
func TestHarmlessLimits(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	s.limit(func(c *jetstream.StreamConfig) { c.MaxBytes, c.MaxMsgs, c.MaxMsgSize = 1<<20, 1000, 1<<10 })
	s.publish("1", 1, symphony.PresenceBusy)
	w := s.work()
	s.empty()
	w.end()
}

func TestChangedConsumer(t *testing.T) {
	t.Parallel()
	s := start(t, time.Minute)
	config := s.queue.consumers[3].CachedInfo().Config
	config.MaxAckPending = 2
	_, err := s.queue.stream.UpdateConsumer(t.Context(), config)
	require.NoError(t, err)
	w := s.work()
	require.Equal(t, cli.ExitUsage, w.code(), w.stderr)
	require.Contains(t, w.stderr.String(), "the consumer partition-3: the maximum of pending acknowledgements is 2 and must be 1")
}

func user(name string, allowed, deniedSubjects []string) *server.User {
	return &server.User{Username: name, Password: "s3cret", Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: allowed, Deny: deniedSubjects},
		Subscribe: &server.SubjectPermission{Allow: []string{">"}},
	}}
}

// A user of NATS who may not create streams gets a clear line at once, and can work with
// those that somebody else has created. So does one who may not take updates.
func TestPermissions(t *testing.T) {
	t.Parallel()
	n, err := startNATS(
		user("operator", []string{">"}, nil),
		user("guest", []string{">"}, []string{"$JS.API.STREAM.CREATE.>", "$JS.API.CONSUMER.CREATE.>"}),
		user("reader", []string{"$JS.API.STREAM.INFO.>", "$JS.API.CONSUMER.INFO.>"}, nil),
	)
	require.NoError(t, err)
	t.Cleanup(n.Close)
	s := &site{T: t, nats: n, pod: newPod(t)}
	as := func(name string) settings {
		return settings{
			name: name, natsURL: strings.Replace(n.server.ClientURL(), "://", "://"+name+":s3cret@", 1),
			partitions: 4, replicas: 1, ackWait: minAckWait,
		}
	}
	run := func(name, role string, stdin io.Reader) (code int, stderr string, took time.Duration) {
		began, out := time.Now(), new(buffer)
		code = run(t.Context(), []string{"-partitions", "4", "-ack-wait", minAckWait.String(), "-role", role}, func(variable string) string {
			if variable == "NATS_URL" {
				return as(name).natsURL
			}
			return s.env(s.pod.IssueToken("presence-bot"))(variable)
		}, stdin, out)
		return code, out.String(), time.Since(began)
	}
	line := `{"id":"1","userId":1,"category":"BUSY"}`

	for _, role := range []string{"worker", producer} {
		code, stderr, took := run("guest", role, strings.NewReader(line))
		require.Equal(t, cli.ExitForbidden, code, stderr)
		require.Contains(t, stderr, `permissions violation: Permissions Violation for Publish to "$JS.API.STREAM.CREATE.PRESENCE"`)
		require.NotContains(t, stderr, "s3cret")
		require.Less(t, took, 2*responseWait)
	}

	s.queue, err = openQueue(t.Context(), as("operator"), newScreen("operator", io.Discard))
	require.NoError(t, err)
	t.Cleanup(s.queue.conn.Close)
	code, stderr, _ := run("guest", producer, strings.NewReader(line))
	require.Equal(t, cli.ExitOK, code, stderr)
	s.left(1)

	code, stderr, _ = run("reader", producer, strings.NewReader(line))
	require.Equal(t, cli.ExitForbidden, code, stderr)
	require.Contains(t, stderr, `Permissions Violation for Publish to "presence.set.1"`)
	code, stderr, _ = run("reader", "worker", strings.NewReader(""))
	require.Equal(t, cli.ExitForbidden, code, stderr)
	require.Contains(t, stderr, `Permissions Violation for Publish to "$JS.API.CONSUMER.MSG.NEXT.PRESENCE.`)
	s.left(1)

	code, stderr, _ = run("stranger", "worker", strings.NewReader(""))
	require.Equal(t, cli.ExitForbidden, code, stderr)
}
