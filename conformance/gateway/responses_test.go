//go:build unix

package gateway_test

import (
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// TestCalls makes the calls over HTTP/1.1 and HTTP/2, on connections that the gateway
// ends after a few requests.
func TestCalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		protocol string
		http1    bool
	}{{"HTTP/2.0", false}, {"HTTP/1.1", true}} {
		for _, keepAlive := range []string{"keepalive_requests 1000;", "keepalive_requests 3;", "keepalive_requests 1;"} {
			t.Run(test.protocol+" "+keepAlive, func(t *testing.T) {
				t.Parallel()
				pod, address := newPod(t, 20)
				g := start(t, setup{Upstream: address, HTTP1: test.http1, Server: keepAlive})
				transport := g.transport(t)
				client := g.client(t, transport, pod.IssueToken("admin"), 4)
				ctx := t.Context()

				for id := range int64(20) {
					presence, err := client.SetUserPresence(ctx, id+1, symphony.PresenceBusy, false)
					require.NoError(t, err)
					require.Equal(t, symphony.PresenceBusy, presence.Category)
				}
				page, err := client.ListPresences(ctx, 0, 5000)
				require.NoError(t, err)
				require.Len(t, page, 21, "the 20 users, and the service user")
				feed, err := client.CreatePresenceFeed(ctx) //nolint:staticcheck // deprecated by Symphony, and still there
				require.NoError(t, err)
				require.Contains(t, feed, "/", "which is to reach the pod escaped")
				require.NoError(t, client.DeletePresenceFeed(ctx, feed)) //nolint:staticcheck // likewise
				_, err = client.GetUserPresence(ctx, 404, false)
				require.ErrorAs(t, err, new(*symphony.NotFoundError))

				require.Equal(t, map[string]int{test.protocol: 24}, transport.protocols, "one attempt for each call")
				require.Empty(t, transport.errors)
			})
		}
	}
}

// TestAuthority has a client that does not trust the gateway's authority.
func TestAuthority(t *testing.T) {
	t.Parallel()
	pod, address := newPod(t, 1)
	g := start(t, setup{Upstream: address})
	transport := symphony.NewTransport()
	_, err := g.client(t, transport, pod.IssueToken("admin"), 4).GetPresence(t.Context())
	require.ErrorAs(t, err, new(x509.UnknownAuthorityError))
	require.ErrorContains(t, err, "attempt 1 of 4")
	require.Empty(t, pod.Requests())
}

// TestClientCertificate asks for one.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	pod, address := newPod(t, 1)
	g := start(t, setup{Upstream: address, Server: "ssl_verify_client on;"})
	transport := g.transport(t)
	_, err := g.client(t, transport, pod.IssueToken("admin"), 4).GetPresence(t.Context())
	var refused *symphony.BadRequestError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "400 No required SSL certificate was sent", refused.Message)
	require.Equal(t, 1, refused.Attempts)

	certificate := g.ca.issue(t, x509.ExtKeyUsageClientAuth)
	_, err = g.client(t, transport.Transport, pod.IssueToken("admin"), 4, symphony.WithClientCertificate(certificate)).GetPresence(t.Context())
	require.NoError(t, err)
}

