package symphony_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// Whatever a pod answers, it is a whole presence or an error of one line that shows
// no token.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{busy, "", "null", "[]", `{"code":"94","message":{}}`, "<title>&#115;", `{"error":"\u0073` + secret, secret} {
		for _, status := range []int{200, 204, 302, 403, 404, 429, 503} {
			f.Add(status, body, "application/json", "1", "https://sso.acme.net/"+secret, secret)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, contentType, retryAfter, location, traceID string) {
		client := fake(t, func(*http.Request) (*http.Response, error) {
			return response(status, body, "Content-Type", contentType, "Retry-After", retryAfter, "Location", location, "X-Trace-Id", traceID), nil
		}, once)
		presence, err := client.SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false)
		if err == nil {
			require.NotEmpty(t, presence.Category)
			return
		}
		require.Nil(t, presence)
		requireOneLine(t, err.Error())
		require.NotContains(t, err.Error(), secret)
	})
}

func FuzzRetryAfterHeader(f *testing.F) {
	for _, value := range []string{"", "1", "1.5", "-1", "soon", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		require.GreaterOrEqual(t, symphony.RetryAfter(http.Header{"Retry-After": {value}}), time.Duration(0))
	})
}

// A base URL is refused, or all calls go to its host, below its path.
func FuzzBaseURL(f *testing.F) {
	for _, base := range []string{"https://acme.symphony.com/pod", "http://[::1]:80/a%2Fb/", "https://bot:x@h", "//h", "https://h:1/?#"} {
		f.Add(base)
	}
	f.Fuzz(func(t *testing.T, base string) {
		var got *url.URL
		transport := roundTrips(func(r *http.Request) (*http.Response, error) {
			got = r.URL
			return response(200, busy), nil
		})
		client, err := symphony.NewClient(base, symphony.StaticSessionToken(secret), symphony.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			requireOneLine(t, err.Error())
			return
		}
		require.NoError(t, setBusy(t, client))
		want, err := url.Parse(base)
		require.NoError(t, err)
		require.Equal(t, want.Host, got.Host)
		require.Equal(t, strings.TrimRight(want.Path, "/")+"/v3/user/presence", got.Path)
	})
}
