package symphonytest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestErrorResponses(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online), symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "reader"}))
		admin, reader, revoked := pod.IssueToken("admin"), pod.IssueToken("reader"), pod.IssueToken("admin")
		pod.RevokeToken(revoked)
		text := map[string]string{"Content-Type": "text/plain"}
		for _, test := range []struct {
			name         string
			request      request
			status, code int
		}{
			{"no token", request{path: setPath, body: busy}, 401, 401},
			{"a wrong token", request{path: setPath, token: "wrong", body: busy}, 401, 401},
			{"a revoked token", request{path: setPath, token: revoked, body: busy}, 401, 401},
			{"no entitlement", request{path: setPath, token: reader, body: busy}, 403, 403},
			{"no entitlement for a list", request{method: "GET", path: "/v2/users/presence", token: reader}, 403, 403},
			{"no such user", request{path: setPath, token: admin, body: `{"category":"BUSY","userId":2}`}, 404, 403},
			{"no such user to read", request{method: "GET", path: "/v3/user/2/presence", token: admin}, 404, 403},
			{"no user id", request{path: setPath, token: admin, body: `{"category":"BUSY"}`}, 400, 400},
			{"no category", request{path: setPath, token: admin, body: `{"userId":1}`}, 400, 400},
			{"unknown category", request{path: setPath, token: admin, body: `{"category":"LUNCH","userId":1}`}, 400, 400},
			{"unknown category of one's own", request{path: ownPath, token: admin, body: `{"category":"LUNCH"}`}, 400, 400},
			{"unknown field", request{path: setPath, token: admin, body: `{"category":"BUSY","userId":1,"timestamp":1}`}, 400, 400},
			{"field in another case", request{path: setPath, token: admin, body: `{"Category":"BUSY","userId":1}`}, 400, 400},
			{"userId where there is none", request{path: ownPath, token: admin, body: busy}, 400, 400},
			{"field of a wrong type", request{path: setPath, token: admin, body: `{"category":"BUSY","userId":"x"}`}, 400, 400},
			{"not JSON", request{path: setPath, token: admin, body: `busy`}, 400, 400},
			{"more than JSON", request{path: setPath, token: admin, body: busy + busy}, 400, 400},
			{"no body", request{path: setPath, token: admin}, 400, 400},
			{"text", request{path: setPath, token: admin, body: busy, header: text}, 415, 415},
			{"text for one's own", request{path: ownPath, token: admin, body: `{"category":"BUSY"}`, header: text}, 415, 415},
			{"text for a registration", request{path: "/v1/user/presence/register", token: admin, body: `[1]`, header: text}, 415, 415},
			{"no Content-Type", request{path: setPath, token: admin, body: busy, header: map[string]string{}}, 415, 415},
			{"soft is not a boolean", request{path: setPath + "?soft=maybe", token: admin, body: busy}, 400, 400},
			{"soft is not a boolean for one's own", request{path: ownPath + "?soft=maybe", token: admin, body: `{"category":"BUSY"}`}, 400, 400},
			{"local is not a boolean", request{method: "GET", path: "/v3/user/1/presence?local=maybe", token: admin}, 400, 400},
			{"user is not a number", request{method: "GET", path: "/v3/user/jane/presence", token: admin}, 400, 400},
			{"limit is too high", request{method: "GET", path: "/v2/users/presence?limit=5001", token: admin}, 400, 400},
			{"limit is not a number", request{method: "GET", path: "/v2/users/presence?limit=all", token: admin}, 400, 400},
			{"lastUserId is not a number", request{method: "GET", path: "/v2/users/presence?lastUserId=jane", token: admin}, 400, 400},
			{"empty registration", request{path: "/v1/user/presence/register", token: admin, body: `[]`}, 400, 400},
			{"no such feed", request{method: "GET", path: "/v1/presence/feed/x/read", token: admin}, 400, 400},
			{"no such feed to delete", request{path: "/v1/presence/feed/x/delete", token: admin}, 400, 400},
			{"no such endpoint of a feed", request{method: "GET", path: "/v1/presence/feed/x", token: admin}, 404, 404},
			{"no such endpoint of a feed to post to", request{path: "/v1/presence/feed/x", token: admin}, 404, 404},
		} {
			requireAPIError(t, test.request.mustSend(t, pod), test.status, test.code, test.name)
		}
		calls := []request{
			{path: ownPath, body: `{"category":"BUSY"}`},
			{method: "GET", path: ownPath},
			{method: "GET", path: "/v3/user/1/presence"},
			{method: "GET", path: "/v2/users/presence"},
			{path: "/v1/user/presence/register", body: `[1]`},
			{path: "/v1/presence/feed/create"},
			{method: "GET", path: "/v1/presence/feed/x/read"},
			{path: "/v1/presence/feed/x/delete"},
			{method: "GET", path: "/v3/users?uid=1"},
		}
		for _, call := range calls {
			requireAPIError(t, call.mustSend(t, pod), 401, 401, call.path)
		}
	})
}

