package symphony_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// phones is a client of a pod with one user, for changes of their presence.
func phones(t *testing.T, user symphonytest.User) (*symphonytest.Pod, *symphony.Client) {
	t.Helper()
	user.ID = 4711
	user.Since = time.Now().Add(-time.Hour) // long before the change
	pod, _ := connect(t, symphonytest.WithUsers(user))
	return pod, newClient(t, pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")), once, symphony.WithHTTPClient(pod.Client()))
}

// requireShown checks what the pod shows of the user.
func requireShown(t *testing.T, client *symphony.Client, want symphony.PresenceCategory) {
	t.Helper()
	presence, err := client.GetUserPresence(t.Context(), 4711, true)
	require.NoError(t, err)
	require.Equal(t, want, presence.Category)
}

// stored returns the change as a service reads it back from its store.
func stored(t *testing.T, change symphony.PresenceChange) (read symphony.PresenceChange) {
	t.Helper()
	text, err := json.Marshal(change)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &read))
	return read
}

// A call begins, something happens, the call ends.
func TestChangeUserPresence(t *testing.T) {
	t.Parallel()
	const (
		available = symphony.PresenceAvailable
		busy      = symphony.PresenceBusy
		phone     = symphony.PresenceOnThePhone
		meeting   = symphony.PresenceInAMeeting
		away      = symphony.PresenceAway
		offline   = symphony.PresenceOffline
	)
	goes := func(activity symphonytest.Activity) func(*symphonytest.Pod) {
		return func(pod *symphonytest.Pod) { pod.SetActivity(4711, activity) }
	}
	chooses := func(category symphony.PresenceCategory) func(*symphonytest.Pod) {
		return func(pod *symphonytest.Pod) {
			pod.AddUser(symphonytest.User{ID: 4711, Category: category, Since: time.Now().Add(time.Second)})
		}
	}
	for _, test := range []struct {
		name     string
		user     symphonytest.User
		set      symphony.PresenceCategory
		after    symphony.PresenceCategory // what the pod shows during the call
		during   func(*symphonytest.Pod)
		reverted bool
		shown    symphony.PresenceCategory // after the call
		online   symphony.PresenceCategory // once the user is online
	}{
		{"online", symphonytest.User{}, phone, phone, nil, true, available, available},
		{"in a meeting", symphonytest.User{Category: meeting}, phone, phone, nil, true, meeting, meeting},
		{"busy", symphonytest.User{Category: busy}, phone, phone, nil, true, busy, busy},
		{"idle before", symphonytest.User{Activity: symphonytest.Idle}, phone, phone, nil, true, away, available},
		{"idle and busy before", symphonytest.User{Activity: symphonytest.Idle, Category: busy}, phone, phone, nil, true, away, available},
		{"idle, and set to busy", symphonytest.User{Activity: symphonytest.Idle}, busy, away, nil, true, away, available},
		{"idle, set to busy, comes back", symphonytest.User{Activity: symphonytest.Idle}, busy, away, goes(symphonytest.Online), true, available, available},
		{"offline before", symphonytest.User{Activity: symphonytest.Offline}, phone, offline, nil, true, offline, available},
		{"offline before, comes online", symphonytest.User{Activity: symphonytest.Offline}, phone, offline, goes(symphonytest.Online), true, available, available},
		{"offline before, comes online and chooses", symphonytest.User{Activity: symphonytest.Offline}, phone, offline, chooses(busy), false, busy, busy},
		{"goes offline", symphonytest.User{Category: meeting}, phone, phone, goes(symphonytest.Offline), true, offline, meeting},
		{"goes idle", symphonytest.User{}, phone, phone, goes(symphonytest.Idle), true, away, available},
		{"goes idle while busy", symphonytest.User{Category: meeting}, busy, busy, goes(symphonytest.Idle), true, meeting, meeting},
		{"goes idle while available", symphonytest.User{Category: meeting}, available, available, goes(symphonytest.Idle), true, meeting, meeting},
		{"chooses another", symphonytest.User{}, phone, phone, chooses(busy), false, busy, busy},
		{"chooses the one of before", symphonytest.User{Category: meeting}, phone, phone, chooses(meeting), false, meeting, meeting},
		{"chooses the same, later", symphonytest.User{}, phone, phone, chooses(phone), false, phone, phone},
		{"chooses AWAY on the phone", symphonytest.User{}, phone, phone, chooses(away), false, away, away},
		{"left over from an earlier change", symphonytest.User{Category: phone}, phone, phone, nil, true, available, available},
		{"set to OFFLINE before", symphonytest.User{Category: offline}, phone, phone, nil, true, available, available},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod, client := phones(t, test.user)
			change, err := client.ChangeUserPresence(t.Context(), 4711, test.set, true)
			require.NoError(t, err)
			require.Equal(t, test.set, change.Set)
			require.Equal(t, test.after, change.After.Category)
			change = stored(t, change)
			if test.during != nil {
				test.during(pod)
			}
			presence, reverted, err := client.RevertUserPresence(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, test.reverted, reverted)
			require.Equal(t, test.shown, presence.Category)
			requireShown(t, client, test.shown)
			presence, again, err := client.RevertUserPresence(t.Context(), change)
			require.NoError(t, err, "reverting twice is harmless")
			require.Equal(t, test.shown, presence.Category)
			require.False(t, again && !reverted)
			pod.SetActivity(4711, symphonytest.Online)
			requireShown(t, client, test.online)
		})
	}
}

