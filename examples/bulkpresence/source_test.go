package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/examples/internal/sheet"
	"github.com/symphony-go/symphony/symphonytest"
)

// newSource returns a source of a sheet, whose failures go to the file.
func newSource(t *testing.T, text string, find lookup) (s *source, failuresFile string) {
	t.Helper()
	in := &input{Reader: sheet.NewReader(strings.NewReader(text), columns), rows: -1}
	failuresFile = filepath.Join(t.TempDir(), "failures.csv")
	o := &outcome{report: newReport(io.Discard, -1, new(traffic)), failures: &failures{path: failuresFile}, input: in.Reader}
	return &source{ctx: t.Context(), input: in, outcome: o, lookup: find, pending: map[int]row{}, pulled: func() {}}, failuresFile
}

func clientOf(t *testing.T, env func(string) string) *symphony.Client {
	t.Helper()
	client, err := symphony.NewClient(env("SYMPHONY_POD_URL"), symphony.StaticSessionToken(env("SYMPHONY_SESSION_TOKEN")))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// directory looks up userN@acme.com, and counts the lookups and the addresses of each.
func directory(lookups *[]int) lookup {
	return func(_ context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult] {
		return func(yield func(symphony.UserResult) bool) {
			*lookups = append(*lookups, 0)
			for email := range emails {
				result := symphony.UserResult{Index: (*lookups)[len(*lookups)-1], Key: email, User: new(symphony.User)}
				(*lookups)[len(*lookups)-1]++
				if _, err := fmt.Sscanf(email, "user%d@acme.com", &result.User.ID); err != nil {
					result.User, result.Err = nil, symphony.ErrUserNotFound
				}
				if !yield(result) {
					return
				}
			}
		}
	}
}

func TestEmailAddresses(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 300)
	text := "e-mail,user_id,category\n"
	for id := range 250 {
		text += fmt.Sprintf("user%d@acme.com,,busy\n", id+1)
	}
	text += "ghost@acme.com,,busy\n,251,busy\nuser1@acme.com,252,busy\n,user253@acme.com,busy\nuser1@acme.com,,away\n,1,in a meeting\n"
	var lookups []int
	s, failures := newSource(t, text, directory(&lookups))
	require.NoError(t, send(t.Context(), clientOf(t, env), 8, s))
	require.Equal(t, []int{100, 100, 53}, lookups)
	require.Equal(t, 255, s.outcome.report.set)
	require.Equal(t, map[string]int{"unknown e-mail address": 1}, s.outcome.report.kinds)
	require.Zero(t, s.outcome.report.left())
	u, _ := pod.User(1)
	require.Equal(t, symphony.PresenceInAMeeting, u.Category, "the last row of the user, whatever names them")
	u, _ = pod.User(253)
	require.Equal(t, busy, u.Category)
	content, err := os.ReadFile(failures)
	require.NoError(t, err)
	require.Equal(t, "user_id,email,category,soft,reason\n,ghost@acme.com,busy,,"+symphony.ErrUserNotFound.Error()+"\n", string(content))
}

// A lookup that would fail for all stops the run before anything is set.
func TestLookupThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 3)
	for _, refused := range []error{
		&symphony.UnauthorizedError{APIError: symphony.APIError{StatusCode: http.StatusUnauthorized}},
		&symphony.ForbiddenError{APIError: symphony.APIError{StatusCode: http.StatusForbidden}},
	} {
		s, failures := newSource(t, "email,category\nuser1@acme.com,busy\nuser2@acme.com,busy\n", func(_ context.Context, emails iter.Seq[string]) iter.Seq[symphony.UserResult] {
			return func(yield func(symphony.UserResult) bool) {
				for email := range emails {
					if !yield(symphony.UserResult{Key: email, Err: refused}) {
						return
					}
				}
			}
		})
		require.ErrorIs(t, send(t.Context(), clientOf(t, env), 8, s), refused)
		require.NoFileExists(t, failures)
		require.Equal(t, 2, s.outcome.report.left())
	}
	require.Empty(t, pod.Requests())
}

// When no session token can be had, for whatever reason, the rows that are left did not
// fail; those that failed before did.
func TestRunStopsWithoutASessionToken(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 500)
	sealed := errors.New("the vault is sealed")
	var asked atomic.Int64
	client, err := symphony.NewClient(pod.URL(), symphony.SessionTokenFunc(func(context.Context) (string, error) {
		if asked.Add(1) > 100 {
			return "", sealed
		}
		return env("SYMPHONY_SESSION_TOKEN"), nil
	}))
	require.NoError(t, err)
	s, failures := newSource(t, "999,busy\n"+sheetOf(500), nil)
	require.ErrorIs(t, send(t.Context(), client, 8, s), sealed)
	require.Equal(t, map[string]int{"404 Not Found": 1}, s.outcome.report.kinds)
	require.Equal(t, 99, s.outcome.report.set)
	content, err := os.ReadFile(failures)
	require.NoError(t, err)
	require.NotContains(t, string(content), sealed.Error())
}

