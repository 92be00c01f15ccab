package symphonytest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestTokens(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online))
		first, second := pod.IssueToken("admin"), pod.IssueToken("admin")
		require.NotEqual(t, first, second)
		pod.RevokeToken(first)
		require.Equal(t, 401, setBusy(t, pod, first).status)
		require.Equal(t, 200, setBusy(t, pod, second).status)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%t"} {
			require.NotContains(t, fmt.Sprintf(verb+verb, pod, *pod), second)
		}
		pod.RevokeTokens()
		require.Equal(t, 401, setBusy(t, pod, second).status)
	})
}

func TestOwnHandlers(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online))
		token := pod.IssueToken("admin")
		reply := func(text string) func(http.ResponseWriter, *http.Request) {
			return func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				_, _ = io.WriteString(w, text+string(body))
			}
		}
		pod.HandleFunc("POST /pod/v3/user/presence", reply("first "))
		require.Equal(t, "first "+busy, setBusy(t, pod, token).body)
		pod.HandleFunc("POST /pod/v3/user/{what}", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.PathValue("what"))
		})
		require.Equal(t, "presence", setBusy(t, pod, token).body)
		pod.HandleFunc("POST /pod/v3/user/presence", reply("second "))
		require.Equal(t, "second "+busy, setBusy(t, pod, token).body, "the newer one serves")
		pod.Fail(symphonytest.Fault{Status: 500})
		require.Equal(t, 500, setBusy(t, pod, token).status)
	})
}

func TestOptionsThatAreNil(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t, nil, symphonytest.WithClock(nil), symphonytest.WithoutNetwork(), user(1, symphonytest.Online))
	require.Equal(t, 200, setBusy(t, pod, pod.IssueToken("admin")).status)
}

func TestBodyThatIsTooLarge(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start()
		got, err := request{path: setPath, body: strings.Repeat("x", 17<<20)}.send(t, pod)
		if err == nil { // else the pod closed the connection while the rest was sent
			require.Equal(t, 400, got.status)
		}
	})
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for name, pod := range map[string]*symphonytest.Pod{
		"http://127.0.0.1:":  symphonytest.New(t),
		"https://127.0.0.1:": symphonytest.New(t, symphonytest.WithTLS()),
		"https://pod":        symphonytest.New(t, symphonytest.WithoutNetwork()),
	} {
		for suffix, url := range map[string]string{"/pod": pod.URL(), "/login": pod.LoginURL(), "/sessionauth": pod.SessionAuthURL()} {
			require.True(t, strings.HasPrefix(url, name), url)
			require.True(t, strings.HasSuffix(url, suffix), url)
		}
	}
}

// A client that was not given pod.Client() reads in its error what is missing.
func TestClientThatIsNotThePods(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(symphonytest.WithoutNetwork(), user(1, symphonytest.Online))
		client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken("any"),
			symphony.WithHTTPClient(&http.Client{Transport: &http.Transport{}})) // without a proxy of the environment
		require.NoError(t, err)
		_, err = client.SetUserPresence(t.Context(), 1, symphony.PresenceBusy, false)
		require.ErrorContains(t, err, "has-no-network-and-is-reached-only-by-the-HTTP-client-from-pod.Client.invalid")
		var unknown *net.DNSError
		require.ErrorAs(t, err, &unknown)
		require.True(t, unknown.IsNotFound)
		require.Empty(t, unknown.Server, "no name server was asked")
		require.Empty(t, pod.Requests())
	})
}

// inOwnProcess runs the test in a process of its own, and returns what that printed. In that
// process it returns false.
func inOwnProcess(t *testing.T) (output string, first bool) {
	t.Helper()
	const variable = "SYMPHONYTEST_PROCESS"
	if os.Getenv(variable) != "" {
		return "", false
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"=1")
	printed, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", printed)
	return string(printed), true
}

