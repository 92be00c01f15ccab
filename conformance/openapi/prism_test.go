//go:build unix

package openapi_test

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/conformance/internal/server"
)

// prismCommand is where .ci/run installs Prism, a mock server of Stoplight's.
const prismCommand = "../.prism/node_modules/.bin/prism"

// largest is the largest user id that Prism takes: it counts in floating point.
const largest = 1<<53 - 1

// TestPrism makes every call to a server that knows nothing but the description: it
// responses with the examples, and refuses a request that does not conform.
func TestPrism(t *testing.T) {
	t.Parallel()
	origin, c := startPrism(t), newCredentials(t)
	sdkOf := func(t *testing.T, opts ...symphony.Option) *sdk {
		return newSDK(t, largest, origin, origin, origin, "a-session-token", c, opts...)
	}
	for operation, call := range calls {
		require.NoError(t, call(t.Context(), sdkOf(t)), operation)
	}
	examples(t, sdkOf(t))

	errors := 0
	for _, operation := range operations(load(t, "")) {
		for status, response := range operation.Responses.Map() {
			if strings.HasPrefix(status, "2") {
				continue
			}
			t.Run(operation.OperationID+" "+status, func(t *testing.T) {
				_, code, message := faultOf(t, response.Value)
				if response.Value.Content == nil { // Prism sends none either
					message = ""
				}
				want, err := strconv.Atoi(status)
				require.NoError(t, err)
				err = calls[operation.OperationID](t.Context(), sdkOf(t, symphony.WithHeader("Prefer", "code="+status)))
				found := requireErrorOf(t, want, err)
				require.Equal(t, want, found.StatusCode)
				require.Equal(t, code, found.Code)
				require.Equal(t, message, found.Message)
			})
			errors++
		}
	}
	refusedByPrism(t, sdkOf(t))
	t.Logf("prism: %d calls and %d errors of the description come back as they should", len(calls), errors)
}

// examples holds what the SDK makes of the responses to the examples that they are.
func examples(t *testing.T, s *sdk) {
	ctx := t.Context()
	available := symphony.V2Presence{
		Category: symphony.PresenceAvailable, UserID: 68719476742,
		Timestamp: symphony.Timestamp{Time: time.UnixMilli(1533928483800).UTC()},
	}
	set, err := s.SetUserPresence(ctx, 1, symphony.PresenceBusy, true)
	require.NoError(t, err)
	require.Equal(t, available, *set)
	listed, err := s.ListPresences(ctx, 1, 5000)
	require.NoError(t, err)
	require.Equal(t, available, listed[0])
	require.Equal(t, []int64{68719476742, 68719476743}, ids(listed))
	all := 0
	for _, err := range s.AllPresences(ctx) {
		require.NoError(t, err)
		all++
	}
	require.Equal(t, 2, all, "although Prism's pages never end")
	users := slices.Collect(s.UsersByEmail(ctx, slices.Values([]string{"jane@acme.com", "jane@", "john@acme.com"})))
	require.Equal(t, symphony.User{
		ID: 68719476742, EmailAddress: "jane@acme.com", Username: "jane", DisplayName: "Jane Doe", FirstName: "Jane", LastName: "Doe",
		Company: "Acme", AccountType: symphony.AccountNormal,
	}, *users[0].User)
	require.ErrorContains(t, users[1].Err, "invalid.format")
	require.ErrorIs(t, users[2].Err, symphony.ErrUserNotFound)
	feed, err := s.CreatePresenceFeed(ctx) //nolint:staticcheck // deprecated by Symphony, and still there
	require.NoError(t, err)
	require.Equal(t, "c4dca251-8639-48db-a9d4-f387089e17cf", feed)
}

// refusedByPrism shows that Prism looks at what it is sent.
func refusedByPrism(t *testing.T, s *sdk) {
	for _, request := range []symphony.Request{
		{Path: "/v3/user/1/presence", Query: url.Values{"local": {"perhaps"}}},
		{Path: "/v2/users/presence", Query: url.Values{"limit": {"5001"}}},
		{Method: http.MethodPost, Path: "/v3/user/presence", Body: map[string]any{"category": "BUSY"}},
		{Method: http.MethodPost, Path: "/v1/user/presence/register", Body: []string{"1"}},
	} {
		require.ErrorAs(t, s.Do(t.Context(), request, nil), new(*symphony.BadRequestError), request.Path)
	}
	anonymous, err := symphony.NewClient(s.podURL, symphony.NoSessionToken)
	require.NoError(t, err)
	_, err = anonymous.GetPresence(t.Context())
	require.ErrorAs(t, err, new(*symphony.UnauthorizedError))
}

// startPrism serves the description, and returns the origin.
func startPrism(t *testing.T) string {
	t.Helper()
	command, err := filepath.Abs(prismCommand)
	require.NoError(t, err)
	if _, err := os.Stat(command); err != nil {
		t.Skip("prism: skipped, it is not installed; .ci/run does that where there is npm")
	}
	address := server.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	server.Run(t, address, command, "mock", "--errors", "--port", port, description)
	return "http://" + address
}
