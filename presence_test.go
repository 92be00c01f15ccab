package symphony_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestSetUserPresence(t *testing.T) {
	t.Parallel()
	_, client := connect(t, symphonytest.WithUsers(
		symphonytest.User{ID: 1},
		symphonytest.User{ID: 2, Activity: symphonytest.Offline},
		symphonytest.User{ID: 3, Activity: symphonytest.Idle},
		symphonytest.User{ID: math.MaxInt64},
	))

	for _, test := range []struct {
		name     string
		user     int64
		category symphony.PresenceCategory
		soft     bool
		want     symphony.PresenceCategory
	}{
		{"online", 1, symphony.PresenceOnThePhone, false, symphony.PresenceOnThePhone},
		{"online, soft", 1, symphony.PresenceOnThePhone, true, symphony.PresenceOnThePhone},
		{"offline, soft: waits", 2, symphony.PresenceBusy, true, symphony.PresenceOffline},
		{"offline: shows at once", 2, symphony.PresenceBusy, false, symphony.PresenceBusy},
		{"idle, soft: away", 3, symphony.PresenceAvailable, true, symphony.PresenceAway},
		{"idle, soft, in a meeting", 3, symphony.PresenceInAMeeting, true, symphony.PresenceInAMeeting},
		{"greatest user id", math.MaxInt64, symphony.PresenceBusy, false, symphony.PresenceBusy},
	} {
		t.Run(test.name, func(t *testing.T) { //nolint:paralleltest // the steps build on each other
			presence, err := client.SetUserPresence(t.Context(), test.user, test.category, test.soft)
			require.NoError(t, err)
			require.Equal(t, test.want, presence.Category)
			require.Equal(t, test.user, presence.UserID)
			require.False(t, presence.Timestamp.IsZero())
		})
	}
}

func TestSetUserPresenceOnTheWire(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		respond(200, `{"category":"AWAY","userId":9223372036854775807,"timestamp":1533928483800,"more":{"x":1}}`)(w, r)
	})

	presence, err := client.SetUserPresence(t.Context(), math.MaxInt64, symphony.PresenceBusy, true)
	require.NoError(t, err)
	require.Equal(t, symphony.PresenceAway, presence.Category, "what the pod shows, not what was asked for")
	require.Equal(t, int64(math.MaxInt64), presence.UserID)

	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "/v3/user/presence?soft=true", got.URL.String())
	require.Equal(t, `{"category":"BUSY","userId":9223372036854775807}`, string(body))
	require.Equal(t, int64(len(body)), got.ContentLength)
	require.Equal(t, []string{secret}, got.Header.Values("sessionToken"))
	require.Equal(t, []string{"application/json"}, got.Header.Values("Accept"))
	require.Equal(t, []string{"application/json"}, got.Header.Values("Content-Type"))
	require.Regexp(t, `^symphony-go/\S+ \(go1\.\d+; \w+/\w+\)$`, got.UserAgent())
	require.Regexp(t, `^[0-9A-Za-z]{6}$`, got.Header.Get("X-Trace-Id"))
	require.Equal(t, []string{"identity"}, got.Header.Values("Accept-Encoding"))

	_, err = client.SetUserPresence(t.Context(), 1, "FOCUS", false)
	require.NoError(t, err)
	require.Equal(t, "/v3/user/presence?soft=false", got.URL.String())
	require.JSONEq(t, `{"category":"FOCUS","userId":1}`, string(body), "a newer pod may know it")
}

func TestSetUserPresenceRefusesArguments(t *testing.T) {
	t.Parallel()
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	for _, test := range []struct {
		name     string
		argument string
		call     func() error
	}{
		{"user id 0", "userID", func() error {
			_, err := client.SetUserPresence(t.Context(), 0, symphony.PresenceBusy, false)
			return err
		}},
		{"user id below 0", "userID", func() error {
			_, err := client.SetUserPresence(t.Context(), -1, symphony.PresenceBusy, false)
			return err
		}},
		{"no category", "category", func() error {
			_, err := client.SetUserPresence(t.Context(), 1, "", false)
			return err
		}},
		{"no context", "ctx", func() error {
			_, err := client.SetUserPresence(nil, 1, symphony.PresenceBusy, false) //nolint:staticcheck // what is tested
			return err
		}},
		{"no client", "client", func() error {
			_, err := new(symphony.Client).SetUserPresence(t.Context(), 1, symphony.PresenceBusy, false)
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var invalid *symphony.InvalidArgumentError
			err := test.call()
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, test.argument, invalid.Argument)
			require.NotEmpty(t, invalid.Reason)
			requireOneLine(t, err.Error())
		})
	}
}

func TestSetUserPresenceOfEveryCategory(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body symphony.V2Presence
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		_ = json.NewEncoder(w).Encode(body)
	})
	for _, category := range symphony.PresenceCategories() {
		presence, err := client.SetUserPresence(t.Context(), 7, category, false)
		require.NoError(t, err)
		require.Equal(t, symphony.V2Presence{Category: category, UserID: 7}, *presence)
	}
}