// What a service stored before it set anything is enough to revert after a restart,
// wherever it was killed.
func TestRevertAfterAKill(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		user     symphonytest.User
		set      bool // the kill came after the set
		during   symphony.PresenceCategory
		reverted bool
		online   symphony.PresenceCategory
	}{
		{"before the set", symphonytest.User{Category: symphony.PresenceInAMeeting}, false, "", false, symphony.PresenceInAMeeting},
		{"after the set", symphonytest.User{Category: symphony.PresenceInAMeeting}, true, "", true, symphony.PresenceInAMeeting},
		{"after the set of an idle user", symphonytest.User{Activity: symphonytest.Idle}, true, "", true, symphony.PresenceAvailable},
		{"after the set of an offline user", symphonytest.User{Activity: symphonytest.Offline}, true, "", true, symphony.PresenceAvailable},
		{"after the set, and the user chose", symphonytest.User{}, true, symphony.PresenceBusy, false, symphony.PresenceBusy},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod, client := phones(t, test.user)
			before, err := client.GetUserPresence(t.Context(), 4711, true)
			require.NoError(t, err)
			change := stored(t, symphony.PresenceChange{UserID: 4711, Set: symphony.PresenceOnThePhone, Before: *before})
			if test.set {
				_, err = client.SetUserPresence(t.Context(), 4711, symphony.PresenceOnThePhone, true)
				require.NoError(t, err)
			}
			if test.during != "" {
				pod.AddUser(symphonytest.User{ID: 4711, Category: test.during})
			}
			_, reverted, err := client.RevertUserPresence(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, test.reverted, reverted)
			pod.SetActivity(4711, symphonytest.Online)
			requireShown(t, client, test.online)
		})
	}
}

// A set whose response is lost may have been applied, so its change can be reverted.
func TestChangeWhoseResponseIsLost(t *testing.T) {
	t.Parallel()
	pod, client := phones(t, symphonytest.User{Category: symphony.PresenceInAMeeting})
	pod.Fail(symphonytest.Fault{Method: http.MethodPost, CutBody: true})
	change, err := client.ChangeUserPresence(t.Context(), 4711, symphony.PresenceOnThePhone, true)
	require.Error(t, err)
	require.EqualValues(t, 4711, change.UserID)
	require.Equal(t, symphony.PresenceOnThePhone, change.Set)
	require.Equal(t, symphony.PresenceInAMeeting, change.Before.Category)
	require.Zero(t, change.After)
	// CutBody applies the update.
	requireShown(t, client, symphony.PresenceOnThePhone)
	_, reverted, err := client.RevertUserPresence(t.Context(), stored(t, change))
	require.NoError(t, err)
	require.True(t, reverted)
	requireShown(t, client, symphony.PresenceInAMeeting)
}

