package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

// start starts a pod with users from 1, and the environment that names it.
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
	code := run(t.Context(), []string{"-pod-rate", "0", "-journal", filepath.Join(dir, "j"), "-failures", filepath.Join(dir, "f")},
		func(string) string { return "" }, nil, io.Discard, &stderr)
	require.Equal(t, cli.ExitOK, code, stderr.String())
	require.Regexp(t, "2000 rows: 2000 set, none failed; 0 retries, 0 responses 429, [0-9.ms]+\n$", stderr.String())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files, "nothing is left behind")
}

// At a pod with a limit none fails; the 429s are counted, and the rate is shown.
func TestPodRate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-users", "30", "-pod-rate", "20", "-journal", filepath.Join(dir, "j"), "-failures", filepath.Join(dir, "f")},
		func(string) string { return "" }, nil, io.Discard, &stderr)
	require.Equal(t, cli.ExitOK, code, stderr.String())
	require.Contains(t, stderr.String(), "which accepts 20 calls a second")
	require.Regexp(t, `30 set, none failed; [1-9]\d* retries, [1-9]\d* responses 429, .*s, limited to [1-9]\d* a second\n$`, stderr.String())
}

// Nor does any fail at a pod that handles few calls at the same time.
func TestPodConcurrency(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-users", "40", "-pod-rate", "0", "-pod-concurrency", "2", "-workers", "32", "-journal", filepath.Join(dir, "j"), "-failures", filepath.Join(dir, "f")},
		func(string) string { return "" }, nil, io.Discard, &stderr)
	require.Equal(t, cli.ExitOK, code, stderr.String())
	require.Contains(t, stderr.String(), "which handles 2 calls at the same time")
	require.Contains(t, stderr.String(), "40 set, none failed")
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{"-pod-concurrency", "-1"}, func(string) string { return "" }, nil, io.Discard, &stderr))
}

func TestFile(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 10)
	path := write(t, "\ufeffUser_ID,Category,Soft\r\n1, In A Meeting ,TRUE\r\n2,lunch,\nx,busy\n99,away,false\n\n3,away\n\"4\n5\n6,busy,perhaps\n")
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitFailed, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "9 rows: 2 set, 6 failed (1 404 Not Found, 5 unreadable; see "+path+".failed.csv), 1 skipped (blank);")
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
	require.Equal(t, cli.ExitFailed, run(t.Context(), []string{path + ".failed.csv"}, env, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "1 set, 5 failed (5 unreadable; ")
}

func TestStdin(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	dir := t.TempDir()
	var stderr bytes.Buffer
	args := []string{"-journal", filepath.Join(dir, "j"), "-failures", filepath.Join(dir, "f"), "-"}
	require.Equal(t, cli.ExitOK, run(t.Context(), args, env, strings.NewReader("1,busy\n2,busy\n3,busy"), io.Discard, &stderr))
	require.Contains(t, stderr.String(), "3 set, none failed")

	code := run(t.Context(), args, env, strings.NewReader("1,busy\n"+strings.Repeat("x", 2<<20)), io.Discard, &stderr)
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, stderr.String(), "line 2: a row has more than 1048576 bytes")

	// Ctrl-C ends a run that waits for stdin.
	ctx, cancel := context.WithCancel(t.Context())
	idle, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	go func() {
		_, _ = io.WriteString(writer, "1,busy\n")
		cancel()
	}()
	require.Equal(t, cli.ExitInterrupted, run(ctx, args, env, idle, io.Discard, &stderr))
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
	require.Equal(t, cli.ExitInterrupted, run(ctx, []string{"-workers", "1", path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "249 set, none failed")
	require.Contains(t, stderr.String(), "the same command continues from here")

	// Not with another input under the same name.
	other := path + ".other"
	require.NoError(t, os.WriteFile(other, []byte("1,busy\n"), 0o600))
	stderr.Reset()
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{"-journal", path + ".journal", other}, env, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "another input")

	stderr.Reset()
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "249 rows are done")
	require.Contains(t, stderr.String(), "500 rows: 251 set, none failed, 249 done before;")
	require.NoFileExists(t, path+".journal")
}

func TestRunStopsWhenAllWouldFail(t *testing.T) {
	t.Parallel()
	pod, _ := start(t, 3)
	path := write(t, strings.Repeat("1,busy\n", 1000))
	for token, text := range map[string]string{pod.IssueToken("reader"): "User Provisioning", "wrong": "401"} {
		pod.ClearRequests()
		var stderr bytes.Buffer
		require.Equal(t, cli.ExitForbidden, run(t.Context(), []string{path}, environment(pod, token), nil, io.Discard, &stderr))
		require.Contains(t, stderr.String(), text)
		require.Contains(t, stderr.String(), "1000 rows: 0 set, none failed, 1000 left;")
		require.LessOrEqual(t, len(pod.Requests()), 2)
	}
}

