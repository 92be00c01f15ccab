package symphony_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestOwnPresence(t *testing.T) {
	t.Parallel()
	pod, client := connect(t)
	presence, err := client.SetPresence(t.Context(), symphony.PresenceBusy, true)
	require.NoError(t, err)
	require.Equal(t, symphony.PresenceBusy, presence.Category)
	again, err := client.GetPresence(t.Context())
	require.NoError(t, err)
	require.Equal(t, presence, again)

	requests := pod.Requests()
	require.Equal(t, "POST /v2/user/presence soft=true {\"category\":\"BUSY\"}", sentAs(requests[0]))
	require.Equal(t, "GET /v2/user/presence  ", sentAs(requests[1]))
	require.NotContains(t, requests[1].Header, "Content-Type")

	_, err = client.SetPresence(t.Context(), "", false)
	require.True(t, is[*symphony.InvalidArgumentError](err))
}

func sentAs(r symphonytest.Request) string {
	return strings.Join([]string{r.Method, r.Path, r.Query.Encode(), string(r.Body)}, " ")
}

func TestGetUserPresence(t *testing.T) {
	t.Parallel()
	pod, client := connect(t, symphonytest.WithUsers(
		symphonytest.User{ID: 1, Category: "FOCUS"},
		symphonytest.User{ID: 2, External: true, Category: symphony.PresenceBusy}))
	presence, err := client.GetUserPresence(t.Context(), 1, true)
	require.NoError(t, err)
	require.Equal(t, symphony.PresenceCategory("FOCUS"), presence.Category, "a category that the SDK does not know")
	require.Equal(t, "GET /v3/user/1/presence local=true ", sentAs(pod.Requests()[0]))

	external := func(local bool) symphony.PresenceCategory {
		presence, err := client.GetUserPresence(t.Context(), 2, local)
		require.NoError(t, err)
		return presence.Category
	}
	require.Equal(t, symphony.PresenceOffline, external(false), "no interest registered")
	require.NoError(t, client.RegisterPresenceInterest(t.Context(), 2, 1))
	require.Equal(t, "POST /v1/user/presence/register  [2,1]", sentAs(pod.Requests()[2]))
	require.Equal(t, symphony.PresenceBusy, external(false))
	require.Equal(t, symphony.PresenceOffline, external(true))

	_, err = client.GetUserPresence(t.Context(), 9, false)
	require.True(t, is[*symphony.NotFoundError](err))
	_, err = client.GetUserPresence(t.Context(), 0, false)
	require.True(t, is[*symphony.InvalidArgumentError](err))
	for _, ids := range [][]int64{nil, {1, 0}, {-1}} {
		require.True(t, is[*symphony.InvalidArgumentError](client.RegisterPresenceInterest(t.Context(), ids...)), ids)
	}
}

