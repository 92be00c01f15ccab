package symphony_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// directory serves GET /v3/users like a pod, and records the queries.
type directory struct {
	users  []symphony.User
	reject map[string]string // keys under "errors", with the reason
	fail   func(request int) (status int)

	mu      sync.Mutex
	queries []url.Values
	longest int // bytes of a query
}

func (d *directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	d.mu.Lock()
	d.queries = append(d.queries, query)
	d.longest = max(d.longest, len(r.URL.RawQuery))
	request := len(d.queries)
	d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet || r.URL.Path != "/v3/users" || query.Get("local") != "true" || query.Get("active") != "true" || r.ContentLength > 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if d.fail != nil {
		if status := d.fail(request); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	list := d.list(query)
	if list == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (d *directory) list(query url.Values) map[string]any {
	users, rejected := []symphony.User{}, []map[string]string{}
	for _, parameter := range []string{"email", "username"} {
		for key := range strings.SplitSeq(query.Get(parameter), ",") {
			if reason, ok := d.reject[key]; ok {
				rejected = append(rejected, map[string]string{"error": reason, parameter: key})
			}
			for _, user := range d.users {
				if key != "" && strings.EqualFold(key, map[string]string{"email": user.EmailAddress, "username": user.Username}[parameter]) {
					users = append(users, user)
				}
			}
		}
	}
	if len(users)+len(rejected) == 0 {
		return nil
	}
	return map[string]any{"users": users, "errors": rejected}
}

func (d *directory) client(t *testing.T, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	return serve(t, d.ServeHTTP, opts...)
}

var (
	ann = symphony.User{
		ID: 4711, EmailAddress: "ann@acme.com", Username: "ann.s", DisplayName: "Ann Smith", FirstName: "Ann", LastName: "Smith",
		Company: "Acme", Department: "Sales", AccountType: symphony.AccountNormal,
	}
	bob = symphony.User{ID: 1<<62 + 1, EmailAddress: "Bob+x@acme.com", Username: "BOB", AccountType: "NEW_TYPE"}
)

func TestUsersByEmail(t *testing.T) {
	t.Parallel()
	pod := &directory{
		users:  []symphony.User{ann, bob, {ID: 3, EmailAddress: "ANN@acme.com"}},
		reject: map[string]string{"bad@": "invalid.format"},
	}
	keys := []string{"bob+x@ACME.com", "eve@acme.com", "  ann@acme.com ", "bad@", "a,b", "Ann@acme.com"}
	results := slices.Collect(pod.client(t).UsersByEmail(t.Context(), slices.Values(keys)))
	require.Len(t, results, len(keys))
	for i, result := range results {
		require.Equal(t, i, result.Index)
		require.Equal(t, keys[i], result.Key)
		require.Equal(t, result.Err == nil, result.User != nil)
	}
	require.Equal(t, bob, *results[0].User)
	require.ErrorIs(t, results[1].Err, symphony.ErrUserNotFound)
	require.ErrorContains(t, results[1].Err, "eve@acme.com")
	require.Equal(t, ann, *results[2].User, "the first of two users with the address")
	require.EqualError(t, results[3].Err, `symphony: GET /v3/users: email "bad@" was rejected: invalid.format`)
	require.NotErrorIs(t, results[3].Err, symphony.ErrUserNotFound)
	require.True(t, is[*symphony.InvalidArgumentError](results[4].Err))
	require.Equal(t, ann, *results[5].User)
	require.NotSame(t, results[2].User, results[5].User, "each result has a User of its own")
	require.Equal(t, []url.Values{{
		"email": {"bob+x@ACME.com,eve@acme.com,ann@acme.com,bad@"}, "local": {"true"}, "active": {"true"},
	}}, pod.queries, "each key is sent once, and the refused one is not")
}

func TestUsersByUsername(t *testing.T) {
	t.Parallel()
	pod := &directory{users: []symphony.User{ann, bob}}
	results := slices.Collect(pod.client(t).UsersByUsername(t.Context(), slices.Values([]string{"bob", "ann@acme.com", ""})))
	require.Len(t, results, 3)
	require.Equal(t, bob, *results[0].User)
	require.ErrorIs(t, results[1].Err, symphony.ErrUserNotFound, "it is an e-mail address")
	var refused *symphony.InvalidArgumentError
	require.ErrorAs(t, results[2].Err, &refused)
	require.Equal(t, "username", refused.Argument)
	require.Equal(t, []url.Values{{"username": {"bob,ann@acme.com"}, "local": {"true"}, "active": {"true"}}}, pod.queries)
}

func TestUsersCompareKeysWithoutCase(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"users": []symphony.User{{ID: 1, Username: "νικος"}, {ID: 2, Username: "José"}, {ID: 3, Username: " kim"}}})
	})
	for result := range client.UsersByUsername(t.Context(), slices.Values([]string{"ΝΙΚΟΣ", "JOSÉ", "\u00a0KIM "})) {
		require.NoError(t, result.Err)
		require.EqualValues(t, result.Index+1, result.User.ID)
	}
}

