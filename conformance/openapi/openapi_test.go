package openapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

// TestTraffic makes every call, has pods give every response that is described, and
// holds all that passes between the two to the description.
func TestTraffic(t *testing.T) {
	t.Parallel()
	c, tally := newCredentials(t), newTally()
	for _, part := range []struct {
		name string
		test func(*testing.T, *watch, *symphonytest.Pod, *credentials)
		opts []symphonytest.Option
	}{
		{"presences", presences, nil},
		{"logins", logins, nil},
		{"refusals", refusals, nil},
		{"too many requests", tooMany, []symphonytest.Option{symphonytest.WithRateLimit(1e-9, 1)}},
		{"described errors", describedErrors, nil},
	} {
		t.Run(part.name, func(t *testing.T) {
			pod := newPod(t, c, part.opts...)
			part.test(t, newWatch(t, tally, pod, c.certificate), pod, c)
			require.Empty(t, tally.found())
		})
	}

	described := map[string]bool{}
	for _, operation := range operations(load(t, "")) {
		for status := range operation.Responses.Map() {
			described[operation.OperationID+" "+status] = true
		}
	}
	given := tally.responses
	require.ElementsMatch(t, slices.Collect(maps.Keys(described)), slices.Collect(maps.Keys(given)))
	requests, responses := sum(tally.requests), sum(tally.responses)
	require.Equal(t, requests, responses)
	t.Logf("openapi: %d requests and %d responses over %d operations conform; all %d described responses were given",
		requests, responses, len(tally.requests), len(given))
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// route is an operation and where it is.
type route struct {
	*openapi3.Operation
	method, path string
}

// operations lists those of a description.
func operations(doc *openapi3.T) (routes []route) {
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			routes = append(routes, route{operation, method, path})
		}
	}
	slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.OperationID, b.OperationID) })
	return routes
}

// presences makes the presence calls with all they can carry.
func presences(t *testing.T, w *watch, pod *symphonytest.Pod, c *credentials) {
	ctx, client := t.Context(), w.sdk(t, pod.IssueToken("admin"), c)
	for _, category := range symphony.PresenceCategories() {
		for _, soft := range []bool{true, false} {
			set, err := client.SetUserPresence(ctx, jane, category, soft)
			require.NoError(t, err)
			require.Equal(t, category, set.Category)
			require.EqualValues(t, jane, set.UserID)
			shown, err := client.GetUserPresence(ctx, jane, soft)
			require.NoError(t, err)
			require.Equal(t, category, shown.Category)
			set, err = client.SetPresence(ctx, category, soft)
			require.NoError(t, err)
			shown, err = client.GetPresence(ctx)
			require.NoError(t, err)
			require.Equal(t, category, shown.Category)
			require.Equal(t, set.UserID, shown.UserID)
		}
	}
	require.NoError(t, client.RegisterPresenceInterest(ctx, external))
	require.NoError(t, client.RegisterPresenceInterest(ctx, external, jane, john))
	for local, want := range map[bool]symphony.PresenceCategory{true: symphony.PresenceOffline, false: symphony.PresenceAvailable} {
		shown, err := client.GetUserPresence(ctx, external, local)
		require.NoError(t, err)
		require.Equal(t, want, shown.Category)
	}
	for _, page := range []struct {
		last  int64
		limit int
		want  []int64
	}{{0, 0, []int64{john, admin, bot, jane}}, {0, 1, []int64{john}}, {bot + 1, 0, []int64{jane}}, {jane, 5000, []int64{jane}}} {
		listed, err := client.ListPresences(ctx, page.last, page.limit)
		require.NoError(t, err)
		require.Equal(t, page.want, ids(listed))
	}
	for _, err := range client.AllPresences(ctx) {
		require.NoError(t, err)
	}
	searches(t, client)
	lookups(t, client)
	feeds(t, client)
}

// searches looks for users by each kind of key.
func searches(t *testing.T, s *sdk) {
	ctx := t.Context()
	for _, search := range []struct {
		query url.Values
		want  []int64
	}{
		{url.Values{"uid": {fmt.Sprintf("%d,%d,%d", jane, nobody, john)}}, []int64{jane, john}},
		{url.Values{"email": {"JANE@acme.com"}, "active": {"true"}, "local": {"true"}}, []int64{jane}},
		{url.Values{"username": {"admin,jane"}}, []int64{admin, jane}},
	} {
		found, err := s.search(ctx, search.query)
		require.NoError(t, err)
		var ids []int64
		for _, user := range found.Users {
			ids = append(ids, user.ID)
		}
		require.Equal(t, search.want, ids)
	}
	found, err := s.search(ctx, url.Values{"email": {"not an address"}})
	require.NoError(t, err)
	require.Equal(t, "invalid.format", found.Errors[0].Error)
	require.NoError(t, s.Do(ctx, symphony.Request{Path: "/v3/users", Query: url.Values{"uid": {fmt.Sprint(nobody)}}}, nil), "a 204")
}