func TestChangeErrors(t *testing.T) {
	t.Parallel()
	pod, client := phones(t, symphonytest.User{})
	change, err := client.ChangeUserPresence(t.Context(), 4712, symphony.PresenceBusy, true)
	require.True(t, is[*symphony.NotFoundError](err))
	require.Zero(t, change, "the read failed, and nothing was set")
	require.Len(t, pod.Requests(), 1)

	pod.Fail(symphonytest.Fault{Method: http.MethodPost, Status: 503})
	change, err = client.ChangeUserPresence(t.Context(), 4711, symphony.PresenceBusy, true)
	require.True(t, is[*symphony.ServerError](err))
	require.Equal(t, symphony.PresenceBusy, change.Set)
	require.Zero(t, change.After)

	pod.Fail(symphonytest.Fault{Method: http.MethodGet, Status: 503})
	presence, reverted, err := client.RevertUserPresence(t.Context(), change)
	require.True(t, is[*symphony.ServerError](err))
	require.Nil(t, presence)
	require.False(t, reverted)

	pod.SetActivity(4711, symphonytest.Offline)
	pod.Fail(symphonytest.Fault{Method: http.MethodPost, Status: 503})
	presence, reverted, err = client.RevertUserPresence(t.Context(), change)
	require.True(t, is[*symphony.ServerError](err))
	require.Nil(t, presence)
	require.False(t, reverted)
}

func TestChangeInvalidArguments(t *testing.T) {
	t.Parallel()
	pod, client := phones(t, symphonytest.User{})
	var none context.Context
	for _, test := range []struct {
		name     string
		call     func() error
		argument string
	}{
		{"change, user id", func() error {
			_, err := client.ChangeUserPresence(t.Context(), 0, symphony.PresenceBusy, true)
			return err
		}, "userID"},
		{"change, category", func() error {
			_, err := client.ChangeUserPresence(t.Context(), 4711, "", true)
			return err
		}, "category"},
		{"change, context", func() error {
			_, err := client.ChangeUserPresence(none, 4711, symphony.PresenceBusy, true)
			return err
		}, "ctx"},
		{"revert, zero", func() error {
			_, _, err := client.RevertUserPresence(t.Context(), symphony.PresenceChange{})
			return err
		}, "change"},
		{"revert, user id", func() error {
			_, _, err := client.RevertUserPresence(t.Context(), symphony.PresenceChange{UserID: -1, Set: "BUSY"})
			return err
		}, "change"},
		{"revert, neither Set nor After", func() error {
			_, _, err := client.RevertUserPresence(t.Context(), symphony.PresenceChange{UserID: 4711, Before: symphony.V2Presence{Category: "BUSY"}})
			return err
		}, "change"},
		{"revert, context", func() error {
			_, _, err := client.RevertUserPresence(none, symphony.PresenceChange{UserID: 4711, Set: "BUSY"})
			return err
		}, "ctx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var refused *symphony.InvalidArgumentError
			require.ErrorAs(t, test.call(), &refused)
			require.Equal(t, test.argument, refused.Argument)
		})
	}
	require.Empty(t, pod.Requests(), "nothing was sent")
}

