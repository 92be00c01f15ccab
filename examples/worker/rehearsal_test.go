package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRehearsal(t *testing.T) {
	t.Parallel()
	updates := "6000"
	if testing.Short() {
		updates = "3000"
	}
	stderr := new(buffer)
	code := run(t.Context(), []string{"-updates", updates, "-users", "2000"}, func(string) string { return "" }, strings.NewReader(""), stderr)
	require.Zero(t, code, stderr)
	text := stderr.String()
	for _, happened := range []string{"worker 2 is killed", "the pod returns 503", "); again in ", "NATS is restarted", "worker 3: NATS is back"} {
		require.Contains(t, text, happened)
	}
	closing := regexp.MustCompile(`worker: (\d+) published: applied (\d+), redelivered (\d+), applied twice (\d+), dead-lettered (\d+), lost 0, out of order 0; .*`).
		FindStringSubmatch(text)
	require.NotNil(t, closing, text)
	t.Log(closing[0])
	number := func(i int) int {
		n, err := strconv.Atoi(closing[i])
		require.NoError(t, err)
		return n
	}
	require.Equal(t, updates, closing[1])
	require.Equal(t, number(1), number(2)+number(5))
	require.Positive(t, number(3), "what failed was delivered again")
	require.LessOrEqual(t, number(4), number(3))
	require.Regexp(t, `worker 1: presence.deliveries \(applied\) [1-9]`, text)
	require.Regexp(t, `worker 3: http.client.request.duration \(503\) [1-9]`, text)
}

// Of three servers each may be killed at any moment. It is not parallel: seven processes are
// enough for a small machine.
func TestRehearsalOfACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers and three workers are too much for a short test")
	}
	stderr := new(buffer)
	code := run(t.Context(), []string{"-updates", "2000", "-users", "500", "-replicas", "3"}, func(string) string { return "" }, strings.NewReader(""), stderr)
	require.Zero(t, code, stderr)
	for _, happened := range []string{"server-1 is killed", "worker 2 is killed", "server-2 is killed"} {
		require.Contains(t, stderr.String(), happened)
	}
	require.Regexp(t, `worker: 2000 published: applied \d+, .* lost 0, out of order 0;`, stderr.String())
}