// Two letters may have the same upper case and still be different letters.
func TestUsersDoNotConfuseLetters(t *testing.T) {
	t.Parallel()
	pod := &directory{users: []symphony.User{{ID: 1, Username: "ali"}, {ID: 2, Username: "al\u0131"}}}
	results := slices.Collect(pod.client(t).UsersByUsername(t.Context(), slices.Values([]string{"ali", "al\u0131", "AL\u0130"})))
	require.Len(t, results, 3)
	require.EqualValues(t, 1, results[0].User.ID)
	require.EqualValues(t, 2, results[1].User.ID, "a dotless i")
	require.ErrorIs(t, results[2].Err, symphony.ErrUserNotFound, "a capital I with a dot")
}

func TestUsersInvalidKeys(t *testing.T) {
	t.Parallel()
	const room = 4000 - len("email=&local=true&active=true")
	for _, test := range []struct {
		name, key, reason string // no reason: it is sent
	}{
		{"empty", "", "is empty"},
		{"spaces", " \u00a0", "is empty"},
		{"comma", "ann@acme.com,bob@acme.com", "comma"},
		{"line break", "ann\r\n@acme.com", "control character"},
		{"line break at the end", "ann@acme.com\r", "control character"},
		{"tab at the start", "\tann@acme.com", "control character"},
		{"NUL", "\x00", "control character"},
		{"invalid UTF-8", "ann\xff@acme.com", "UTF-8"},
		{"too long", strings.Repeat("a", room+1), "does not fit"},
		{"too long when encoded", strings.Repeat("@", room/3+1), "does not fit"},
		{"longest", strings.Repeat("a", room), ""},
		{"longest with spaces around it", " " + strings.Repeat("a", room) + " ", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := &directory{}
			results := slices.Collect(pod.client(t).UsersByEmail(t.Context(), slices.Values([]string{test.key})))
			require.Len(t, results, 1)
			require.Equal(t, test.key, results[0].Key)
			require.Nil(t, results[0].User)
			requireOneLine(t, results[0].Err.Error())
			if test.reason == "" {
				require.ErrorIs(t, results[0].Err, symphony.ErrUserNotFound)
				require.Len(t, pod.queries, 1)
				require.Equal(t, 4000, pod.longest)
				return
			}
			var refused *symphony.InvalidArgumentError
			require.ErrorAs(t, results[0].Err, &refused)
			require.Equal(t, "email", refused.Argument)
			require.Contains(t, refused.Reason, test.reason)
			require.Empty(t, pod.queries)
		})
	}
}

func TestUsersRequestLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		keys     int
		length   int // of a key
		requests []int
	}{
		{"one request", 100, 12, []int{100}},
		{"one key more", 101, 12, []int{100, 1}},
		{"three requests", 250, 12, []int{100, 100, 50}},
		{"long keys", 21, 396, []int{10, 10, 1}},
		{"exactly 4,000 bytes", 12, 330, []int{12}}, // with 11 commas, and 29 bytes of other parameters
		{"a byte more", 29, 136, []int{28, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := &directory{}
			var keys []string
			for i := range test.keys {
				user := symphony.User{ID: int64(i) + 1, EmailAddress: fmt.Sprintf("%0*d", test.length, i)}
				pod.users = append(pod.users, user)
				keys = append(keys, user.EmailAddress)
			}
			n := 0
			for result := range pod.client(t).UsersByEmail(t.Context(), slices.Values(keys)) {
				require.NoError(t, result.Err)
				require.Equal(t, n, result.Index)
				require.Equal(t, pod.users[n], *result.User)
				n++
			}
			require.Equal(t, test.keys, n)
			var requests []int
			for _, query := range pod.queries {
				requests = append(requests, strings.Count(query.Get("email"), ",")+1)
			}
			require.Equal(t, test.requests, requests)
			require.LessOrEqual(t, pod.longest, 4000)
		})
	}
}