func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"format":"TEXT","message":"OK"}`: true, `{"id":"f"}`: true, `{}`: true,
		`<html><title>Sign in</title></html>`: false, `{"code":429,"message":"too many"}`: false, `{"format":"TEXT","message":"OK","code":null}`: true, ``: false, `null`: false, `[]`: false, `"OK"`: false,
	} {
		client := serve(t, respond(200, body))
		for _, err := range []error{
			client.RegisterPresenceInterest(t.Context(), 1),
			client.DeletePresenceFeed(t.Context(), "f"),
		} {
			require.Equal(t, ok, err == nil, "%s: %v", body, err)
			require.Equal(t, !ok, is[*symphony.DecodeError](err))
		}
	}
}

func TestListPresences(t *testing.T) {
	t.Parallel()
	pod, client := connect(t, symphonytest.WithUsers(
		symphonytest.User{ID: 3}, symphonytest.User{ID: 1}, symphonytest.User{ID: 2, Inactive: true}, symphonytest.User{ID: 4}))
	page, err := client.ListPresences(t.Context(), 0, 0)
	require.NoError(t, err)
	require.Len(t, page, 4, "the three active users, and the service user itself")
	page, err = client.ListPresences(t.Context(), 2, 1)
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, int64(3), page[0].UserID)
	require.Empty(t, pod.Requests()[0].Query, "0 leaves a parameter out")
	require.Equal(t, url.Values{"lastUserId": {"2"}, "limit": {"1"}}, pod.Requests()[1].Query)

	for _, test := range []struct {
		last     int64
		limit    int
		argument string
	}{{-1, 0, "lastUserID"}, {0, -1, "limit"}, {0, 5001, "limit"}} {
		_, err := client.ListPresences(t.Context(), test.last, test.limit)
		invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err)
		require.True(t, ok)
		require.Equal(t, test.argument, invalid.Argument)
	}
	require.Len(t, pod.Requests(), 2)

	for _, body := range []string{`null`, `{}`, ``, `[{"userId":1}]`, `[null]`, `[{"category":"BUSY"},{}]`, `<html>`} {
		page, err := serve(t, respond(200, body)).ListPresences(t.Context(), 0, 0)
		require.True(t, is[*symphony.DecodeError](err), body)
		require.Nil(t, page)
	}
	page, err = serve(t, respond(200, `[]`)).ListPresences(t.Context(), 0, 0)
	require.NoError(t, err)
	require.Empty(t, page)
}

// pages is a listing of a pod with its own idea of lastUserId and of order.
func pages(all []int64, size int, inclusive, shuffled bool, requests *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*requests++
		last, _ := strconv.ParseInt(r.URL.Query().Get("lastUserId"), 10, 64)
		page := []int64{}
		for _, id := range all {
			if (id > last || inclusive && id == last) && len(page) < size {
				page = append(page, id)
			}
		}
		if shuffled {
			slices.Reverse(page)
		}
		texts := make([]string, len(page))
		for i, id := range page {
			texts[i] = fmt.Sprintf(`{"category":"BUSY","userId":%d}`, id)
		}
		_, _ = io.WriteString(w, "["+strings.Join(texts, ",")+"]")
	}
}

func TestAllPresences(t *testing.T) {
	t.Parallel()
	all := make([]int64, 100)
	for i := range all {
		all[i] = int64(i)*3 + 1
	}
	for _, size := range []int{2, 7, 100, 1000} {
		for _, inclusive := range []bool{true, false} {
			for _, shuffled := range []bool{true, false} {
				t.Run(fmt.Sprint(size, inclusive, shuffled), func(t *testing.T) {
					t.Parallel()
					var requests int
					sequence := serve(t, pages(all, size, inclusive, shuffled, &requests)).AllPresences(t.Context())
					for range 2 { // it can be ranged twice
						var got []int64
						for presence, err := range sequence {
							require.NoError(t, err)
							got = append(got, presence.UserID)
						}
						slices.Sort(got)
						require.Equal(t, all, got, "each user once")
					}
				})
			}
		}
	}

	t.Run("lazy", func(t *testing.T) {
		t.Parallel()
		var requests int
		for _, err := range serve(t, pages(all, 7, true, false, &requests)).AllPresences(t.Context()) {
			require.NoError(t, err)
			break
		}
		require.Equal(t, 1, requests, "pages are expensive")
	})
	t.Run("a pod that ignores lastUserId", func(t *testing.T) {
		t.Parallel()
		got := 0
		for _, err := range serve(t, respond(200, "["+busy+"]")).AllPresences(t.Context()) {
			require.NoError(t, err)
			got++
		}
		require.Equal(t, 1, got)
	})
	t.Run("no one", func(t *testing.T) {
		t.Parallel()
		for presence, err := range serve(t, respond(200, "[]")).AllPresences(t.Context()) {
			t.Error("somebody", presence, err)
		}
	})
	t.Run("an error ends it", func(t *testing.T) {
		t.Parallel()
		page := 0
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if page++; page > 1 {
				respond(403, "")(w, r)
				return
			}
			respond(200, "["+busy+"]")(w, r)
		})
		var got []error
		for _, err := range client.AllPresences(t.Context()) {
			got = append(got, err)
		}
		require.Len(t, got, 2)
		require.NoError(t, got[0])
		require.True(t, is[*symphony.ForbiddenError](got[1]))
	})
}

func TestFeeds(t *testing.T) {
	t.Parallel()
	pod, client := connect(t, symphonytest.WithUsers(symphonytest.User{ID: 1}, symphonytest.User{ID: 2}))
	feed, err := client.CreatePresenceFeed(t.Context())
	require.NoError(t, err)
	changes := func() []int64 {
		presences, err := client.ReadPresenceFeed(t.Context(), feed)
		require.NoError(t, err)
		ids := []int64{}
		for _, presence := range presences {
			ids = append(ids, presence.UserID)
		}
		return ids
	}
	require.Empty(t, changes())
	for _, id := range []int64{2, 1, 2} {
		_, err := client.SetUserPresence(t.Context(), id, symphony.PresenceBusy, false)
		require.NoError(t, err)
	}
	require.Equal(t, []int64{2, 1}, changes())
	require.Empty(t, changes())
	pod.Fail(symphonytest.Fault{CutBody: true})
	require.NoError(t, client.DeletePresenceFeed(t.Context(), feed), "the second attempt finds it gone")
	require.True(t, is[*symphony.BadRequestError](client.DeletePresenceFeed(t.Context(), feed)))
	_, err = client.ReadPresenceFeed(t.Context(), feed)
	require.True(t, is[*symphony.BadRequestError](err))
	for _, request := range pod.Requests() {
		if strings.Contains(request.Path, "feed") {
			require.Empty(t, request.Body)
			require.NotContains(t, request.Header, "Content-Type")
		}
	}
}

func TestFeedArguments(t *testing.T) {
	t.Parallel()
	var uri string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri = r.URL.EscapedPath()
		respond(200, `[]`)(w, r)
	})
	_, err := client.ReadPresenceFeed(t.Context(), "a/b+c= d%2F?e#f")
	require.NoError(t, err)
	require.Equal(t, "/v1/presence/feed/a%2Fb%2Bc%3D%20d%252F%3Fe%23f/read", uri)

	for _, id := range []string{"", ".", "..", "a/../b", "a/."} {
		_, err := client.ReadPresenceFeed(t.Context(), id)
		require.True(t, is[*symphony.InvalidArgumentError](err))
		require.True(t, is[*symphony.InvalidArgumentError](client.DeletePresenceFeed(t.Context(), id)))
	}
	for _, body := range []string{`{}`, `{"id":""}`, `null`, `<html>`} {
		feed, err := serve(t, respond(200, body)).CreatePresenceFeed(t.Context())
		require.True(t, is[*symphony.DecodeError](err), body)
		require.Empty(t, feed)
	}
}

// What an earlier attempt may have done is no error; what no attempt did is.
func TestDeletePresenceFeedAfterAnotherAttempt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		first func(*http.Request) (*http.Response, error)
		ok    bool
	}{
		{"a lost response", fails(io.ErrUnexpectedEOF), true},
		{"a gateway's timeout", responds(504), true},
		{"an internal error", responds(500), true},
		{"rate limiting", responds(429), false},
		{"an expired session", responds(401), false},
		{"a request timeout", responds(408), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){test.first, responds(400)}}
				tokens := &refresher{token: "old", next: []string{"new"}}
				client := newClient(t, "https://acme.symphony.com/pod", tokens, symphony.WithHTTPClient(&http.Client{Transport: transport}))
				err := client.DeletePresenceFeed(t.Context(), "f")
				require.Equal(t, test.ok, err == nil, err)
				require.Equal(t, 2, transport.sent)
			})
		})
	}
}

// 100,000 ids do not go into one request.
func TestRegisterManyUsers(t *testing.T) {
	t.Parallel()
	var sizes []int
	var all []int64
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var ids []int64
		if json.NewDecoder(r.Body).Decode(&ids) != nil || len(sizes) == 3 {
			respond(400, "")(w, r)
			return
		}
		sizes, all = append(sizes, len(ids)), append(all, ids...)
		respond(200, `{"format":"TEXT","message":"OK"}`)(w, r)
	})
	ids := make([]int64, 2001)
	for i := range ids {
		ids[i] = int64(i) + 1
	}
	require.NoError(t, client.RegisterPresenceInterest(t.Context(), ids...))
	require.Equal(t, []int{1000, 1000, 1}, sizes)
	require.Equal(t, ids, all)
	require.Error(t, client.RegisterPresenceInterest(t.Context(), ids...), "an error ends it")

	require.True(t, is[*symphony.InvalidArgumentError](client.RegisterPresenceInterest(t.Context(), append(ids, 0)...)))
}

// Users whom the pod lists without an id are yielded, and do not keep the pages coming.
func TestAllPresencesWithoutIDs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		list [][]int64 // ids of the pages; the last one comes again and again
		want []int64
	}{
		{"nothing but", [][]int64{{0, 0}}, []int64{0, 0}},
		{"among others", [][]int64{{1, 0, 2}, {2, 0}}, []int64{1, 0, 2}},
		{"on a later page", [][]int64{{1}, {0, 2}, {2}}, []int64{1, 0, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			page := 0
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				list := []symphony.V2Presence{}
				for _, id := range test.list[min(page, len(test.list)-1)] {
					list = append(list, symphony.V2Presence{Category: symphony.PresenceBusy, UserID: id})
				}
				page++
				body, _ := json.Marshal(list)
				respond(200, string(body))(w, r)
			})
			var got []int64
			for presence, err := range client.AllPresences(t.Context()) {
				require.NoError(t, err)
				got = append(got, presence.UserID)
			}
			require.Equal(t, test.want, got)
		})
	}
}

// A session that expires between does not hide that an earlier attempt may have deleted it.
func TestDeletePresenceFeedAcrossARefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){fails(io.ErrUnexpectedEOF), responds(401), responds(404)}}
		client := newClient(t, "https://acme.symphony.com/pod", &refresher{token: "old", next: []string{"new"}},
			symphony.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(t, client.DeletePresenceFeed(t.Context(), "f"))
		require.Equal(t, 3, transport.sent)
	})
}
