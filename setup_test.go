package symphony_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// secret is the session token of the tests: it must never show.
const secret = "s3cr3t-session-token"

// static provides it.
var static = symphony.StaticSessionToken(secret)

const busy = `{"category":"BUSY","userId":42,"timestamp":1533928483800}`

// serve starts a server whose API is below a path that is not the root, so that an
// absolute path in the client fails, and gives a client of it.
func serve(t *testing.T, handler http.HandlerFunc, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	server := httptest.NewServer(http.StripPrefix("/gateway/pod", handler))
	t.Cleanup(server.Close)
	transport := symphony.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	opts = append([]symphony.Option{symphony.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	return newClient(t, server.URL+"/gateway/pod", static, opts...)
}

// newClient is how the tests make every client.
func newClient(t *testing.T, base string, tokens symphony.SessionTokenProvider, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	client, err := symphony.NewClient(base, tokens, opts...)
	require.NoError(t, err)
	return client
}

// connect starts a pod without a network, and makes a client with the "User Provisioning"
// entitlement.
func connect(t *testing.T, opts ...symphonytest.Option) (*symphonytest.Pod, *symphony.Client) {
	t.Helper()
	pod := symphonytest.New(t, append(opts, symphonytest.WithoutNetwork())...)
	tokens := symphony.StaticSessionToken(pod.IssueToken("calendar"))
	return pod, newClient(t, pod.URL(), tokens, symphony.WithHTTPClient(pod.Client()))
}

// setBusy makes the main call.
func setBusy(t *testing.T, client *symphony.Client) error {
	t.Helper()
	presence, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false)
	if err != nil {
		require.Nil(t, presence)
	}
	return err
}

// respond is a handler that always sends the same response.
func respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// once is a policy that never tries again.
var once = symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1})

// roundTrips is a fake transport, for tests in a synctest bubble.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	return f(r)
}

// fake is a client over a fake transport.
func fake(t *testing.T, f roundTrips, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	return newClient(t, "https://acme.symphony.com/pod", static, append([]symphony.Option{symphony.WithHTTPClient(&http.Client{Transport: f})}, opts...)...)
}

// response is a response of a fake transport. Like many mocks it leaves
// ContentLength 0.
func response(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// requireNoSecret looks for the token in everything that fmt makes of the values.
func requireNoSecret(t *testing.T, values ...any) {
	t.Helper()
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%e", "%c", "%U"} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, secret, verb)
			require.NotContains(t, text, fmt.Sprintf("%x", secret), verb)
		}
	}
}

// record is a handler's response to a request of a fake transport.
func record(handler http.HandlerFunc, r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.Body = http.NoBody
	handler(recorder, r)
	return recorder.Result()
}