// What clients of a pod send, which is accepted in every form.
func TestLenience(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Offline))
		token := pod.IssueToken("admin")
		for name, request := range map[string]request{
			"True":                                   {path: setPath + "?soft=True", token: token, body: busy},
			"false":                                  {path: setPath + "?soft=false", token: token, body: busy},
			"a chunked body":                         {path: setPath, token: token, body: busy, chunk: true},
			"a charset":                              {path: setPath, token: token, body: busy, header: map[string]string{"Content-Type": "application/json; charset=UTF-8"}},
			"a header in lower case":                 {path: setPath, token: token, body: busy, header: map[string]string{"content-type": jsonType}},
			"an unknown header":                      {path: setPath, token: token, body: busy, header: map[string]string{"Content-Type": jsonType, "X-Other": "1"}},
			"an unknown parameter":                   {path: setPath + "?other=1", token: token, body: busy},
			"a Content-Type on a GET":                {method: "GET", path: "/v3/user/1/presence", token: token, header: map[string]string{"Content-Type": jsonType}},
			"another Content-Type on a GET":          {method: "GET", path: "/v3/user/1/presence?local=False", token: token, header: map[string]string{"Content-Type": "text/plain"}},
			"a Content-Type on a POST without body":  {path: "/v1/presence/feed/create", token: token, header: map[string]string{"Content-Type": jsonType}},
			"a form's Content-Type without body":     {path: "/v1/presence/feed/create", token: token, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
			"a chunked body of nothing":              {path: "/v1/presence/feed/create", token: token, chunk: true},
			"a body over several lines":              {path: setPath, token: token, body: strings.ReplaceAll(busy, ",", ",\r\n  ")},
			"an id beyond what a float64 can hold":   {path: "/v1/user/presence/register", token: token, body: `[9007199254740993]`},
			"an Accept that names something besides": {method: "GET", path: ownPath, token: token, header: map[string]string{"Accept": "application/json, */*"}},
		} {
			require.Equal(t, 200, request.mustSend(t, pod).status, name)
		}
	})
}

// The presence requests of Symphony's Postman collection, as it publishes them: a
// variable in a path is not escaped.
func TestPostmanCollection(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(symphonytest.WithUsers(symphonytest.User{ID: 16}))
		token := pod.IssueToken("admin")
		withBody := map[string]string{"sessionToken": token, "Accept": jsonType, "Content-Type": jsonType}
		send := func(method, path, body string) response {
			header := map[string]string{"sessionToken": token, "Accept": jsonType}
			if body != "" {
				header = withBody
			}
			got := request{method: method, path: path, body: body, header: header}.mustSend(t, pod)
			require.Equal(t, 200, got.status, "%s %s: %s", method, path, got.body)
			return got
		}
		var feed struct{ ID string }
		send("POST", "/v1/presence/feed/create", "").decode(t, &feed)
		require.Contains(t, feed.ID, "/", "which Postman does not escape")
		send("POST", "/v1/user/presence/register", "[\r\n  16\r\n]")
		send("GET", "/v2/user/presence", "")
		send("POST", "/v2/user/presence", "{\r\n  \"category\": \"AWAY\"\r\n}")
		require.Equal(t, symphony.PresenceAvailable, send("GET", "/v3/user/16/presence?local=false", "").presence(t).Category)
		var page []symphony.V2Presence
		send("GET", "/v2/users/presence?lastUserId=16&limit=16", "").decode(t, &page)
		require.Len(t, page, 2)
		require.Equal(t, symphony.PresenceAway, send("POST", "/v3/user/presence", "{\r\n  \"category\": \"AWAY\",\r\n  \"userId\": 16\r\n}").presence(t).Category)
		send("GET", "/v1/presence/feed/"+feed.ID+"/read", "").decode(t, &page)
		require.Len(t, page, 2)
		require.JSONEq(t, fmt.Sprintf(`{"id":%q}`, feed.ID), send("POST", "/v1/presence/feed/"+feed.ID+"/delete", "").body)
	})
}