// TestGatewayResponses has the gateway respond by itself, with its own pages.
func TestGatewayResponses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		setup      setup
		status     int
		message    string
		attempts   int
		retryAfter time.Duration
		text       string
	}{
		{name: "pod is down", status: 502, message: "502 Bad Gateway", attempts: 3},
		{name: "maintenance", setup: setup{Location: "return 503;"}, status: 503, message: "503 Service Temporarily Unavailable", attempts: 3},
		{
			name:  "maintenance for an hour",
			setup: setup{Location: "add_header Retry-After 3600 always; return 503;"}, status: 503,
			message: "503 Service Temporarily Unavailable", attempts: 1, retryAfter: time.Hour,
		},
		{
			name:  "page of their own",
			setup: setup{Location: `default_type text/html; return 503 "<!DOCTYPE html><html><head><title>We are\n <b>back</b> soon &amp; better</title></head><body>x</body></html>";`}, status: 503,
			message: "We are back soon & better", attempts: 3,
		},
		{name: "no such path", setup: setup{Location: "return 404;"}, status: 404, message: "404 Not Found", attempts: 1, text: "does the base URL lack /pod?"},
		{name: "blocked", setup: setup{Location: "deny all;"}, status: 403, message: "403 Forbidden", attempts: 1},
		{name: "sign-on", setup: setup{Location: "return 302 https://login.acme.net/;"}, status: 302, message: "302 Found", attempts: 1, text: "this one leads to login.acme.net"},
		{name: "password", setup: setup{Location: `auth_basic "pods"; auth_basic_user_file ca.pem;`}, status: 401, message: "401 Authorization Required", attempts: 1},
		{name: "closed without a response", setup: setup{Location: "return 444;"}, attempts: 3},
	} {
		for _, http1 := range []bool{false, true} {
			protocol := map[bool]string{false: "HTTP/2", true: "HTTP/1.1"}[http1]
			t.Run(test.name+" "+protocol, func(t *testing.T) {
				t.Parallel()
				setup := test.setup
				setup.HTTP1 = http1
				g := start(t, setup)
				transport := g.transport(t)
				_, err := g.client(t, transport, "a-session-token", 3).SetUserPresence(t.Context(), 1, symphony.PresenceBusy, false)
				require.ErrorContains(t, err, test.text)
				require.Equal(t, test.attempts, transport.statuses[test.status]+len(transport.errors))
				if test.status == 0 {
					require.ErrorContains(t, err, "attempt 3 of 3")
					return
				}
				apiErr := requireError(t, test.status, err)
				require.Equal(t, test.message, apiErr.Message)
				require.Equal(t, test.attempts, apiErr.Attempts)
				require.Equal(t, test.retryAfter, apiErr.RetryAfter)
				require.NotContains(t, err.Error(), "<")
			})
		}
	}
}

// TestBodyLimit sends more than the gateway takes: a little, and much, so that the
// response arrives while the client still sends.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	for _, http1 := range []bool{false, true} {
		for _, n := range []int64{100, 1_000_000} {
			pod, address := newPod(t, 1)
			g := start(t, setup{Upstream: address, HTTP1: http1, Server: "client_max_body_size 100;"})
			transport := g.transport(t)
			client := g.client(t, transport, pod.IssueToken("admin"), 4)
			ids := make([]int64, n)
			for i := range ids {
				ids[i] = int64(i + 1)
			}
			err := client.RegisterPresenceInterest(t.Context(), ids...)
			apiErr := requireError(t, http.StatusRequestEntityTooLarge, err)
			require.Equal(t, "413 Request Entity Too Large", apiErr.Message)
			require.Equal(t, 1, apiErr.Attempts)
			require.NoError(t, client.RegisterPresenceInterest(t.Context(), 1), "the client goes on")
		}
	}
}

// requireError requires an error of the type that a status has.
func requireError(t *testing.T, status int, err error) *symphony.APIError {
	t.Helper()
	var want any
	switch status {
	case http.StatusUnauthorized:
		want = new(*symphony.UnauthorizedError)
	case http.StatusForbidden:
		want = new(*symphony.ForbiddenError)
	case http.StatusNotFound:
		want = new(*symphony.NotFoundError)
	case http.StatusTooManyRequests:
		want = new(*symphony.RateLimitError)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		want = new(*symphony.ServerError)
	default: // has no type of its own
		require.IsType(t, (*symphony.APIError)(nil), err)
		want = new(*symphony.APIError)
	}
	require.ErrorAs(t, err, want)
	var apiErr *symphony.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, status, apiErr.StatusCode)
	return apiErr
}