// What the pod says of one key decides its result; what it says of others does not.
func TestUsersResponses(t *testing.T) {
	t.Parallel()
	const key = "ann@acme.com"
	found := func(err error) bool { return err == nil }
	notFound := func(err error) bool { return errors.Is(err, symphony.ErrUserNotFound) }
	unusable := is[*symphony.DecodeError]
	rejected := func(err error) bool {
		return errors.Is(err, symphony.ErrLookupRejected) && strings.HasSuffix(err.Error(), ": bad.key") && !notFound(err)
	}
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   func(error) bool
	}{
		{"found", 200, `{"users":[{"id":1,"emailAddress":"ANN@acme.com"}]}`, found},
		{"found, no errors", 200, `{"users":[{"id":1,"emailAddress":"ann@acme.com"}],"errors":null}`, found},
		{"null names and unknown fields", 200, `{"users":[{"id":1,"emailAddress":"ann@acme.com","username":null,"displayName":null,"accountType":null,"avatars":[{}],"new":1}]}`, found},
		{"found and rejected", 200, `{"users":[{"id":1,"emailAddress":"ann@acme.com"}],"errors":[{"error":"bad.key","email":"ann@acme.com"}]}`, found},
		{"other users", 200, `{"users":[{"id":1,"emailAddress":"bob@acme.com"},{"id":2,"username":"ann@acme.com"},null]}`, notFound},
		{"empty list", 200, `{"users":[]}`, notFound},
		{"no content", 204, ``, notFound},
		{"without an id", 200, `{"users":[{"emailAddress":"ann@acme.com"}]}`, unusable},
		{"null id", 200, `{"users":[{"id":null,"emailAddress":"ann@acme.com"}]}`, unusable},
		{"negative id", 200, `{"users":[{"id":-1,"emailAddress":"ann@acme.com"}]}`, unusable},
		{"another user without an id", 200, `{"users":[{"emailAddress":"bob@acme.com"},{"id":1,"emailAddress":"ann@acme.com"}]}`, found},
		{"rejected email", 200, `{"users":[],"errors":[{"error":"bad.key","email":"Ann@acme.com"}]}`, rejected},
		{"rejected id", 200, `{"errors":[{"error":"bad.key","id":"ann@acme.com"}]}`, rejected},
		{"rejected username", 200, `{"errors":[{"error":"bad.key","username":"ann@acme.com","id":17}]}`, rejected},
		{"rejected, without a reason", 200, `{"errors":[{"error":{},"email":"ann@acme.com"}]}`, func(err error) bool {
			return err != nil && strings.HasSuffix(err.Error(), "was rejected")
		}},
		{"another key rejected", 200, `{"errors":[{"error":"bad.key","email":"bob@acme.com"},{"error":"bad.key"},null]}`, notFound},
		{"number as the reason", 200, `{"errors":[{"error":94,"email":"ann@acme.com"}]}`, func(err error) bool {
			return err != nil && strings.HasSuffix(err.Error(), ": 94")
		}},
		{"null", 200, `null`, unusable},
		{"null list", 200, `{"users":null}`, unusable},
		{"empty", 200, ``, unusable},
		{"no list", 200, `{}`, unusable},
		{"an error under 200", 200, `{"code":500,"message":"no"}`, unusable},
		{"list of users alone", 200, `[{"id":1,"emailAddress":"ann@acme.com"}]`, unusable},
		{"id above int64", 200, `{"users":[{"id":9223372036854775808,"emailAddress":"ann@acme.com"}]}`, unusable},
		{"page", 200, `<html><title>Sign in</title>`, unusable},
		{"truncated", 200, `{"users":[{"id":1,"emailAdd`, unusable},
		{"400", 400, `{"code":400,"message":"no"}`, is[*symphony.BadRequestError]},
		{"404", 404, `{"code":404,"message":"no"}`, is[*symphony.NotFoundError]},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := fake(t, func(*http.Request) (*http.Response, error) { return response(test.status, test.body), nil })
			results := slices.Collect(client.UsersByEmail(t.Context(), slices.Values([]string{key})))
			require.Len(t, results, 1)
			require.True(t, test.want(results[0].Err), "%v", results[0].Err)
			require.Equal(t, results[0].Err == nil, results[0].User != nil)
			if failed, ok := errors.AsType[*symphony.DecodeError](results[0].Err); ok {
				require.Equal(t, "/v3/users", failed.Path)
				require.Equal(t, 200, failed.StatusCode)
				require.Equal(t, 1, failed.Attempts)
				require.NotEmpty(t, failed.TraceID)
			}
		})
	}
}

