package symphony_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// Whatever a pod responds, it is a whole presence or an error of one line that shows
// no token.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{busy, "[" + busy + "]", "", "null", "[]", `{"category":"BUSY","timestamp":null}`, "<title>&#115;", `{"error":"\u0073` + secret, secret} {
		for _, status := range []int{200, 204, 302, 403, 404, 429, 503} {
			f.Add(status, body, "application/json", "1", "https://sso.acme.net/"+secret, secret)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, contentType, retryAfter, location, traceID string) {
		client := func() *symphony.Client { // one for each call, for after a 429 it waits
			return fake(t, func(*http.Request) (*http.Response, error) {
				return response(status, body, "Content-Type", contentType, "Retry-After", retryAfter, "Location", location, "X-Trace-Id", traceID), nil
			}, once)
		}
		requireError := func(err error) {
			requireOneLine(t, err.Error())
			require.NotContains(t, err.Error(), secret)
		}
		if presence, err := client().SetUserPresence(t.Context(), 42, symphony.PresenceBusy, false); err == nil {
			require.NotEmpty(t, presence.Category)
		} else {
			require.Nil(t, presence)
			requireError(err)
		}
		if presences, err := client().ListPresences(t.Context(), 0, 0); err != nil {
			require.Nil(t, presences)
			requireError(err)
		}
		if id, err := client().CreatePresenceFeed(t.Context()); err != nil {
			require.Empty(t, id)
			requireError(err)
		}
		if err := client().RegisterPresenceInterest(t.Context(), 42); err != nil {
			requireError(err)
		}
	})
}

// Whatever stands in an error's body, the status decides the type, and the message is
// one line without a token.
func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		`{"code":94,"message":"no\r\nsuch user"}`, `{"code":"403","message":null}`, `{"message":{"text":"` + secret + `"}}`,
		`[1`, "<html><title>502 Bad Gateway</title>" + secret, "upstream connect error", `{"m":"\u0073\u0033cr3t-session-token"}`,
		"s3cr3t-&#115;ession-token<!-- ", "\xff\xfe{", strings.Repeat("é", 400), "token=" + url.QueryEscape(secret) + "&x=eyJhbGciOiJSUzUxMiJ9.e30.c2ln",
	} {
		f.Add(uint8(0), []byte(body), "")
		f.Add(uint8(3), []byte(body), "text/html; charset=iso-8859-1")
	}
	statuses := []int{400, 401, 403, 404, 407, 418, 429, 500, 502, 503}
	f.Fuzz(func(t *testing.T, status uint8, body []byte, contentType string) {
		want := statuses[int(status)%len(statuses)]
		client := fake(t, func(*http.Request) (*http.Response, error) {
			return response(want, string(body), "Content-Type", contentType), nil
		}, once)
		err := setBusy(t, client)
		var apiErr *symphony.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, want, apiErr.StatusCode)
		require.Equal(t, want == http.StatusNotFound, errors.As(err, new(*symphony.NotFoundError)))
		require.Equal(t, want >= 500, errors.As(err, new(*symphony.ServerError)))
		requireOneLine(t, apiErr.Message)
		requireOneLine(t, err.Error())
		require.Contains(t, err.Error(), fmt.Sprint(want))
		require.NotContains(t, fmt.Sprintf("%v %+v", err, apiErr), secret)
	})
}

var wholeSeconds = regexp.MustCompile(`^[0-9]+$`)

