package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// TestMain is the program itself when the rehearsal starts it as a worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-role" {
		main()
		return
	}
	os.Exit(m.Run())
}

// site is a NATS server, a pod with the users 1 to 9, and a queue on which to publish.
type site struct {
	*testing.T
	nats  *natsServer
	pod   *symphonytest.Pod
	token string
	queue *queue
	args  []string
}

// newPod returns a pod with the users 1 to 9.
func newPod(t *testing.T, opts ...symphonytest.Option) *symphonytest.Pod {
	t.Helper()
	pod := symphonytest.NewPod(opts...)
	t.Cleanup(pod.Close)
	for id := range int64(9) {
		pod.AddUser(symphonytest.User{ID: id + 1})
	}
	return pod
}

func start(t *testing.T, ackWait time.Duration) *site {
	t.Helper()
	s := &site{T: t, pod: newPod(t), args: []string{"-partitions", "4", "-ack-wait", ackWait.String()}}
	s.token = s.pod.IssueToken("presence-bot")
	var err error
	s.nats, err = startNATS()
	require.NoError(t, err)
	t.Cleanup(s.nats.Close)
	settings := settings{name: "test", natsURL: s.nats.server.ClientURL(), partitions: 4, replicas: 1, ackWait: ackWait}
	s.queue, err = openQueue(t.Context(), settings, newScreen("test", io.Discard))
	require.NoError(t, err)
	t.Cleanup(s.queue.conn.Close)
	return s
}

func (s *site) publish(id string, user int64, category symphony.PresenceCategory) (sequence uint64) {
	s.Helper()
	sequence, err := s.queue.publish(s.Context(), update{ID: id, UserID: user, Category: category})
	require.NoError(s, err)
	return sequence
}

func (s *site) env(token string) func(string) string {
	return func(name string) string {
		return map[string]string{
			"NATS_URL": s.nats.server.ClientURL(), "SYMPHONY_POD_URL": s.pod.URL(), "SYMPHONY_SESSION_TOKEN": token,
		}[name]
	}
}

// running is a worker in this process.
type running struct {
	site   *site
	stop   context.CancelFunc
	exit   chan int
	stderr *buffer
}

func (s *site) work(args ...string) *running {
	ctx, stop := context.WithCancel(s.Context())
	r := &running{site: s, stop: stop, exit: make(chan int, 1), stderr: new(buffer)}
	go func() { r.exit <- run(ctx, append(s.args, args...), s.env(s.token), strings.NewReader(""), r.stderr) }()
	s.Cleanup(func() {
		stop()
		r.exit <- <-r.exit
	})
	return r
}

// end ends the worker, which must succeed.
func (r *running) end() {
	r.site.Helper()
	r.stop()
	require.Equal(r.site, 0, r.code(), r.stderr)
}

// code waits for the exit code.
func (r *running) code() int {
	r.site.Helper()
	r.site.eventually(func() bool { return len(r.exit) > 0 })
	code := <-r.exit
	r.exit <- code
	return code
}

// empty waits until all updates are applied or buried.
func (s *site) empty() {
	s.Helper()
	s.left(0)
}

// left waits until so many updates are left, twice, so that the consumers know of all.
func (s *site) left(updates int) {
	s.Helper()
	before := -1
	s.eventually(func() bool {
		waiting, err := s.queue.waiting(s.Context())
		if err != nil {
			waiting = -1 // NATS is away
		}
		twice := waiting == updates && before == updates
		before = waiting
		return twice
	})
}

func (s *site) eventually(condition func() bool) {
	s.Helper()
	require.Eventually(s, condition, 30*time.Second, 10*time.Millisecond)
}

// sent lists what the pod was asked for, with the statuses, in order.
func (s *site) sent() (updates []update, statuses []int) {
	for _, request := range s.pod.Requests() {
		_, _, u := sentBy(request)
		updates, statuses = append(updates, u), append(statuses, request.Status)
	}
	return updates, statuses
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