// A row that failed is not sent again after a later row of its user was set.
func TestDoubts(t *testing.T) {
	t.Parallel()
	s, _ := newSource(t, "", nil)
	d := doubts{outcome: s.outcome}
	for id := range int64(3) {
		d.held = append(d.held, failure{row{PresenceUpdate: symphony.PresenceUpdate{UserID: id + 1}}, errClosed})
	}
	d.settleUser(2)
	require.Equal(t, 1, s.outcome.report.failures())
	require.Len(t, d.held, 2)
	d.settle()
	require.Equal(t, 3, s.outcome.report.failures())
	require.Empty(t, d.held)
}

// changing has users 1 AVAILABLE, 2 BUSY, 3 offline, 4 idle, and many more.
func changing(t *testing.T, more int) (*symphonytest.Pod, func(string) string) {
	t.Helper()
	pod, env := start(t, 4+more)
	pod.AddUser(symphonytest.User{ID: 2, Category: busy})
	pod.AddUser(symphonytest.User{ID: 3, Activity: symphonytest.Offline})
	pod.AddUser(symphonytest.User{ID: 4, Category: away})
	return pod, env
}

const changes = "1,busy\n2,busy\n3,offline\n4,away\n1,busy\n1,available\n99999,busy\n"

func TestOnlyChanges(t *testing.T) {
	t.Parallel()
	for _, more := range []int{0, fewRows} { // read one by one, and listed
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			t.Parallel()
			pod, env := changing(t, more)
			text := changes
			for id := range more {
				text += fmt.Sprintf("%d,available\n", id+5)
			}
			path := write(t, text)
			var stderr bytes.Buffer
			require.Equal(t, cli.ExitFailed, run(t.Context(), []string{"-only-changes", path}, env, nil, io.Discard, &stderr))
			require.Contains(t, stderr.String(), fmt.Sprintf("%d rows: 5 set, %d unchanged, 1 failed (1 404 Not Found; see", 7+more, 1+more))
			u, _ := pod.User(1)
			require.Equal(t, symphony.PresenceAvailable, u.Category)
			posts, reads := 0, 0
			for _, request := range pod.Requests() {
				switch request.Method {
				case http.MethodPost:
					posts++
				case http.MethodGet:
					reads++
				}
			}
			require.Equal(t, 6, posts)
			require.LessOrEqual(t, reads, 7, "a listing for many")
		})
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	pod, env := changing(t, 0)
	path := write(t, changes+"x,busy\n\n2,away,true\n")
	var stdout, stderr bytes.Buffer
	require.Equal(t, cli.ExitFailed, run(t.Context(), []string{"-dry-run", path}, env, nil, &stdout, &stderr))
	require.Equal(t, `line 1: user 1: AVAILABLE -> BUSY
line 3: user 3: OFFLINE -> OFFLINE
line 4: user 4: AWAY -> AWAY
line 5: user 1: BUSY -> BUSY
line 6: user 1: BUSY -> AVAILABLE
line 10: user 2: BUSY -> AWAY (soft)
`, stdout.String())
	require.Contains(t, stderr.String(), "line 7: symphony: GET /v3/user/99999/presence: 404")
	require.Equal(t, 1, strings.Count(stderr.String(), `line 8: "x" is not a user id`))
	require.Contains(t, stderr.String(), "10 rows: 6 would be set, 1 unchanged, 2 failed (1 404 Not Found, 1 unreadable), 1 skipped (blank);")
	for _, request := range pod.Requests() {
		require.Equal(t, http.MethodGet, request.Method)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1, "no journal and no failures")
}

func TestDryRunThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	pod, _ := start(t, 200)
	env := environment(pod, "wrong")
	for _, text := range []string{sheetOf(2), sheetOf(200)} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, cli.ExitForbidden, run(t.Context(), []string{"-dry-run", write(t, text)}, env, nil, &stdout, &stderr))
		require.Empty(t, stdout.String())
		require.Contains(t, stderr.String(), "401 Unauthorized")
		require.Regexp(t, `0 would be set, none failed, \d+ left`, stderr.String())
	}
}

var errClosed = errors.New("the reader has gone")

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestDryRunThatNoOneReads(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	var stderr bytes.Buffer
	require.NotEqual(t, cli.ExitOK, run(t.Context(), []string{"-dry-run", write(t, sheetOf(3))}, env, nil, closed{}, &stderr))
	require.Contains(t, stderr.String(), errClosed.Error())
}