// keys yields n keys and counts those that were pulled.
func keys(n int, pulled *int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			*pulled++
			if !yield(fmt.Sprintf("user%d@acme.com", i)) {
				return
			}
		}
	}
}

// A request that fails, fails its keys, and the sequence goes on.
func TestUsersGoOnAfterErrors(t *testing.T) {
	t.Parallel()
	for status, isType := range map[int]func(error) bool{
		400: is[*symphony.BadRequestError],
		404: is[*symphony.NotFoundError],
		429: is[*symphony.RateLimitError],
		500: is[*symphony.ServerError],
		302: is[*symphony.APIError],
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			pod := &directory{fail: func(request int) int {
				if request == 2 {
					return status
				}
				return 0
			}}
			pulled, n := 0, 0
			for result := range pod.client(t, once).UsersByEmail(t.Context(), keys(300, &pulled)) {
				require.Equal(t, n, result.Index)
				failed := result.Index/100 == 1
				require.Equal(t, failed, isType(result.Err), "%v", result.Err)
				require.Equal(t, !failed, errors.Is(result.Err, symphony.ErrUserNotFound))
				n++
			}
			require.Equal(t, 300, n)
			require.Len(t, pod.queries, 3)
		})
	}
}

// An error that every later request would share ends the sequence: each key that was
// pulled has its result, and no further request is sent.
func TestUsersEnd(t *testing.T) {
	t.Parallel()
	sealed := errors.New("vault is sealed")
	static := func() symphony.SessionTokenProvider { return symphony.StaticSessionToken(secret) }
	for _, test := range []struct {
		name   string
		status int // of the second request
		tokens func() symphony.SessionTokenProvider
		opts   []symphony.Option
		is     func(error) bool
		sent   int
	}{
		{"unauthorized", 401, static, nil, is[*symphony.UnauthorizedError], 2},
		{"forbidden", 403, static, nil, is[*symphony.ForbiddenError], 2},
		{"token provider fails", 0, func() symphony.SessionTokenProvider { return failsAfter(1, sealed) }, nil, func(err error) bool { return errors.Is(err, sealed) }, 1},
		{"no token", 0, func() symphony.SessionTokenProvider { return failsAfter(1, nil) }, nil, func(err error) bool { return errors.Is(err, symphony.ErrNoSessionToken) }, 1},
		{"too late", 0, static, []symphony.Option{symphony.WithRateLimit(0.001)}, is[*symphony.RateLimitError], 1},
	} {
		for full, prefix := range map[string]string{"full by number": "", "full by bytes": strings.Repeat("x", 300)} {
			t.Run(test.name+", "+full, func(t *testing.T) {
				t.Parallel()
				var sent atomic.Int64
				transport := roundTrips(func(*http.Request) (*http.Response, error) {
					if sent.Add(1) == 2 && test.status != 0 {
						return response(test.status, ""), nil
					}
					return response(204, ""), nil
				})
				client := newClient(t, "https://acme.symphony.com/pod", test.tokens(), append(slices.Clip(test.opts), symphony.WithHTTPClient(&http.Client{Transport: transport}))...)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				pulled, n, sentKeys := 0, 0, 0
				source := func(yield func(string) bool) {
					for key := range keys(1000, &pulled) {
						if !yield(prefix + key) {
							return
						}
					}
				}
				for result := range client.UsersByEmail(ctx, source) {
					require.Equal(t, n, result.Index)
					n++
					if errors.Is(result.Err, symphony.ErrUserNotFound) {
						sentKeys++
						continue
					}
					require.True(t, test.is(result.Err), "%v", result.Err)
				}
				require.Equal(t, pulled, n, "each key that was pulled has a result")
				require.Positive(t, sentKeys)
				require.Greater(t, n, sentKeys)
				require.LessOrEqual(t, n, 200)
				require.EqualValues(t, test.sent, sent.Load())
			})
		}
	}
}

