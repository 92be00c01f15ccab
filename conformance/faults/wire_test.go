package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// scenarios counts what the tests have shown.
var scenarios atomic.Int32

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		fmt.Printf("faults: %d scenarios on the wire: outcome, attempts and time as promised, no goroutine left\n", scenarios.Load())
	}
	os.Exit(code)
}

// attempts is how often the tests' clients send a call.
const attempts = 3

// wire is a pod, a proxy in front of it that can be made to fail, and a client.
type wire struct {
	ctx    context.Context // of the calls; it does not end before the goroutines are counted
	pod    *symphonytest.Pod
	proxy  *toxiproxy.Proxy
	client *symphony.Client
	count  counter
}

// newWire connects a client to a pod that has the users 1 to n. When the test ends, all of
// it is closed, and no goroutine may be left: so tests on a wire are not parallel.
func newWire(t *testing.T, users int, opts ...symphony.Option) *wire {
	t.Helper()
	return connect(t, symphonytest.NewPod(), symphony.NewTransport(), users, opts...)
}

// connect puts a proxy between a pod, with the users 1 to n, and a client.
func connect(t *testing.T, pod *symphonytest.Pod, transport *http.Transport, users int, opts ...symphony.Option) *wire {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	t.Cleanup(func() { requireNoGoroutine(t) })
	t.Cleanup(pod.Close)
	t.Cleanup(transport.CloseIdleConnections)
	for id := range users {
		pod.AddUser(symphonytest.User{ID: int64(id) + 1})
	}
	podURL, err := url.Parse(pod.URL())
	require.NoError(t, err)

	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	w := &wire{ctx: ctx, pod: pod}
	w.proxy = toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", podURL.Host)
	require.NoError(t, w.proxy.Start())
	t.Cleanup(w.proxy.Stop)

	podURL.Host = w.proxy.Listen
	w.client, err = symphony.NewClient(podURL.String(), symphony.StaticSessionToken(pod.IssueToken("bot")), append([]symphony.Option{
		symphony.WithHTTPClient(&http.Client{Transport: transport}),
		symphony.WithObserver(w.count.observe),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: attempts, MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond}),
	}, opts...)...)
	require.NoError(t, err)
	scenarios.Add(1)
	return w
}

// requireNoGoroutine waits until no goroutine is left but those of toxiproxy's links,
// which end when their last delay has passed, or never if no one reads from them any more.
func requireNoGoroutine(t *testing.T) {
	t.Helper()
	const toxiproxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyNone(t,
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).write"),
		goleak.IgnoreAnyFunction(toxiproxy+"/toxics.(*ToxicStub).Run"))
}

// poison adds toxics, written as toxiproxy's API takes them.
func (w *wire) poison(t *testing.T, toxics ...string) {
	t.Helper()
	for _, toxic := range toxics {
		_, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
		require.NoError(t, err)
	}
}

// heal takes all toxics away, and has the pod come back.
func (w *wire) heal() error {
	w.proxy.Toxics.ResetToxics(context.Background())
	w.pod.ClearFaults()
	if err := w.proxy.Start(); !errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
		return err
	}
	return nil
}

// counter counts the attempts of a client.
type counter struct {
	attempts atomic.Int32
	again    func() // called before each attempt but the first; nil for nothing
}

func (c *counter) observe(_ context.Context, a symphony.Attempt) {
	c.attempts.Add(1)
	if !a.Last && c.again != nil {
		c.again()
	}
}
