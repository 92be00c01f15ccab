package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

// TestMain is the program itself when a test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("BULKPRESENCE_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// sheetOf has n updates, each of another user.
func sheetOf(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d,busy,false\n", i+1)
	}
	return text.String()
}

// hang has the pod accept n calls, and hold the others until their caller gives up or
// the channel that it returns is closed. Held calls are sent on arrived.
func hang(pod *symphonytest.Pod, n int64) (arrived chan struct{}, release chan struct{}) {
	arrived, release = make(chan struct{}, 1000), make(chan struct{})
	var calls atomic.Int64
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > n {
			arrived <- struct{}{}
			select {
			case <-release:
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprint(w, `{"category":"BUSY"}`)
	})
	return arrived, release
}

// A run that is killed has noted every row that was set but for the last few.
func TestKilledRunContinues(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 500)
	path := write(t, sheetOf(500))
	arrived, release := hang(pod, 250)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-workers", "1", path)
	cmd.Env = append(os.Environ(), "BULKPRESENCE_MAIN=1", "SYMPHONY_POD_URL="+pod.URL(), "SYMPHONY_SESSION_TOKEN="+env("SYMPHONY_SESSION_TOKEN"))
	require.NoError(t, cmd.Start())
	<-arrived
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	journal, err := os.ReadFile(path + ".journal")
	require.NoError(t, err)
	done := strings.Count(string(journal), "\n") - 1
	require.InDelta(t, 250, done, 32, "but for the results that the client had not handed over")

	close(release)
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), fmt.Sprintf("500 rows: %d set, none failed, %d done before;", 500-done, done))
	require.NoFileExists(t, path+".journal")
}

func TestTwoRunsOnOneJournal(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 3)
	path := write(t, sheetOf(3))
	arrived, release := hang(pod, 0)
	first := make(chan int)
	go func() { first <- run(t.Context(), []string{path}, env, nil, io.Discard, io.Discard) }()
	<-arrived
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), path+".journal: another run is using this file")
	close(release)
	require.Equal(t, cli.ExitOK, <-first)
	require.Len(t, pod.Requests(), 3, "none of the second run")
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), "the first has ended")
}

// Two runs of stdin have no journal, but one file of failures.
func TestTwoRunsOnOneFileOfFailures(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	failures := write(t, "kept\n")
	other, err := openLocked(failures)
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Close() })
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-failures", failures, "-"}, env, strings.NewReader("1,busy\nx,busy\n2,busy\n"), io.Discard, &stderr)
	require.Equal(t, cli.ExitUsage, code, stderr.String())
	require.Contains(t, stderr.String(), "another run is using this file")
	content, err := os.ReadFile(failures)
	require.NoError(t, err)
	require.Equal(t, "kept\n", string(content))
}

// What failed before an interruption counts at the end too.
func TestEarlierFailures(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 500)
	path := write(t, "x,busy\n"+sheetOf(500))
	arrived, release := hang(pod, 100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan int)
	go func() { first <- run(ctx, []string{path}, env, nil, io.Discard, io.Discard) }()
	<-arrived
	cancel()
	require.Equal(t, cli.ExitInterrupted, <-first)
	close(release)
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitFailed, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Regexp(t, `501 rows: \d+ set, none failed, \d+ done before \(1 of these failed; see .*updates.csv.failed.csv\);`, stderr.String())
	require.FileExists(t, path+".failed.csv")
}

func TestOddJournal(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	path := write(t, sheetOf(3))
	file, err := os.Open(path)
	require.NoError(t, err)
	_, fingerprint, err := scan(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.WriteFile(path+".journal", []byte(fingerprint+"\nnonsense\n"), 0o600))
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), `has the entry "nonsense\n"`)
}

// The failures of another input are not kept, nor fed back in by mistake.
func TestOldFailures(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	failures := write(t, "user_id,category,soft,reason\n7,busy,,of yesterday\n")
	args := []string{"-failures", failures, "-"}
	require.Equal(t, cli.ExitFailed, run(t.Context(), args, env, strings.NewReader("x,busy\n"), io.Discard, io.Discard))
	content, err := os.ReadFile(failures)
	require.NoError(t, err)
	require.Equal(t, "user_id,category,soft,reason\nx,busy,,\"\"\"x\"\" is not a user id\"\n", string(content))
}

func TestInputThatChanges(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 3)
	path := write(t, sheetOf(5000))
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, _ *http.Request) {
		_ = os.Truncate(path, 0)
		fmt.Fprint(w, `{"category":"BUSY"}`)
	})
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Regexp(t, `it changed while it was read: \d+ rows are not accounted for`, stderr.String())
	require.FileExists(t, path+".journal")
}
