package symphonytest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestSearchUsers(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(symphonytest.WithUsers(
			symphonytest.User{ID: 1, Username: "jane", EmailAddress: "Jane@acme.com", DisplayName: "Jane Doe"},
			symphonytest.User{ID: 2, Username: "john", EmailAddress: "john@acme.com", Inactive: true},
			symphonytest.User{ID: 3, Username: "eve", EmailAddress: "eve@other.com", External: true},
			symphonytest.User{ID: 4, Username: "john2", EmailAddress: "john@acme.com"},
			symphonytest.User{ID: 9007199254740993},
		), symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "bot", ID: 5}))
		token := pod.IssueToken("bot")
		for _, test := range []struct {
			name, query string
			ids         []int64 // none and no errors: 204
			errors      string
		}{
			{name: "an e-mail address", query: "email=jane@acme.com", ids: []int64{1}},
			{name: "in another case", query: "email=JANE@ACME.COM", ids: []int64{1}},
			{name: "with blanks", query: "email=%20jane@acme.com%20", ids: []int64{1}},
			{name: "of two users", query: "email=john@acme.com", ids: []int64{2, 4}},
			{name: "of a user of another pod", query: "email=eve@other.com", ids: []int64{3}},
			{name: "local users only", query: "email=eve@other.com,jane@acme.com&local=true", ids: []int64{1}},
			{name: "local users only, in Python", query: "email=eve@other.com,jane@acme.com&local=True", ids: []int64{1}},
			{name: "users of other pods too", query: "email=eve@other.com&local=false", ids: []int64{3}},
			{name: "active users", query: "email=john@acme.com&active=true", ids: []int64{4}},
			{name: "inactive users", query: "email=john@acme.com&active=false", ids: []int64{2}},
			{name: "in the order of the list", query: "username=john,bot,jane", ids: []int64{2, 5, 1}},
			{name: "twice", query: "username=jane,JANE,jane", ids: []int64{1}},
			{name: "by id", query: "uid=9007199254740993,1", ids: []int64{9007199254740993, 1}},
			{name: "some unknown", query: "uid=77,1", ids: []int64{1}},
			{name: "no one", query: "uid=77"},
			{name: "no one active", query: "username=john&active=true"},
			{name: "no username is invalid", query: "username=jane%20doe!"},
			{name: "empty keys", query: "uid=,1,", ids: []int64{1}},
			{name: "not an e-mail address", query: "email=jane,jane@acme.com,@acme.com,jane@", ids: []int64{1}, errors: `[{"error":"invalid.format","email":"jane"},{"error":"invalid.format","email":"@acme.com"},{"error":"invalid.format","email":"jane@"}]`},
			{name: "not an id", query: "uid=jane", errors: `[{"error":"invalid.format","id":"jane"}]`},
		} {
			got := request{method: "GET", path: "/v3/users?" + test.query, token: token}.mustSend(t, pod)
			if test.ids == nil && test.errors == "" {
				require.Equal(t, 204, got.status, test.name)
				require.Empty(t, got.body, test.name)
				continue
			}
			require.Equal(t, 200, got.status, test.name)
			var list struct {
				Users  []struct{ ID int64 }
				Errors []map[string]string
			}
			got.decode(t, &list)
			var ids []int64
			for _, u := range list.Users {
				ids = append(ids, u.ID)
			}
			require.Equal(t, test.ids, ids, test.name)
			if test.errors != "" {
				require.Contains(t, got.body, test.errors, test.name)
			} else {
				require.NotContains(t, got.body, "errors", test.name)
			}
		}

		got := request{method: "GET", path: "/v3/users?username=jane,bot", token: token}.mustSend(t, pod)
		require.JSONEq(t, `{"users":[
			{"id":1,"emailAddress":"Jane@acme.com","displayName":"Jane Doe","username":"jane","accountType":"NORMAL"},
			{"id":5,"username":"bot","accountType":"SYSTEM"}]}`, got.body)
		got = request{method: "GET", path: "/v3/users?uid=x", token: token}.mustSend(t, pod)
		require.JSONEq(t, `{"users":[],"errors":[{"error":"invalid.format","id":"x"}]}`, got.body)
	})
}

func TestSearchUsersRefuses(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(user(1, symphonytest.Online))
		token := pod.IssueToken("bot")
		hundred := strings.TrimSuffix(strings.Repeat("1,", 100), ",")
		require.Equal(t, 200, request{method: "GET", path: "/v3/users?uid=" + hundred, token: token}.mustSend(t, pod).status)
		for name, query := range map[string]string{
			"no list":                 "",
			"an empty list":           "?email=",
			"a list of nothing":       "?email=,%20,",
			"two lists":               "?email=jane@acme.com&uid=1",
			"101 keys":                "?uid=1," + hundred,
			"local is not a boolean":  "?uid=1&local=maybe",
			"active is not a boolean": "?uid=1&active=maybe",
		} {
			requireAPIError(t, request{method: "GET", path: "/v3/users" + query, token: token}.mustSend(t, pod), 400, 400, name)
		}
		requireAPIError(t, request{method: "GET", path: "/v3/users?uid=1"}.mustSend(t, pod), 401, 401, "no token")
	})
}

// Whoever finds a user by e-mail address can set their presence.
func TestSearchThenSet(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := start(symphonytest.WithUsers(symphonytest.User{ID: 4711, EmailAddress: "jane@acme.com"}))
		client := newClient(t, pod)
		var found struct{ Users []struct{ ID int64 } }
		search := symphony.Request{Path: "/v3/users", Query: map[string][]string{"email": {"jane@acme.com"}}}
		require.NoError(t, client.Do(t.Context(), search, &found))
		require.Len(t, found.Users, 1)
		set, err := client.SetUserPresence(t.Context(), found.Users[0].ID, symphony.PresenceBusy, false)
		require.NoError(t, err)
		require.Equal(t, "4711 BUSY", fmt.Sprint(set.UserID, " ", set.Category))
	})
}