// lookups finds users, with 250 keys in three requests, and no one, which is a 204.
func lookups(t *testing.T, admin *sdk) {
	keys := []string{"JANE@acme.com", "jane@", "a+b@acme.com", "a&b=c;d@acme.com", "é@acme.com"}
	for len(keys) < 250 {
		keys = append(keys, fmt.Sprint(len(keys), "@acme.com"))
	}
	for result := range admin.UsersByEmail(t.Context(), slices.Values(keys)) {
		switch result.Index {
		case 0:
			require.NoError(t, result.Err)
			require.EqualValues(t, jane, result.User.ID)
		case 1:
			require.ErrorContains(t, result.Err, "invalid.format")
		default:
			require.ErrorIs(t, result.Err, symphony.ErrUserNotFound)
		}
	}
	for result := range admin.UsersByUsername(t.Context(), slices.Values([]string{"John", "nobody at all"})) {
		require.Equal(t, result.Index == 1, errors.Is(result.Err, symphony.ErrUserNotFound))
	}
}

//nolint:staticcheck // deprecated by Symphony, and still there
func feeds(t *testing.T, admin *sdk) {
	ctx := t.Context()
	feed, err := admin.CreatePresenceFeed(ctx)
	require.NoError(t, err)
	require.Contains(t, feed, "/", "which is to be escaped")
	for _, want := range [][]int64{{jane}, nil} {
		if want != nil {
			require.NoError(t, calls["setUserPresence"](ctx, admin))
		}
		changed, err := admin.ReadPresenceFeed(ctx, feed)
		require.NoError(t, err)
		require.Equal(t, want, ids(changed))
	}
	require.NoError(t, admin.DeletePresenceFeed(ctx, feed))
}

func ids(presences []symphony.V2Presence) (ids []int64) {
	for _, presence := range presences {
		ids = append(ids, presence.UserID)
	}
	return ids
}

// logins opens a session in each way, and makes a call with a session on behalf of a
// user.
func logins(t *testing.T, w *watch, pod *symphonytest.Pod, c *credentials) {
	ctx, s := t.Context(), w.sdk(t, "none", c)
	for operation, login := range calls {
		if strings.HasPrefix(operation, "login") {
			require.NoError(t, login(ctx, s), operation)
		}
	}
	require.Equal(t, 8, pod.Logins(), "five, and one of the app before each of three")

	app, err := auth.NewApp(s.loginURL, "calendar", c.key, s.opts...)
	require.NoError(t, err)
	client, err := symphony.NewClient(s.podURL, app.User(jane), s.opts...)
	require.NoError(t, err)
	own, err := client.GetPresence(ctx)
	require.NoError(t, err)
	require.EqualValues(t, jane, own.UserID)
}

// refusals has the pod refuse what it refuses by itself.
func refusals(t *testing.T, w *watch, pod *symphonytest.Pod, c *credentials) {
	ctx := t.Context()
	admin, bot, stranger := w.sdk(t, pod.IssueToken("admin"), c), w.sdk(t, pod.IssueToken("bot"), c), w.sdk(t, "nobody's", c)
	_, err := admin.SetUserPresence(ctx, jane, "ON_MARS", false)
	require.Contains(t, requireError[*symphony.BadRequestError](t, err).Message, "ON_MARS")
	_, err = admin.SetPresence(ctx, "ON_MARS", false)
	require.ErrorAs(t, err, new(*symphony.BadRequestError))
	require.ErrorAs(t, calls["readPresenceFeed"](ctx, admin), new(*symphony.BadRequestError))
	require.ErrorAs(t, calls["deletePresenceFeed"](ctx, admin), new(*symphony.BadRequestError))

	require.ErrorAs(t, calls["setUserPresence"](ctx, bot), new(*symphony.ForbiddenError))
	require.ErrorAs(t, calls["listPresences"](ctx, bot), new(*symphony.ForbiddenError))
	_, err = admin.SetUserPresence(ctx, nobody, symphony.PresenceBusy, false)
	require.Equal(t, 403, requireError[*symphony.NotFoundError](t, err).Code)
	_, err = admin.GetUserPresence(ctx, nobody, true)
	require.ErrorAs(t, err, new(*symphony.NotFoundError))

	for operation, call := range calls {
		if !strings.HasPrefix(operation, "login") {
			require.Equal(t, "Invalid session", requireError[*symphony.UnauthorizedError](t, call(ctx, stranger)).Message, operation)
		}
	}
	require.ErrorAs(t, stranger.loginWithKey(ctx, "bot"), new(*symphony.UnauthorizedError))
	require.ErrorAs(t, stranger.loginUser(ctx, john), new(*symphony.UnauthorizedError))
	require.ErrorAs(t, stranger.loginUsername(ctx, "john"), new(*symphony.UnauthorizedError))
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "admin"}) // without key and certificate
	require.ErrorAs(t, stranger.loginWithCertificate(ctx), new(*symphony.UnauthorizedError))
	pod.AddApp(symphonytest.App{ID: "calendar", PublicKey: &c.otherKey.PublicKey})
	require.ErrorAs(t, stranger.loginUser(ctx, jane), new(*symphony.UnauthorizedError))
}