// Whatever a pod asks for, it is no wait below 0; whole seconds are those, however many.
// What is read of a presence without encoding/json is what that would read.
func FuzzPresence(f *testing.F) {
	for _, text := range []string{
		busy, `{"category":"A_B","userId":9223372036854775807,"timestamp":1}`, `{"category":"A","userId":9223372036854775808,"timestamp":1}`,
		`{"category":"A","userId":1_0,"timestamp":1}`, `{"category":"A","userId":01,"timestamp":1}`, `{"category":"A","userId":1,"timestamp":1}}`,
		`{"category":"A","userId":1,"timestamp":1,"timestamp":2}`, `{"category":"","userId":1,"timestamp":1}`, `{"category":"A`, `{"category":"A","userId":1,"timestamp":-1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		scanned, ok := symphony.ScanPresence(text)
		if !ok {
			require.Zero(t, scanned)
			return
		}
		var want symphony.V2Presence
		require.NoError(t, json.Unmarshal(text, &want))
		require.Equal(t, want, scanned)
		require.NotEmpty(t, scanned.Category)
	})
}

func FuzzRetryAfterHeader(f *testing.F) {
	for _, value := range []string{"", "1", "1.5", "-1", "soon", "0120", ".", "9223372036.9", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := symphony.RetryAfter(http.Header{"Retry-After": {value}})
		require.GreaterOrEqual(t, got, time.Duration(0))
		if !wholeSeconds.MatchString(value) {
			return
		}
		want, _ := new(big.Int).SetString(value, 10)
		if want.Mul(want, big.NewInt(int64(time.Second))); want.IsInt64() {
			require.InEpsilon(t, float64(want.Int64())+1, float64(got)+1, 1e-9)
		} else {
			require.Equal(t, time.Duration(math.MaxInt64), got)
		}
	})
}

// A base URL is refused, or all calls go to its host, below its path, and in clear text
// only to this machine.
func FuzzBaseURL(f *testing.F) {
	for _, base := range []string{"https://acme.symphony.com/pod", "http://[::1]:80/a%2Fb/", "https://bot:x@h", "//h", "https://h:1/?#", "HTTP://LOCALHOST/%zz", "http://127.1:/", "http://[::001]/"} {
		f.Add(base)
	}
	f.Fuzz(func(t *testing.T, base string) {
		got := requested(t, base, "/v3/user/presence")
		if got == nil {
			return
		}
		want, err := url.Parse(strings.TrimRight(base, "/")) // an escaped slash at the end stays
		require.NoError(t, err)
		require.Equal(t, want.Host, got.Host)
		require.Equal(t, want.EscapedPath()+"/v3/user/presence", got.EscapedPath())
		if got.Scheme != "https" {
			require.True(t, strings.EqualFold(got.Hostname(), "localhost") || net.ParseIP(got.Hostname()).IsLoopback(), got.Host)
		}
	})
}

// A path is refused, or asked for as it stands, below the base URL.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/v1/user", "/a%2Fb/%2E%2E/c", "/../x", "/..;/x", "/a?b", "//h/x", "/%zz", "/é", `/..\x`} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := requested(t, "https://acme.symphony.com/gateway/pod", path)
		if got == nil {
			return
		}
		require.Equal(t, "acme.symphony.com", got.Host)
		require.Equal(t, "/gateway/pod"+path, got.EscapedPath())
		require.Equal(t, "https://acme.symphony.com/gateway/pod"+path, got.String())
		require.True(t, strings.HasPrefix(got.JoinPath().Path+"/", "/gateway/pod/"), "it leads elsewhere")
	})
}

// requested is the URL of a call's request, nil where the client or the call refuses.
func requested(t *testing.T, base, path string) (got *url.URL) {
	t.Helper()
	transport := roundTrips(func(r *http.Request) (*http.Response, error) {
		got = r.URL
		return response(200, busy), nil
	})
	client, err := symphony.NewClient(base, symphony.StaticSessionToken(secret), symphony.WithHTTPClient(&http.Client{Transport: transport}))
	if err == nil {
		err = client.Do(t.Context(), symphony.Request{Path: path}, nil)
	}
	if err != nil {
		var refused *symphony.InvalidArgumentError
		require.ErrorAs(t, err, &refused)
		requireOneLine(t, err.Error())
		require.Nil(t, got)
	}
	return got
}
