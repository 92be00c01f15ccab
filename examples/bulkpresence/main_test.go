package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

// start gives a pod with users from 1, and the environment that names it.
func start(t *testing.T, users int) (*symphonytest.Pod, func(string) string) {
	t.Helper()
	pod := symphonytest.NewPod(symphonytest.WithUsers(madeUpUsers(users)...),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "reader"}))
	t.Cleanup(pod.Close)
	return pod, environment(pod, pod.IssueToken("admin"))
}

func environment(pod *symphonytest.Pod, token string) func(string) string {
	return func(name string) string {
		return map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_SESSION_TOKEN": token}[name]
	}
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "updates.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestMadeUpUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-journal", filepath.Join(dir, "j"), "-failures", filepath.Join(dir, "f")},
		func(string) string { return "" }, nil, &stderr)
	require.Equal(t, cli.ExitOK, code, stderr.String())
	require.Contains(t, stderr.String(), "2000 set, none failed")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files, "nothing is left behind")
}

func TestFile(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 10)
	path := write(t, "\ufeffUser_ID,Category,Soft\r\n1, In A Meeting ,TRUE\r\n2,lunch,\nx,busy\n99,away,false\n\n3,away\n\"4\n5\n6,busy,perhaps\n")
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "2 set, failed: 1 404 Not Found, 5 unreadable")
	for _, line := range []string{"line 3: ", "line 4: ", "line 8: ", "line 9: ", "line 10: "} {
		require.Contains(t, stderr.String(), line)
	}
	u, _ := pod.User(1)
	require.Equal(t, symphony.PresenceInAMeeting, u.Category)
	u, _ = pod.User(3)
	require.Equal(t, symphony.PresenceAway, u.Category)

	// The failures can be fed back in, here after the user has come.
	failures, err := os.ReadFile(path + ".failed.csv")
	require.NoError(t, err)
	require.Contains(t, string(failures), "user_id,category,soft,reason\n")
	require.Contains(t, string(failures), "99,away,false,")
	require.Contains(t, string(failures), "User 99 does not exist")
	pod.AddUser(symphonytest.User{ID: 99})
	stderr.Reset()
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path + ".failed.csv"}, env, nil, &stderr))
	require.Contains(t, stderr.String(), "1 set, failed: 5 unreadable")
}

func TestStdin(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	dir := t.TempDir()
	var stderr bytes.Buffer
	args := []string{"-journal", filepath.Join(dir, "j"), "-failures", filepath.Join(dir, "f"), "-"}
	require.Equal(t, cli.ExitOK, run(t.Context(), args, env, strings.NewReader("1,busy\n2,busy\n3,busy"), &stderr))
	require.Contains(t, stderr.String(), "3 set, none failed")

	code := run(t.Context(), args, env, strings.NewReader("1,busy\n"+strings.Repeat("x", maxLine+1)), &stderr)
	require.Equal(t, cli.ExitLater, code)
	require.Contains(t, stderr.String(), "too long")
}

// An interrupted run is gone on with: every update is applied, none of them twice.
func TestInterruptedRunGoesOn(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 500)
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "%d,busy,false\n", i+1)
	}
	path := write(t, text.String())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls atomic.Int64
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 250 {
			cancel()
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, `{"category":"BUSY"}`)
	})
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitInterrupted, run(ctx, []string{"-workers", "1", path}, env, nil, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "249 set, none failed")
	require.Contains(t, stderr.String(), "goes on from here")

	// Not with another input under the same name.
	other := path + ".other"
	require.NoError(t, os.WriteFile(other, []byte("1,busy\n"), 0o600))
	stderr.Reset()
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{"-journal", path + ".journal", other}, env, nil, &stderr))
	require.Contains(t, stderr.String(), "another input")

	stderr.Reset()
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "249 lines are done already")
	require.Contains(t, stderr.String(), "251 set, none failed")
	require.NoFileExists(t, path+".journal")
}

func TestRunStopsWhenAllWouldFail(t *testing.T) {
	t.Parallel()
	pod, _ := start(t, 3)
	path := write(t, strings.Repeat("1,busy\n", 1000))
	for token, text := range map[string]string{pod.IssueToken("reader"): "User Provisioning", "wrong": "401"} {
		pod.ClearRequests()
		var stderr bytes.Buffer
		require.Equal(t, cli.ExitForbidden, run(t.Context(), []string{path}, environment(pod, token), nil, &stderr))
		require.Contains(t, stderr.String(), text)
		require.Contains(t, stderr.String(), "0 set, none failed")
		require.LessOrEqual(t, len(pod.Requests()), 2)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for text, args := range map[string][]string{
		"more than one": {"a", "b"},
		"different":     {"-failures", "a", "a"},
		"no such file":  {filepath.Join(t.TempDir(), "none.csv")},
		"not defined":   {"-x"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, cli.ExitUsage, run(t.Context(), args, func(string) string { return "" }, nil, &stderr))
		require.Contains(t, stderr.String(), text)
	}
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{"-h"}, nil, nil, new(bytes.Buffer)))
}