// A 403 after a presence was set is the failure of its own row.
func TestForbiddenUser(t *testing.T) {
	t.Parallel()
	pod, env := start(t, 3)
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"userId":2`)) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"code":403,"message":"user 2 is of another pod"}`)
			return
		}
		fmt.Fprint(w, `{"category":"BUSY"}`)
	})
	var stderr bytes.Buffer
	args := []string{"-workers", "1"}
	require.Equal(t, cli.ExitFailed, run(t.Context(), append(args, write(t, "1,busy\n2,busy\n3,busy\n")), env, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "3 rows: 2 set, 1 failed (1 403 Forbidden; see")

	stderr.Reset()
	require.Equal(t, cli.ExitForbidden, run(t.Context(), append(args, write(t, "2,busy\n1,busy\n3,busy\n")), env, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "User Provisioning")
	require.Contains(t, stderr.String(), "3 rows: 0 set, none failed, 3 left;")
}

// A certificate that is not trusted is not tried for every row.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	pod := symphonytest.NewPod(symphonytest.WithTLS())
	t.Cleanup(pod.Close)
	var stderr bytes.Buffer
	path := write(t, sheetOf(100))
	require.Equal(t, cli.ExitFailed, run(t.Context(), []string{path}, environment(pod, "token"), nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "this machine does not have the CA certificate of")
	require.Contains(t, stderr.String(), "100 rows: 0 set, none failed, 100 left;")
	require.NoFileExists(t, path+".failed.csv")
}

// When the login goes, no update is lost: the run stops, and goes on later.
func TestRunStopsWhenTheLoginFails(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pod, _ := start(t, 1000)
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &key.PublicKey})
	keyPath := filepath.Join(t.TempDir(), "bot.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	require.NoError(t, os.WriteFile(keyPath, text, 0o600))
	env := func(name string) string {
		return map[string]string{"SYMPHONY_POD_URL": pod.URL(), "SYMPHONY_USERNAME": "bot", "SYMPHONY_PRIVATE_KEY": keyPath}[name]
	}
	var updates strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&updates, "%d,busy\n", i+1)
	}
	path := write(t, updates.String())
	var calls atomic.Int64
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 300 {
			pod.RevokeTokens()
			pod.Fail(symphonytest.Fault{Path: "/pubkey/authenticate", Status: 501, Times: -1})
		}
		if calls.Load() >= 300 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"category":"BUSY"}`)
	})
	var stderr bytes.Buffer
	require.NotEqual(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr))
	summary := regexp.MustCompile(`(\d+) set, none failed`).FindStringSubmatch(stderr.String())
	require.NotNil(t, summary, stderr.String())
	require.Contains(t, stderr.String(), "the same command continues from here")
	set, err := strconv.Atoi(summary[1])
	require.NoError(t, err)
	require.InDelta(t, 299, set, 8, "but for those under way")

	pod.ClearFaults()
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"category":"BUSY"}`) })
	stderr.Reset()
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), fmt.Sprintf("%d set, none failed", 1000-set))
}

// A journal that was cut off in a number does not take another line for done.
func TestCutJournal(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	path := write(t, "1,busy\n2,busy\n3,busy\n")
	file, err := os.Open(path)
	require.NoError(t, err)
	_, fingerprint, err := scan(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.WriteFile(path+".journal", []byte(fingerprint+"\n1\n2"), 0o600))
	require.NoError(t, os.WriteFile(path+".failed.csv", []byte("kept\n"), 0o600))
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), "2 set, none failed")
	require.FileExists(t, path+".failed.csv")

	// A new run does not keep the failures of an old one.
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr))
	require.NoFileExists(t, path+".failed.csv")
}

func TestFailuresThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	_, env := start(t, 3)
	path := write(t, "99,busy\n1,busy\n")
	var stderr bytes.Buffer
	require.Equal(t, cli.ExitUsage, run(t.Context(), []string{"-failures", filepath.Join(t.TempDir(), "none", "f"), path}, env, nil, io.Discard, &stderr), stderr.String())
	stderr.Reset()
	require.Equal(t, cli.ExitFailed, run(t.Context(), []string{path}, env, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "1 404 Not Found", "it is not taken for done")
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for text, args := range map[string][]string{
		"more than one": {"a", "b"},
		"different":     {"-failures", "a", "a"},
		"no such file":  {filepath.Join(t.TempDir(), "none.csv")},
		"not defined":   {"-x"},
		"below 0":       {"-users", "-1"},
		"three diff":    {"-failures", "./main.go", "main.go"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, cli.ExitUsage, run(t.Context(), args, func(string) string { return "" }, nil, io.Discard, &stderr))
		require.Contains(t, stderr.String(), text)
	}
	var help bytes.Buffer
	require.Equal(t, cli.ExitOK, run(t.Context(), []string{"-h"}, nil, nil, io.Discard, &help))
	require.Contains(t, help.String(), "SYMPHONY_PRIVATE_KEY")
}