func TestRestores(t *testing.T) {
	t.Parallel()
	for before, want := range map[symphony.PresenceCategory]symphony.PresenceCategory{
		"": "AVAILABLE", "UNDEFINED": "AVAILABLE", "AVAILABLE": "AVAILABLE", "AWAY": "AVAILABLE", "OFFLINE": "AVAILABLE",
		"ON_THE_PHONE": "AVAILABLE", // the category of the change
		"BUSY":         "BUSY", "DO_NOT_DISTURB": "DO_NOT_DISTURB", "BE_RIGHT_BACK": "BE_RIGHT_BACK", "IN_A_MEETING": "IN_A_MEETING",
		"OUT_OF_OFFICE": "OUT_OF_OFFICE", "OFF_WORK": "OFF_WORK", "LUNCH": "LUNCH",
	} {
		change := symphony.PresenceChange{UserID: 1, Set: symphony.PresenceOnThePhone, Before: symphony.V2Presence{Category: before}}
		require.Equal(t, want, change.Restores(), before)
	}
	for _, category := range symphony.PresenceCategories() {
		require.Equal(t, category == "ON_THE_PHONE", symphony.PresenceChange{Set: "BUSY", Before: symphony.V2Presence{Category: category}}.Restores() == "ON_THE_PHONE")
	}
}