func TestSoft(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Offline), user(2, symphonytest.Idle))
		token := pod.IssueToken("admin")
		set := func(id int64, category symphony.PresenceCategory, soft bool) symphony.PresenceCategory {
			presence := request{path: fmt.Sprintf("%s?soft=%v", setPath, soft), token: token, body: fmt.Sprintf(`{"category":%q,"userId":%d}`, category, id)}.mustSend(t, pod).presence(t)
			require.Equal(t, id, presence.UserID)
			require.WithinDuration(t, time.Now(), presence.Timestamp.Time, time.Minute)
			return presence.Category
		}

		require.Equal(t, symphony.PresenceOffline, set(1, symphony.PresenceBusy, true))
		u, ok := pod.User(1)
		require.True(t, ok)
		require.Equal(t, symphony.PresenceBusy, u.Pending)
		require.True(t, pod.SetActivity(1, symphonytest.Online))
		u, _ = pod.User(1)
		require.Equal(t, symphony.PresenceBusy, u.Category, "it was pending")
		require.Empty(t, u.Pending)

		require.True(t, pod.SetActivity(1, symphonytest.Offline))
		require.Equal(t, symphony.PresenceOnThePhone, set(1, symphony.PresenceOnThePhone, false), "without soft it shows at once")

		require.Equal(t, symphony.PresenceAway, set(2, symphony.PresenceAvailable, true))
		require.Equal(t, symphony.PresenceAway, set(2, symphony.PresenceBusy, true))
		require.Equal(t, symphony.PresenceInAMeeting, set(2, symphony.PresenceInAMeeting, true))
		require.Equal(t, symphony.PresenceBusy, set(2, symphony.PresenceBusy, false))

		require.False(t, pod.SetActivity(3, symphonytest.Online))
		_, ok = pod.User(3)
		require.False(t, ok)
	})
}

// What a service user shows is the same in every call.
func TestServiceUsersAreUsers(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online))
		client := newClient(t, pod)
		set, err := client.SetPresence(t.Context(), symphony.PresenceInAMeeting, true)
		require.NoError(t, err)
		require.Equal(t, symphony.PresenceInAMeeting, set.Category)
		own, err := client.GetPresence(t.Context())
		require.NoError(t, err)
		require.Equal(t, set, own)
		other, err := client.GetUserPresence(t.Context(), own.UserID, true)
		require.NoError(t, err)
		require.Equal(t, own, other)
		listed, err := client.ListPresences(t.Context(), 2, 0)
		require.NoError(t, err)
		require.Equal(t, []symphony.V2Presence{*own}, listed)
		u, ok := pod.User(own.UserID)
		require.True(t, ok)
		require.Equal(t, "admin", u.Username)

		set, err = client.SetUserPresence(t.Context(), own.UserID, symphony.PresenceBusy, false)
		require.NoError(t, err)
		own, err = client.GetPresence(t.Context())
		require.NoError(t, err)
		require.Equal(t, set, own)
		require.True(t, pod.SetActivity(own.UserID, symphonytest.Idle))
		own, err = client.GetPresence(t.Context())
		require.NoError(t, err)
		require.Equal(t, symphony.PresenceAway, own.Category)
	})
}

func TestServiceUsersHaveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t, symphonytest.WithoutNetwork(), symphonytest.WithUsers(symphonytest.User{ID: 7, Username: "jane"}))
	idOf := func(username string) int64 {
		return request{method: "GET", path: ownPath, token: pod.IssueToken(username)}.mustSend(t, pod).presence(t).UserID
	}
	for range 3 {
		pod.AddServiceUser(symphonytest.ServiceUser{Username: "a"})
	}
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "b"})
	a, b := idOf("a"), idOf("b")
	require.NotEqual(t, a, b)
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "a", UserProvisioning: true})
	require.Equal(t, a, idOf("a"), "it was replaced")
	request{path: ownPath, token: pod.IssueToken("a"), body: `{"category":"BUSY"}`}.mustSend(t, pod)
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "a", ID: 5})
	require.EqualValues(t, 5, idOf("a"))
	moved, _ := pod.User(5)
	require.Equal(t, symphony.PresenceBusy, moved.Category, "it keeps its presence")
	_, ok := pod.User(a)
	require.False(t, ok, "no one has the old id")
	require.NotContains(t, []int64{5, b}, idOf("c"))
	require.EqualValues(t, 7, idOf("jane"), "a user who is a service user too")
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "d", ID: b + 1})
	require.NotContains(t, []int64{a, b, b + 1}, idOf("e"))
}

