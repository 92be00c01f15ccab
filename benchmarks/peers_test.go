package main

import (
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/symphonytest"
)

func TestMain(m *testing.M) {
	if isChild() {
		return
	}
	os.Exit(m.Run())
}

func TestPeersMakeTheSameCall(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: userID}))
			defer pod.Close()
			token := pod.IssueToken("bot")
			c, err := p.connect(target{URL: pod.URL(), Token: token})
			require.NoError(t, err)
			require.NoError(t, p.call(t.Context(), c, userID))

			require.Len(t, pod.Requests(), 1)
			request := pod.Requests()[0]
			require.Equal(t, "POST /v3/user/presence?soft=true", request.Method+" "+request.Path+"?"+request.Query.Encode())
			require.Equal(t, token, request.Header.Get("sessionToken"))
			require.Equal(t, "application/json", request.Header.Get("Content-Type"))
			require.JSONEq(t, `{"category":"BUSY","userId":7078106126503}`, string(request.Body))
		})
	}
}

func TestPeersReportFailures(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			pod := symphonytest.NewPod()
			defer pod.Close()
			c, err := p.connect(target{URL: pod.URL(), Token: pod.IssueToken("bot")})
			require.NoError(t, err)
			require.Error(t, p.call(t.Context(), c, userID), "there is no such user")
			require.Len(t, p.setAll(t.Context(), c, 3), 3)

			pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"category":"AWAY"}`))
			})
			require.ErrorContains(t, p.call(t.Context(), c, userID), `"AWAY"`)
		})
	}
}

// The clients that are generated need the build tag, and pass the same tests.
func TestGeneratedPeers(t *testing.T) {
	if generatedPeers != nil {
		require.Len(t, generatedPeers, 2)
		return
	}
	if testing.Short() {
		t.Skip("generating and building takes long")
	}
	t.Parallel()
	require.NoError(t, goCommand(t.Context(), "generate", "./generated/..."))
	test := exec.CommandContext(t.Context(), "go", "test", "-tags", "generated", ".")
	test.Env = append(os.Environ(), "GOWORK=off")
	output, err := test.CombinedOutput()
	require.NoError(t, err, string(output))
}