func TestUsersContextEnds(t *testing.T) {
	t.Parallel()
	pod := &directory{}
	client := pod.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	pulled, n := 0, 0
	source := func(yield func(string) bool) {
		for key := range keys(1000, &pulled) {
			if pulled == 150 {
				cancel()
			}
			if !yield(key) {
				return
			}
		}
	}
	for result := range client.UsersByEmail(ctx, source) {
		if n++; result.Index < 100 {
			require.ErrorIs(t, result.Err, symphony.ErrUserNotFound)
		} else {
			require.ErrorIs(t, result.Err, context.Canceled)
		}
	}
	require.Equal(t, 150, n)
	require.Equal(t, 150, pulled)
	require.Len(t, pod.queries, 1)
	require.Empty(t, slices.Collect(client.UsersByEmail(ctx, keys(10, &pulled))), "nothing is pulled after that")
	require.Equal(t, 150, pulled)
}

func TestUsersAreLazy(t *testing.T) {
	t.Parallel()
	pod := &directory{}
	pulled := 0
	results := pod.client(t).UsersByEmail(t.Context(), keys(1000, &pulled))
	require.Empty(t, pod.queries)
	require.Zero(t, pulled, "nothing is pulled before the sequence is ranged")
	for result := range results {
		require.LessOrEqual(t, pulled-result.Index, 100, "at most one request is pulled ahead")
		if result.Index == 120 {
			break
		}
	}
	require.Len(t, pod.queries, 2)
	require.Equal(t, 200, pulled)
}