// What the pod shows decides whether a change is still in effect.
func TestRevertUserPresence(t *testing.T) {
	t.Parallel()
	const meeting = `"before":{"category":"IN_A_MEETING","timestamp":1000}`
	for _, test := range []struct {
		name, change, current string
		want                  symphony.PresenceCategory // that is set; none: nothing is
	}{
		{"as after the change", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE","timestamp":2000}`, `"ON_THE_PHONE","timestamp":2000`, "IN_A_MEETING"},
		{"set later", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE","timestamp":2000}`, `"ON_THE_PHONE","timestamp":2001`, ""},
		{"set earlier", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE","timestamp":2000}`, `"ON_THE_PHONE","timestamp":1999`, ""},
		{"without a timestamp in the response", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE"}`, `"ON_THE_PHONE","timestamp":2000`, "IN_A_MEETING"},
		{"without a timestamp now", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE","timestamp":2000}`, `"ON_THE_PHONE"`, "IN_A_MEETING"},
		{"another category", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE","timestamp":2000}`, `"BUSY","timestamp":2000`, ""},
		{"offline", `"set":"ON_THE_PHONE","after":{"category":"ON_THE_PHONE","timestamp":2000}`, `"OFFLINE","timestamp":3000`, "IN_A_MEETING"},
		{"away, set to available", `"set":"AVAILABLE","after":{"category":"AVAILABLE","timestamp":2000}`, `"AWAY","timestamp":2500`, "IN_A_MEETING"},
		{"away, set to busy", `"set":"BUSY","after":{"category":"BUSY","timestamp":2000}`, `"AWAY","timestamp":2500`, "IN_A_MEETING"},
		{"away, set to another", `"set":"OUT_OF_OFFICE","after":{"category":"OUT_OF_OFFICE","timestamp":2000}`, `"AWAY","timestamp":2500`, ""},
		{"away, set to away", `"set":"AWAY","after":{"category":"AWAY","timestamp":2000}`, `"AWAY","timestamp":2000`, "IN_A_MEETING"},
		{"was idle, and is so", `"set":"BUSY","after":{"category":"AWAY","timestamp":2000}`, `"AWAY","timestamp":2000`, "IN_A_MEETING"},
		{"was idle, shows now", `"set":"BUSY","after":{"category":"AWAY","timestamp":2000}`, `"BUSY","timestamp":3000`, "IN_A_MEETING"},
		{"was offline, shows now", `"set":"ON_THE_PHONE","after":{"category":"OFFLINE","timestamp":2000}`, `"ON_THE_PHONE","timestamp":3000`, "IN_A_MEETING"},
		{"was offline, another now", `"set":"ON_THE_PHONE","after":{"category":"OFFLINE","timestamp":2000}`, `"AVAILABLE","timestamp":3000`, ""},
		{"response unknown, shows now", `"set":"ON_THE_PHONE"`, `"ON_THE_PHONE","timestamp":3000`, "IN_A_MEETING"},
		{"response unknown, another now", `"set":"ON_THE_PHONE"`, `"AVAILABLE","timestamp":3000`, ""},
		{"response unknown, as before", `"set":"ON_THE_PHONE"`, `"IN_A_MEETING","timestamp":1000`, ""},
		{"category unknown", `"after":{"category":"LUNCH","timestamp":2000}`, `"LUNCH","timestamp":2000`, "IN_A_MEETING"},
		{"category unknown, another now", `"after":{"category":"LUNCH","timestamp":2000}`, `"BUSY","timestamp":2000`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var change symphony.PresenceChange
			require.NoError(t, json.Unmarshal([]byte(`{"userId":4711,`+meeting+`,`+test.change+`}`), &change))
			var requests []string
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				requests = append(requests, r.Method+" "+r.URL.String()+" "+string(body))
				if r.Method == http.MethodGet {
					fmt.Fprintf(w, `{"category":%s}`, test.current)
					return
				}
				fmt.Fprint(w, `{"category":"SET"}`)
			})
			presence, reverted, err := client.RevertUserPresence(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, test.want != "", reverted)
			require.Equal(t, "GET /v3/user/4711/presence?local=true ", requests[0])
			if test.want == "" {
				require.Len(t, requests, 1)
				require.True(t, strings.HasPrefix(test.current, `"`+string(presence.Category)+`"`))
				return
			}
			require.EqualValues(t, "SET", presence.Category)
			require.Equal(t, []string{fmt.Sprintf(`POST /v3/user/presence?soft=true {"category":%q,"userId":4711}`, test.want)}, requests[1:])
		})
	}
}

// A calendar and a telephone system change the presence of one user: a call comes during
// a meeting.
func TestOverlappingChanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		end      func(t *testing.T, client *symphony.Client, meeting, call symphony.PresenceChange) (reverted []bool)
		reverted []bool
		shown    symphony.PresenceCategory
	}{
		{"out of order, by two services", func(t *testing.T, client *symphony.Client, meeting, call symphony.PresenceChange) []bool {
			_, first := revert(t, client, meeting)
			_, second := revert(t, client, call)
			return []bool{first, second}
		}, []bool{false, true}, symphony.PresenceInAMeeting},
		{"out of order, by one service", func(t *testing.T, client *symphony.Client, meeting, call symphony.PresenceChange) []bool {
			_, first := revert(t, client, meeting)
			require.Equal(t, meeting.After, call.Before)
			call.Before = meeting.Before
			_, second := revert(t, client, call)
			return []bool{first, second}
		}, []bool{false, true}, symphony.PresenceBusy},
		{"in order, by two services", func(t *testing.T, client *symphony.Client, meeting, call symphony.PresenceChange) []bool {
			_, first := revert(t, client, call)
			_, second := revert(t, client, meeting) // it was set again, perhaps by the user
			return []bool{first, second}
		}, []bool{true, false}, symphony.PresenceInAMeeting},
		{"in order, by one service", func(t *testing.T, client *symphony.Client, meeting, call symphony.PresenceChange) []bool {
			presence, first := revert(t, client, call)
			meeting.After = *presence
			_, second := revert(t, client, meeting)
			return []bool{first, second}
		}, []bool{true, true}, symphony.PresenceBusy},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &changePod{delay: func(string, int64) time.Duration { return time.Second }}
				client := pod.client(t)
				meeting, err := client.ChangeUserPresence(t.Context(), 4711, symphony.PresenceInAMeeting, true)
				require.NoError(t, err)
				call, err := client.ChangeUserPresence(t.Context(), 4711, symphony.PresenceOnThePhone, true)
				require.NoError(t, err)
				require.Equal(t, test.reverted, test.end(t, client, meeting, call))
				requireShown(t, client, test.shown)
			})
		})
	}
}

func revert(t *testing.T, client *symphony.Client, change symphony.PresenceChange) (*symphony.V2Presence, bool) {
	t.Helper()
	presence, reverted, err := client.RevertUserPresence(t.Context(), change)
	require.NoError(t, err)
	return presence, reverted
}

