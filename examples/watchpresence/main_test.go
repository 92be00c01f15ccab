package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

func none(string) string { return "" }

// until is an output that ends a context with the text that it waits for.
type until struct {
	bytes.Buffer
	text string
	end  context.CancelFunc
}

func (u *until) Write(data []byte) (int, error) {
	n, err := u.Buffer.Write(data)
	if strings.Contains(u.String(), u.text) {
		u.end()
	}
	return n, err
}

// The embedded pod is worth looking at: its users change without being asked.
func TestEmbeddedPod(t *testing.T) {
	t.Parallel()
	for text, args := range map[string][]string{
		" 2 BUSY -> AWAY since ":              {"-every", "50ms"},
		" 1 AVAILABLE -> ON_THE_PHONE since ": {"-every", "50ms", "1"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var stderr bytes.Buffer
			stdout := &until{text: text, end: cancel}
			require.Equal(t, cli.ExitOK, run(ctx, args, none, stdout, &stderr), "Ctrl-C is how it ends")
			require.Contains(t, stdout.String(), text)
			require.Contains(t, stderr.String(), "change on their own")
			require.Equal(t, 2, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}
}

// Each step of the embedded users' day can be seen, from the first round on.
func TestLive(t *testing.T) {
	t.Parallel()
	pod := symphonytest.NewPod(symphonytest.WithUsers(embeddedUsers()...))
	t.Cleanup(pod.Close)
	state := func() (users []symphonytest.User) {
		for id := range int64(5) {
			user, ok := pod.User(id + 1)
			require.True(t, ok)
			user.Since = time.Time{}
			users = append(users, user)
		}
		return users
	}
	before := state()
	for step := range 20 {
		last := state()
		live(pod, step)
		require.NotEqual(t, last, state(), step)
	}
	require.Equal(t, before, state(), "and the cycle begins again")
}

func TestEnlivenEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		enliven(ctx, nil)
	})
}

func TestFor(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{"-for", "200ms", "3", "9"}, none, &stdout, &stderr))
	require.Contains(t, stdout.String(), " 3 - -> OFFLINE\n")
	require.Contains(t, stdout.String(), " 9 - -> (unknown)\n")
	require.Contains(t, stderr.String(), "\nwatchpresence: symphony: GET /v3/user/9/presence: 404 Not Found: User 9 does not exist")
}

// Who is named twice is asked for once.
func TestParseIDs(t *testing.T) {
	t.Parallel()
	ids, err := parseIDs([]string{"7", "8", "7"})
	require.NoError(t, err)
	require.Equal(t, []int64{7, 8}, ids)
}

func TestComplete(t *testing.T) {
	t.Parallel()
	some, limit := []int64{1}, time.Hour
	for _, test := range []struct {
		s                  settings
		embedded, terminal bool
		every, limit       time.Duration
	}{
		{settings{}, false, false, time.Minute, 0},
		{settings{ids: some}, false, false, 5 * time.Second, 0},
		{settings{every: 10 * time.Second}, false, true, 10 * time.Second, 0},
		{settings{ids: some, every: time.Second, limit: &limit}, false, true, time.Second, limit},
		{settings{}, true, false, time.Second, 10 * time.Second},
		{settings{ids: some}, true, true, time.Second, 0},
		{settings{every: time.Millisecond, limit: new(time.Duration)}, true, false, time.Millisecond, 0},
	} {
		require.NoError(t, test.s.complete(test.embedded, test.terminal))
		require.Equal(t, test.every, test.s.every)
		require.Equal(t, test.limit, *test.s.limit)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 1}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "reader"}))
	t.Cleanup(pod.Close)
	admin, reader := pod.IssueToken("admin"), pod.IssueToken("reader")
	for _, test := range []struct {
		name, token string
		args        []string
		stdout      io.Writer
		code        int
		text        string
	}{
		{"unknown flag", admin, []string{"-x"}, nil, cli.ExitUsage, "Usage: watchpresence"},
		{"no id", admin, []string{"1", "-for"}, nil, cli.ExitUsage, `"-for" is not a user id`},
		{"id 0", admin, []string{"0"}, nil, cli.ExitUsage, "not a user id"},
		{"-every below 0", admin, []string{"-every", "-1s"}, nil, cli.ExitUsage, "below 0"},
		{"-for below 0", admin, []string{"-for", "-1s"}, nil, cli.ExitUsage, "below 0"},
		{"-for without a unit", admin, []string{"-for", "1"}, nil, cli.ExitUsage, "missing unit"},
		{"some too often", admin, []string{"-every", "999ms", "1"}, nil, cli.ExitUsage, "shortest interval is 1s"},
		{"all too often", admin, []string{"-every", "9s"}, nil, cli.ExitUsage, "shortest interval is 10s"},
		{"no such file", admin, []string{"-config", t.TempDir()}, nil, cli.ExitUsage, "-config"},
		{"wrong token", "wrong", []string{"1"}, nil, cli.ExitForbidden, "401"},
		{"no entitlement", reader, nil, nil, cli.ExitForbidden, "403"},
		{"no such users", admin, []string{"8", "9"}, nil, cli.ExitNotFound, "User 9"},
		{"full disk", admin, nil, full{}, cli.ExitFailed, "no space"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if test.stdout == nil {
				test.stdout = &stdout
			}
			env := map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_SESSION_TOKEN": test.token}
			code := run(t.Context(), test.args, func(name string) string { return env[name] }, test.stdout, &stderr)
			require.Equal(t, test.code, code, stderr.String())
			require.Contains(t, stderr.String(), test.text)
		})
	}
	var help bytes.Buffer
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{"-h"}, none, nil, &help))
	require.Contains(t, help.String(), "SYMPHONY_PRIVATE_KEY")
}