// feedOf creates a feed and returns a function that reads it.
func feedOf(t *testing.T, pod *symphonytest.Pod, token string) (read func() []symphony.V2Presence) {
	t.Helper()
	var feed struct{ ID string }
	request{path: "/v1/presence/feed/create", token: token}.mustSend(t, pod).decode(t, &feed)
	return func() (changed []symphony.V2Presence) {
		got := request{method: http.MethodGet, path: "/v1/presence/feed/" + url.PathEscape(feed.ID) + "/read", token: token}.mustSend(t, pod)
		require.Equal(t, 200, got.status, got.body)
		got.decode(t, &changed)
		return changed
	}
}

func TestFeeds(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online), user(2, symphonytest.Online))
		token := pod.IssueToken("admin")
		self := request{method: "GET", path: ownPath, token: token}.mustSend(t, pod).presence(t).UserID
		read, other := feedOf(t, pod, token), feedOf(t, pod, token)
		require.Empty(t, read())
		require.Equal(t, 200, setBusy(t, pod, token).status)
		require.True(t, pod.SetActivity(2, symphonytest.Offline))
		require.Equal(t, 200, setBusy(t, pod, token).status)
		request{path: ownPath, token: token, body: `{"category":"AWAY"}`}.mustSend(t, pod).presence(t)
		for _, read := range []func() []symphony.V2Presence{read, other} {
			changed := read()
			require.Len(t, changed, 3)
			require.Equal(t, symphony.PresenceBusy, changed[0].Category)
			require.EqualValues(t, 2, changed[1].UserID)
			require.Equal(t, symphony.PresenceOffline, changed[1].Category)
			require.Equal(t, self, changed[2].UserID, "of a user's own making")
			require.Empty(t, read())
		}
		pod.AddUser(symphonytest.User{ID: 2, Category: symphony.PresenceBusy})
		require.Len(t, read(), 1, "a user who was replaced")
	})
}

func TestFeedPages(t *testing.T) {
	t.Parallel()
	pod := symphonytest.New(t, symphonytest.WithoutNetwork())
	read := feedOf(t, pod, pod.IssueToken("admin"))
	for range 2 {
		for id := range int64(1200) {
			pod.AddUser(symphonytest.User{ID: id + 1}) // the second time, it changes
		}
	}
	for _, want := range []int{500, 500, 200, 0} {
		require.Len(t, read(), want)
	}
}

func TestExternalUsers(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(symphonytest.WithUsers(symphonytest.User{ID: 3, External: true, Category: symphony.PresenceBusy}))
		token, other := pod.IssueToken("admin"), pod.IssueToken("other")
		shown := func(token, query string) symphony.PresenceCategory {
			return request{method: "GET", path: "/v3/user/3/presence" + query, token: token}.mustSend(t, pod).presence(t).Category
		}
		require.Equal(t, symphony.PresenceOffline, shown(token, ""), "before a registration")
		require.Equal(t, 200, request{path: "/v1/user/presence/register", token: token, body: `[3]`}.mustSend(t, pod).status)
		require.Equal(t, symphony.PresenceBusy, shown(token, ""))
		require.Equal(t, symphony.PresenceBusy, shown(token, "?local=False"))
		require.Equal(t, symphony.PresenceOffline, shown(token, "?local=true"))
		require.Equal(t, symphony.PresenceOffline, shown(other, ""), "the interest of another")
	})
}

func TestOneClock(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		var hours atomic.Int64 // since begin
		begin := time.Date(2020, time.May, 4, 8, 0, 0, 0, time.UTC)
		now := func() time.Time { return begin.Add(time.Duration(hours.Load()) * time.Hour) }
		pod := start(user(1, symphonytest.Online), user(2, symphonytest.Offline), symphonytest.WithClock(now))
		token := pod.IssueToken("admin")
		get := func(path string) time.Time {
			return request{method: "GET", path: path, token: token}.mustSend(t, pod).presence(t).Timestamp.Time
		}
		require.Equal(t, begin, get("/v3/user/1/presence"), "the time of AddUser")
		require.Equal(t, begin, get(ownPath))
		hours.Add(1)
		require.Equal(t, now(), get("/v3/user/2/presence"), "the time of the query")
		require.Equal(t, now(), setBusy(t, pod, token).presence(t).Timestamp.Time)
		requests := pod.Requests()
		require.Equal(t, now(), requests[len(requests)-1].Time)
		u, _ := pod.User(1)
		require.Equal(t, now(), u.Since)
		hours.Add(1)
		request{path: "/v3/user/presence?soft=true", token: token, body: `{"category":"BUSY","userId":2}`}.mustSend(t, pod)
		require.True(t, pod.SetActivity(2, symphonytest.Online))
		require.Equal(t, now(), get("/v3/user/2/presence"), "when the pending category took effect")
	})
}