// changePod is a pod in a synctest bubble that keeps presences, and records the
// methods that it received for each user.
type changePod struct {
	respond func(method string, user int64) *http.Response // nil, or a nil response: as a pod does
	delay   func(method string, user int64) time.Duration

	mu       sync.Mutex
	shown    map[int64]symphony.V2Presence
	methods  map[int64][]string
	inFlight map[int64]int
	overlaps int // requests for a user who had one in flight
}

func (p *changePod) client(t *testing.T, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	p.shown, p.methods, p.inFlight = map[int64]symphony.V2Presence{}, map[int64][]string{}, map[int64]int{}
	return newClient(t, "https://acme.symphony.com/pod", static, append(opts, once, symphony.WithHTTPClient(&http.Client{Transport: p}))...)
}

func (p *changePod) RoundTrip(r *http.Request) (*http.Response, error) {
	var update symphony.V2Presence
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&update); err != nil {
			return nil, err
		}
	} else if _, err := fmt.Sscanf(r.URL.Path, "/pod/v3/user/%d/presence", &update.UserID); err != nil {
		return nil, err
	}
	user := update.UserID
	p.begin(r.Method, user)
	defer p.end(user)
	if p.delay != nil {
		select {
		case <-time.After(p.delay(r.Method, user)):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if p.respond != nil {
		if response := p.respond(r.Method, user); response != nil {
			return response, nil
		}
	}
	body, err := json.Marshal(p.presence(update))
	return response(200, string(body)), err
}

func (p *changePod) begin(method string, user int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.methods[user] = append(p.methods[user], method)
	if p.inFlight[user]++; p.inFlight[user] > 1 {
		p.overlaps++
	}
}

func (p *changePod) end(user int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight[user]--
}

// presence sets a presence, unless the category is empty, and returns the one that shows.
func (p *changePod) presence(update symphony.V2Presence) symphony.V2Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	shown, ok := p.shown[update.UserID]
	switch {
	case update.Category != "":
		shown = symphony.V2Presence{Category: update.Category, UserID: update.UserID, Timestamp: symphony.Timestamp{Time: time.Now().UTC()}}
		p.shown[update.UserID] = shown
	case !ok:
		shown = symphony.V2Presence{Category: symphony.PresenceBusy, UserID: update.UserID}
	}
	return shown
}

// A meeting of many people begins and ends.
func TestChangeUserPresences(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &changePod{delay: func(string, int64) time.Duration { return 10 * time.Millisecond }}
		client := pod.client(t)
		changes := make([]symphony.PresenceChange, 1000)
		for result := range client.ChangeUserPresences(t.Context(), users(1000, new(int))) {
			require.NoError(t, result.Err)
			require.EqualValues(t, result.Index+1, result.Update.UserID)
			require.Equal(t, result.Update.UserID, result.Change.UserID)
			require.Equal(t, symphony.PresenceBusy, result.Change.After.Category)
			require.Zero(t, changes[result.Index], "one result for each update")
			changes[result.Index] = result.Change
		}
		pod.mu.Lock()
		pod.shown[17] = symphony.V2Presence{Category: symphony.PresenceAway, UserID: 17}
		pod.shown[18] = symphony.V2Presence{Category: symphony.PresenceOutOfOffice, UserID: 18}
		pod.mu.Unlock()
		seen := map[int]bool{}
		for result := range client.RevertUserPresences(t.Context(), slices.Values(changes), symphony.WithConcurrency(64)) {
			require.NoError(t, result.Err)
			require.Equal(t, changes[result.Index], result.Change)
			require.Equal(t, result.Index != 17, result.Reverted, "user 18 chose another presence")
			require.NotNil(t, result.Presence)
			seen[result.Index] = true
		}
		require.Len(t, seen, 1000)
		require.Len(t, pod.methods, 1000)
		require.Zero(t, pod.overlaps)
	})
}