// tooMany calls a pod that lets one request pass.
func tooMany(t *testing.T, w *watch, _ *symphonytest.Pod, c *credentials) {
	require.NoError(t, calls["loginWithKey"](t.Context(), w.sdk(t, "none", c)))
	for operation, call := range calls {
		s := w.sdk(t, "none", c) // a client that was refused would wait
		limit := requireError[*symphony.RateLimitError](t, call(t.Context(), s))
		require.Equal(t, "Too many requests", limit.Message, operation)
		require.Equal(t, time.Second, limit.RetryAfter)
	}
}

// describedErrors has the pod give each error of each operation, with the example of
// the description.
func describedErrors(t *testing.T, w *watch, pod *symphonytest.Pod, c *credentials) {
	token := pod.IssueToken("admin")
	for _, operation := range operations(w.doc) {
		for status, response := range operation.Responses.Map() {
			if strings.HasPrefix(status, "2") {
				continue
			}
			t.Run(operation.OperationID+" "+status, func(t *testing.T) {
				fault, code, message := faultOf(t, response.Value)
				fault.Status, _ = strconv.Atoi(status)
				fault.Method, fault.Path = operation.method, path(operation.path)
				fault.Times = -1
				pod.Fail(fault)
				defer pod.ClearFaults()
				err := calls[operation.OperationID](t.Context(), w.sdk(t, token, c))
				found := requireErrorOf(t, fault.Status, err)
				require.Equal(t, fault.Status, found.StatusCode)
				require.Equal(t, code, found.Code)
				require.Equal(t, message, found.Message)
				require.Equal(t, operation.method, found.Method)
			})
		}
	}
}

// path is a path of the description as the calls fill it in.
func path(template string) string {
	return strings.NewReplacer("{uid}", fmt.Sprint(jane), "{username}", "jane", "{feedId}", "no/such+feed=").Replace(template)
}

// faultOf is an response with the example of the description, which has that code and
// message.
func faultOf(t *testing.T, response *openapi3.Response) (fault symphonytest.Fault, code int, message string) {
	t.Helper()
	content := response.Content.Get("application/json")
	if content == nil { // a gateway's
		fault.Header = http.Header{"Content-Type": {"text/html"}}
		fault.Body = "<html><head><title>No response</title></head></html>"
		return fault, 0, "No response"
	}
	text, err := json.Marshal(content.Example)
	require.NoError(t, err)
	fault.Header, fault.Body = http.Header{"Content-Type": {"application/json"}}, string(text)
	var example struct {
		Code    int
		Message string
	}
	require.NoError(t, json.Unmarshal(text, &example))
	return fault, example.Code, example.Message
}

// requireErrorOf requires an error of the type that a status has.
func requireErrorOf(t *testing.T, status int, err error) *symphony.APIError {
	t.Helper()
	var want any
	switch status {
	case http.StatusBadRequest:
		want = new(*symphony.BadRequestError)
	case http.StatusUnauthorized:
		want = new(*symphony.UnauthorizedError)
	case http.StatusForbidden:
		want = new(*symphony.ForbiddenError)
	case http.StatusNotFound:
		want = new(*symphony.NotFoundError)
	case http.StatusTooManyRequests:
		want = new(*symphony.RateLimitError)
	default:
		want = new(*symphony.ServerError)
	}
	require.ErrorAs(t, err, want)
	return requireError[*symphony.APIError](t, err)
}

// requireError requires an error of a type.
func requireError[E error](t *testing.T, err error) (found E) {
	t.Helper()
	require.ErrorAs(t, err, &found)
	return found
}