// A sequence can be ranged again, within itself, and by several goroutines.
func TestUsersRangedSeveralTimes(t *testing.T) {
	t.Parallel()
	pod := &directory{}
	results := pod.client(t).UsersByEmail(t.Context(), func(yield func(string) bool) {
		keys(150, new(int))(yield)
	})
	check := func() bool {
		n := 0
		for result := range results {
			if result.Index != n || result.Key != fmt.Sprintf("user%d@acme.com", n) || !errors.Is(result.Err, symphony.ErrUserNotFound) {
				return false
			}
			n++
		}
		return n == 150
	}
	var group sync.WaitGroup
	var good atomic.Int64
	for range 4 {
		group.Go(func() {
			if check() {
				good.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 4, good.Load())
	outer := 0
	for result := range results {
		require.Equal(t, outer, result.Index)
		if outer++; outer%50 == 1 {
			require.True(t, check())
		}
	}
	require.Equal(t, 150, outer)
	require.Len(t, pod.queries, 2*(4+1+3))
}

func TestUsersInvalidArguments(t *testing.T) {
	t.Parallel()
	client := (&directory{}).client(t)
	var none context.Context
	for _, test := range []struct {
		name     string
		results  iter.Seq[symphony.UserResult]
		argument string
	}{
		{"nil context", client.UsersByEmail(none, slices.Values([]string{"a", "b"})), "ctx"},
		{"nil emails", client.UsersByEmail(t.Context(), nil), "emails"},
		{"nil usernames", client.UsersByUsername(t.Context(), nil), "usernames"},
		{"nil client", (*symphony.Client)(nil).UsersByEmail(t.Context(), slices.Values([]string{"a"})), "client"},
	} {
		results := slices.Collect(test.results)
		require.Len(t, results, 1, test.name)
		var refused *symphony.InvalidArgumentError
		require.ErrorAs(t, results[0].Err, &refused, test.name)
		require.Equal(t, test.argument, refused.Argument, test.name)
	}
}

// The pod's reason is the pod's text: it may contain the session token.
func TestUsersShowNoToken(t *testing.T) {
	t.Parallel()
	pod := &directory{reject: map[string]string{"ann@acme.com": "bad token " + secret + strings.Repeat("\r\nx", 1000)}}
	for result := range pod.client(t).UsersByEmail(t.Context(), slices.Values([]string{"ann@acme.com"})) {
		require.ErrorContains(t, result.Err, "bad token")
		requireOneLine(t, result.Err.Error())
		requireNoSecret(t, result, result.Err)
	}
}

// 100,000 addresses: 1,000 requests, one at a time, and memory does not grow. This test
// is not parallel, because it measures the heap.
func TestUsersManyKeys(t *testing.T) { //nolint:paralleltest // see above
	const many = 100_000
	var requests, inFlight, highest atomic.Int64
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		highest.Store(max(highest.Load(), inFlight.Add(1)))
		defer inFlight.Add(-1)
		list := struct {
			Users []symphony.User `json:"users"`
		}{}
		for email := range strings.SplitSeq(r.URL.Query().Get("email"), ",") {
			id, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(email, "user"), "@acme.com"), 10, 64)
			list.Users = append(list.Users, symphony.User{ID: id + 1, EmailAddress: email, DisplayName: strings.Repeat("x", 100)})
		}
		_ = json.NewEncoder(w).Encode(list)
	})
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	var begin, end int64
	n, start := 0, time.Now()
	for result := range client.UsersByEmail(t.Context(), keys(many, new(int))) {
		require.NoError(t, result.Err)
		require.Equal(t, n, result.Index)
		require.EqualValues(t, n+1, result.User.ID)
		switch n++; n {
		case many / 10:
			begin = heap()
		case many:
			end = heap()
		}
	}
	require.Equal(t, many, n)
	require.EqualValues(t, many/100, requests.Load())
	require.EqualValues(t, 1, highest.Load())
	require.Less(t, end-begin, int64(1<<20), "bytes by which the heap grew over the last 90,000 addresses")
	t.Logf("%d addresses: %d requests, %d in flight at most, heap %d KiB after 10 %% and %d KiB at the end, %v",
		n, requests.Load(), highest.Load(), begin>>10, end>>10, time.Since(start).Round(time.Millisecond))
}

// Whatever the pod responds, every key has exactly one result, in order; a user has an
// id and the key; and no error shows the token.
func FuzzUsers(f *testing.F) {
	for _, body := range []string{
		`{"users":[{"id":1,"emailAddress":"ann@acme.com","firstName":null}],"errors":[{"error":"invalid.format","email":"b"}]}`,
		`{"users":[{"emailAddress":"b"},{"id":2,"emailAddress":"B"}]}`, `{"errors":[{"error":1,"id":"b"},{"error":["` + secret + `"],"username":"b"}]}`,
		`{"users":null}`, `{}`, `[]`, `null`, ``, `{"errors":[{"error":"\u0073` + secret + `","email":"b"}]}`, `{"code":1,"message":"` + secret + `"}`,
	} {
		f.Add(200, body, "ann@acme.com")
		f.Add(204, body, "b ")
		f.Add(429, body, "a,b")
	}
	f.Fuzz(func(t *testing.T, status int, body, key string) {
		client := fake(t, func(*http.Request) (*http.Response, error) { return response(status, body), nil }, once)
		source := []string{"b", key, "ann@acme.com", key}
		n := 0
		for result := range client.UsersByEmail(t.Context(), slices.Values(source)) {
			require.Equal(t, n, result.Index)
			require.Equal(t, source[n], result.Key)
			n++
			if result.Err != nil {
				require.Nil(t, result.User)
				requireOneLine(t, result.Err.Error())
				if !strings.Contains(key, secret) {
					require.NotContains(t, result.Err.Error(), secret)
				}
				continue
			}
			require.Positive(t, result.User.ID)
			require.True(t, equalKeys(result.Key, result.User.EmailAddress))
		}
		require.Equal(t, len(source), n)
	})
}

// equalKeys compares two keys without regard to case and to spaces around them.
func equalKeys(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
