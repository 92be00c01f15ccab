package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestKindsOfErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		email string
		fault []symphonytest.Fault
		kind  string
	}{
		{"no such user", "ghost@acme.com", nil, "unknown e-mail address"},
		{"rejected by the pod", "not-an-address", nil, "rejected e-mail address"},
		{"not sent", "a,b@acme.com", nil, "invalid"},
		{"a status", "a@acme.com", []symphonytest.Fault{{Status: 500}}, "500 Internal Server Error"},
		{"a page", "a@acme.com", []symphonytest.Fault{{Status: 200, Body: "<html>"}}, "unusable response"},
		{"a reset", "a@acme.com", []symphonytest.Fault{{Reset: true}}, "network"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := symphonytest.New(t)
			pod.Fail(test.fault...)
			client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("bot")),
				symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}), symphony.WithHTTPClient(pod.Client()))
			require.NoError(t, err)
			for result := range client.UsersByEmail(t.Context(), slices.Values([]string{test.email})) {
				require.Error(t, result.Err)
				require.Equal(t, test.kind, kind(result.Err), "%v", result.Err)
			}
		})
	}
	pod := symphonytest.NewPod()
	pod.HandleFunc("GET /pod/v2/user/presence", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("bot")),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = client.GetPresence(t.Context())
	require.Equal(t, "network", kind(err), "%v", err)
	pod.Close()
	_, err = client.GetPresence(t.Context())
	require.Equal(t, "network", kind(err), "%v", err)
}