// A handler that panics is a fault of the test, which would see only a broken connection.
func TestPanicOfAHandlerIsPrinted(t *testing.T) {
	if output, first := inOwnProcess(t); first {
		require.Equal(t, 1, strings.Count(output, "symphonytest: a handler panicked: out of range\n"), output)
		require.Contains(t, output, "pod_test.go:")
		return
	}
	for _, value := range []any{http.ErrAbortHandler, "out of range"} {
		pod := symphonytest.New(t)
		pod.HandleFunc("GET /pod/v1/x", func(http.ResponseWriter, *http.Request) { panic(value) })
		_, err := pod.Client().Get(pod.URL() + "/v1/x")
		require.ErrorIs(t, err, io.EOF)
	}
}

// TestLookupsInBubbles is about the first lookups of a process, so it runs in one of its own.
func TestLookupsInBubbles(t *testing.T) {
	if _, first := inOwnProcess(t); first {
		return
	}
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			pod := symphonytest.New(t, symphonytest.WithoutNetwork())
			_, err := (&http.Client{Transport: &http.Transport{}}).Get(pod.URL())
			require.ErrorContains(t, err, "no such host")
		})
	}
}

// The client of a pod without a network reaches nothing else.
func TestClientReachesOnlyItsPod(t *testing.T) {
	t.Parallel()
	other := symphonytest.New(t)
	pod := symphonytest.New(t, symphonytest.WithoutNetwork())
	for _, url := range []string{other.URL(), symphonytest.New(t, symphonytest.WithoutNetwork()).URL(), "https://acme.symphony.com/pod"} {
		resp, err := pod.Client().Get(url)
		if err == nil {
			_ = resp.Body.Close()
		}
		require.ErrorContains(t, err, "the client of a pod reaches nothing but that pod")
	}
	require.Empty(t, other.Requests())
	transport, ok := pod.Client().Transport.(*http.Transport)
	require.True(t, ok)
	require.Nil(t, transport.Proxy)
}

func TestManyCallsAtOnce(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online))
		token := pod.IssueToken("admin")
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				got, err := request{path: setPath, token: token, body: busy}.send(t, pod)
				if err != nil || got.status != 200 {
					t.Errorf("%d %v", got.status, err)
				}
			})
		}
		group.Wait()
		require.Len(t, pod.Requests(), 100)
	})
}

// A client that sends requests and reads no response keeps no one else waiting.
func TestClientThatDoesNotRead(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start()
		for id := range int64(5000) {
			pod.AddUser(symphonytest.User{ID: id + 1})
		}
		token := pod.IssueToken("admin")
		list := request{method: http.MethodGet, path: "/v2/users/presence?limit=5000", token: token}
		pod.ClearRequests()
		for range 20 {
			resp, err := list.begin(t, pod) // larger than what is buffered on the way
			require.NoError(t, err)
			defer resp.Body.Close()
		}
		require.Equal(t, 404, request{path: setPath, token: token, body: `{"category":"BUSY","userId":9999}`}.mustSend(t, pod).status)
	})
}

// A closed pod leaves nothing behind.
func TestCloseLeavesNoGoroutine(t *testing.T) { //nolint:paralleltest // it counts goroutines
	for _, opts := range [][]symphonytest.Option{
		nil,
		{symphonytest.WithTLS()},
		{symphonytest.WithoutNetwork()},
		{symphonytest.WithoutNetwork(), symphonytest.WithTLS()},
	} {
		before := runtime.NumGoroutine()
		pod := symphonytest.NewPod(opts...)
		pod.Fail(symphonytest.Fault{Delay: time.Hour, Times: 5})
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				resp, err := pod.Client().Get(pod.URL())
				if err == nil {
					_ = resp.Body.Close()
				}
			})
		}
		for len(pod.Requests()) < 20 {
			runtime.Gosched()
		}
		pod.Close()
		group.Wait()
		for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				require.Fail(t, "goroutines are left", "%s", stacks[:runtime.Stack(stacks, true)])
			}
		}
	}
}

func TestManyPods(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			pod := symphonytest.NewPod(symphonytest.WithoutNetwork(), user(1, symphonytest.Online))
			defer pod.Close()
			got, err := request{path: setPath, token: pod.IssueToken("admin"), body: busy}.send(t, pod)
			if err != nil || got.status != 200 {
				t.Errorf("%d %v", got.status, err)
			}
		})
	}
	group.Wait()
}
