package openapi_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// TestWatchNotices shows that TestTraffic can fail.
func TestWatchNotices(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	do := func(method, path string, query url.Values, body any) func(context.Context, *sdk) error {
		return func(ctx context.Context, s *sdk) error {
			return s.Do(ctx, symphony.Request{Method: method, Path: path, Query: query, Body: body}, nil)
		}
	}
	for _, test := range []struct {
		name     string
		call     func(context.Context, *sdk) error
		response string // "" is the pod's own
		want     string
	}{
		{"unknown path", do("GET", "/v9/presence", nil, nil), "", "no matching operation was found"},
		{"unknown method", do("DELETE", "/v3/user/presence", nil, nil), "", "method not allowed"},
		{"parameter of another type", do("GET", "/v3/user/1/presence", url.Values{"local": {"perhaps"}}, nil), "", `parameter "local" in query`},
		{"parameter that is not described", do("GET", "/v2/user/presence", url.Values{"soft": {"true"}}, nil), "", "the parameter soft is not described"},
		{"page too large", do("GET", "/v2/users/presence", url.Values{"limit": {"5001"}}, nil), "", "number must be at most 5000"},
		{"user id of zero", do("GET", "/v3/user/0/presence", nil, nil), "", `parameter "uid" in path`},
		{"body without what is required", do("POST", "/v3/user/presence", nil, map[string]any{"category": "BUSY", "userID": 1}), "", `property "userId" is missing`},
		{"body of another type", do("POST", "/v2/user/presence", nil, []int{1}), "", "value must be an object"},
		{"no body", do("POST", "/v2/user/presence", nil, nil), "", "value is required but missing"},
		{"body where none is due", do("POST", "/v1/presence/feed/create", nil, struct{}{}), "", "request body not allowed"},
		{"response of another type", calls["getPresence"], `{"category":"BUSY","userId":"1"}`, "value must be an integer"},
		{"response without what is required", calls["getPresence"], `{"userId":1}`, `property "category" is missing`},
		{"response for a list", calls["getPresence"], `[]`, "value must be an object"},
		{"response that is not JSON", calls["getPresence"], `<html>`, "failed to decode response body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tally := newTally()
			pod := newPod(t, c)
			if test.response != "" {
				pod.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(test.response))
				})
			}
			w := newWatch(t, tally, pod, c.certificate)
			_ = test.call(t.Context(), w.sdk(t, pod.IssueToken("admin"), c))
			require.Contains(t, first(tally.found()), test.want)
		})
	}

	t.Run("headers and status", func(t *testing.T) {
		t.Parallel()
		tally := newTally()
		pod := newPod(t, c)
		w := newWatch(t, tally, pod, c.certificate)
		s := w.sdk(t, "none", c)
		pod.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		require.Error(t, calls["getPresence"](t.Context(), s))
		require.Contains(t, first(tally.found()), "status is not supported")
		pod.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		require.Error(t, calls["getPresence"](t.Context(), s))
		require.Contains(t, first(tally.found()), "Content-Type")

		anonymous, err := symphony.NewClient(w.server.URL+"/pod", symphony.NoSessionToken, symphony.WithHTTPClient(w.client(t)))
		require.NoError(t, err)
		_, err = anonymous.GetPresence(t.Context())
		require.Error(t, err)
		require.Contains(t, first(tally.found()), "no header sessionToken")

		login, err := symphony.NewClient(w.server.URL+"/login", symphony.StaticSessionToken("none"), s.opts...)
		require.NoError(t, err)
		require.Error(t, login.Do(t.Context(), symphony.Request{Method: "POST", Path: "/pubkey/authenticate", Body: map[string]string{"token": "a.b.c"}}, nil))
		require.Contains(t, first(tally.found()), "a session token, which it does not need")

		certified, err := symphony.NewClient(w.server.URL+"/pod", symphony.StaticSessionToken("none"), append(s.opts, symphony.WithClientCertificate(c.certificate))...)
		require.NoError(t, err)
		_, err = certified.GetPresence(t.Context())
		require.Error(t, err)
		require.Contains(t, first(tally.found()), "client certificate: true")

		bare, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/pod/v2/user/presence", nil)
		require.NoError(t, err)
		bare.Header = http.Header{"Sessiontoken": {"none"}, "Content-Type": {"application/json"}}
		response, err := w.client(t).Do(bare)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Contains(t, first(tally.found()), "a Content-Type without a body")
	})
}

func first(problems []string) string {
	if len(problems) == 0 {
		return ""
	}
	return problems[0]
}