// The changes of one user follow one another whole: a read is never between the read and
// the set of another change.
func TestChangesOfOneUserAreNotInterleaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &changePod{}
		calls := 0
		pod.delay = func(string, int64) time.Duration {
			pod.mu.Lock()
			defer pod.mu.Unlock()
			calls++
			return time.Duration(calls*7919%50) * time.Millisecond
		}
		updates := make([]symphony.PresenceUpdate, 300)
		for i := range updates {
			updates[i] = symphony.PresenceUpdate{UserID: int64(i%7) + 1, Category: symphony.PresenceCategory(fmt.Sprint("C", i))}
		}
		for result := range pod.client(t).ChangeUserPresences(t.Context(), slices.Values(updates), symphony.WithConcurrency(16)) {
			require.NoError(t, result.Err)
			want := symphony.PresenceBusy
			if result.Index >= 7 {
				want = updates[result.Index-7].Category
			}
			require.Equal(t, want, result.Change.Before.Category)
		}
		require.Zero(t, pod.overlaps)
		for _, methods := range pod.methods {
			for i, method := range methods {
				require.Equal(t, []string{http.MethodGet, http.MethodPost}[i%2], method)
			}
		}
	})
}

// When a run ends between the read and the set of a change, nothing more is sent, and
// the half change comes back.
func TestBulkChangeEndsHalfway(t *testing.T) {
	t.Parallel()
	slow := func(method string, user int64) time.Duration {
		if method == http.MethodGet && user == 1 {
			return 2 * time.Second
		}
		return time.Second
	}
	unauthorized := func(_ string, user int64) *http.Response {
		if user == 2 {
			return response(401, "")
		}
		return nil
	}
	t.Run("change", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			pod := &changePod{delay: slow, respond: unauthorized}
			results := slices.SortedFunc(pod.client(t).ChangeUserPresences(t.Context(), users(2, new(int))), func(a, b symphony.ChangeResult) int { return a.Index - b.Index })
			require.Len(t, results, 2)
			require.True(t, is[*symphony.UnauthorizedError](results[1].Err))
			require.Zero(t, results[1].Change)
			require.Equal(t, results[1].Err, results[0].Err)
			require.Equal(t, symphony.PresenceChange{UserID: 1, Set: "BUSY", Before: symphony.V2Presence{Category: "BUSY", UserID: 1}}, results[0].Change)
			require.Equal(t, []string{http.MethodGet}, pod.methods[1])
		})
	})
	t.Run("revert", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			pod := &changePod{delay: slow, respond: unauthorized}
			changes := []symphony.PresenceChange{{UserID: 1, Set: "BUSY"}, {UserID: 2, Set: "BUSY"}}
			for result := range pod.client(t).RevertUserPresences(t.Context(), slices.Values(changes)) {
				require.True(t, is[*symphony.UnauthorizedError](result.Err))
				require.Equal(t, changes[result.Index], result.Change)
				require.Nil(t, result.Presence)
				require.False(t, result.Reverted)
			}
			require.Equal(t, []string{http.MethodGet}, pod.methods[1])
		})
	})
}

// When the context ends during the set, the pod may have applied it: the half change
// comes back. A change that was never sent is zero.
func TestBulkChangeContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := &changePod{delay: func(method string, user int64) time.Duration {
			if method == http.MethodPost && user > 10 {
				return time.Hour
			}
			return time.Second
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		pulled, n := 0, 0
		for result := range pod.client(t, symphony.WithAttemptTimeout(24*time.Hour)).ChangeUserPresences(ctx, users(1000, &pulled)) {
			n++
			switch user := result.Update.UserID; {
			case user <= 10:
				require.NoError(t, result.Err)
			case user <= 18: // the 8 workers have them
				require.ErrorIs(t, result.Err, context.DeadlineExceeded)
				require.Equal(t, user, result.Change.UserID)
				require.Equal(t, symphony.PresenceBusy, result.Change.Set)
				require.Zero(t, result.Change.After)
			default:
				require.ErrorIs(t, result.Err, context.DeadlineExceeded)
				require.Zero(t, result.Change)
			}
		}
		require.Equal(t, pulled, n)
		require.Len(t, pod.methods, 18)
	})
}
