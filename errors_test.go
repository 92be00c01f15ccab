package symphony_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestStatusDecidesTheType(t *testing.T) {
	t.Parallel()
	for status, isType := range map[int]func(error) bool{
		400: is[*symphony.BadRequestError],
		401: is[*symphony.UnauthorizedError],
		403: is[*symphony.ForbiddenError],
		404: is[*symphony.NotFoundError],
		429: is[*symphony.RateLimitError],
		500: is[*symphony.ServerError],
		501: is[*symphony.ServerError],
		503: is[*symphony.ServerError],
		599: is[*symphony.ServerError],
		302: is[*symphony.APIError],
		304: is[*symphony.APIError],
		402: is[*symphony.APIError],
		405: is[*symphony.APIError],
		413: is[*symphony.APIError],
		418: is[*symphony.APIError],
		600: is[*symphony.APIError],
		999: is[*symphony.APIError],
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			// The code differs from the status, as in the API's own example of a 404.
			client := serve(t, respond(status, `{"code":94,"message":"so it\r\nis"}`, "X-Trace-Id", "fromPod"), once)
			err := setBusy(t, client)
			require.True(t, isType(err), "%T", err)
			var apiErr *symphony.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, status >= 500 && status < 600, is[*symphony.ServerError](err))
			require.Equal(t, status, apiErr.StatusCode)
			require.Equal(t, http.MethodPost, apiErr.Method)
			require.Equal(t, "/v3/user/presence", apiErr.Path)
			require.Equal(t, 1, apiErr.Attempts)
			require.Equal(t, "fromPod", apiErr.TraceID)
			if status != 304 { // has no body
				require.Equal(t, 94, apiErr.Code)
				require.Equal(t, "so it is", apiErr.Message)
			}
			require.Contains(t, err.Error(), fmt.Sprint(status))
			requireOneLine(t, err.Error())
			requireNoSecret(t, err, *apiErr)
		})
	}
}

func TestOnlyPointersAreErrors(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		symphony.APIError{},
		symphony.BadRequestError{},
		symphony.UnauthorizedError{},
		symphony.ForbiddenError{},
		symphony.NotFoundError{},
		symphony.RateLimitError{},
		symphony.ServerError{},
		symphony.InvalidArgumentError{},
		symphony.DecodeError{},
	} {
		_, ok := value.(error)
		require.False(t, ok, "%T", value)
	}
	// What a user's mock makes does not panic.
	for _, err := range []error{
		&symphony.APIError{}, &symphony.BadRequestError{}, &symphony.UnauthorizedError{}, &symphony.ForbiddenError{},
		&symphony.NotFoundError{}, &symphony.RateLimitError{}, &symphony.ServerError{},
		&symphony.InvalidArgumentError{}, &symphony.DecodeError{},
	} {
		require.NotEmpty(t, err.Error())
		_ = errors.Unwrap(err)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä\x00\n", 1000)
	for _, test := range []struct {
		name     string
		err      error
		contains []string
	}{
		{
			"code like the status",
			&symphony.APIError{StatusCode: 500, Code: 500, Message: "x", Method: "GET", Path: "/x", Attempts: 2},
			[]string{"symphony: GET /x: 500 Internal Server Error: x (2 attempts)"},
		},
		{"whole", &symphony.RateLimitError{APIError: symphony.APIError{
			StatusCode: 429, Code: 94, Message: "slow down", Method: "POST", Path: "/v3/user/presence",
			TraceID: "Ab3dE6", RetryAfter: 30 * time.Second, Attempts: 4,
		}}, []string{`symphony: POST /v3/user/presence: 429 Too Many Requests: slow down (code 94, retry after 30s, 4 attempts, trace id Ab3dE6)`}},
		{
			"long message", &symphony.APIError{StatusCode: 500, Message: long, Method: "GET", Path: "/x", TraceID: "Ab3dE6"},
			[]string{"symphony: GET /x: 500 Internal Server Error: ä", "trace id Ab3dE6"},
		},
		{
			"long everything", &symphony.APIError{StatusCode: 500, Message: long, Method: "GET", Path: "/" + long, TraceID: "id" + long, Attempts: 3},
			[]string{"500 Internal Server Error: ä", "3 attempts", "trace id id"},
		},
		{"one attempt", &symphony.APIError{StatusCode: 400, Method: "GET", Path: "/x", Attempts: 1, TraceID: "Ab3dE6"}, []string{"400 Bad Request (trace id Ab3dE6)"}},
		{"long argument", &symphony.InvalidArgumentError{Argument: long, Reason: "it must be short"}, []string{": it must be short"}},
		{"long reason", &symphony.InvalidArgumentError{Argument: "podURL", Reason: long}, []string{"symphony: invalid podURL: ä"}},
		{
			"long decode error", &symphony.DecodeError{Method: "GET", Path: "/" + long, StatusCode: 200, TraceID: "Ab3dE6", Err: errors.New(long)},
			[]string{"the 200 response", "ä", "trace id Ab3dE6"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, part := range test.contains {
				require.Contains(t, test.err.Error(), part)
			}
			requireOneLine(t, test.err.Error())
			require.NotContains(t, test.err.Error(), "\x00")
		})
	}
}

// Whatever is long, an error's text is as long as may be, and has a part of the reason.
func TestErrorLine(t *testing.T) {
	t.Parallel()
	const before, reason, after = "b", "r", "a"
	for _, lengths := range [][3]int{{1, 1000, 1}, {1, 1000, 1000}, {1000, 1000, 1}, {1000, 1000, 1000}} {
		text := symphony.ErrorLine(strings.Repeat(before, lengths[0]), strings.Repeat(reason, lengths[1]), strings.Repeat(after, lengths[2]))
		require.Len(t, text, 512)
		require.GreaterOrEqual(t, strings.Count(text, reason), 24)
		require.GreaterOrEqual(t, strings.Count(text, before), min(lengths[0], 200))
		require.GreaterOrEqual(t, strings.Count(text, after), min(lengths[2], 200))
	}
}

func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, contentType, body string
		code                    int
		message                 string
	}{
		{"the API's", "application/json", `{"code":403,"message":"no such user"}`, 403, "no such user"},
		{"code as a string", "application/json", `{"code":"94","message":"odd"}`, 94, "odd"},
		{"code beyond int", "application/json", `{"code":99999999999999999999,"message":"odd"}`, 0, "odd"},
		{"a string", "application/json", `"odd"`, 0, `"odd"`},
		{"script that does not end", "text/html", "<p>Gone</p>" + strings.Repeat("<script>", 8000), 0, "Gone"},
		{"code of another kind", "application/json", `{"code":{},"message":"odd"}`, 0, "odd"},
		{"message of another kind", "application/json", `{"message":{"text":"x"}}`, 0, `{"message":{"text":"x"}}`},
		{"another gateway's", "application/json", `{"error":"quota \u003c 1"}`, 0, `{"error":"quota < 1"}`},
		{"empty", "", "", 0, ""},
		{"text", "text/plain", "upstream connect\terror\x00\x1b[31m", 0, "upstream connect error [31m"},
		{"not UTF-8", "text/plain", "caf\xe9", 0, "caf\uFFFD"},
		{"nginx", "text/html", "<html>\n<head><title>502 Bad Gateway</title></head><body>much</body></html>", 0, "502 Bad Gateway"},
		{"title with tags", "text/html", "<TITLE lang=en>a <b>b</b>\n&amp; c</TITLE>", 0, "a b & c"},
		{"no title", "text/html", "<html><style>p{}</style><script>x()</script><h1>Gone</h1><p>away</p>", 0, "Gone away"},
		{"page without a type", "", "<!DOCTYPE html><title>Sign in</title>", 0, "Sign in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := setBusy(t, serve(t, respond(502, test.body, "Content-Type", test.contentType), once))
			var server *symphony.ServerError
			require.ErrorAs(t, err, &server)
			require.Equal(t, test.code, server.Code)
			require.Equal(t, test.message, server.Message)
			requireOneLine(t, err.Error())
		})
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		hint    string
	}{
		{"403", respond(403, `{"code":403,"message":"`+strings.Repeat("no ", 500)+`"}`), "User Provisioning"},
		{"404 of a server that is no pod", respond(404, "404 page not found"), "lack /pod"},
		{"a redirect", respond(302, "", "Location", "https://sso.acme.net/login?token="+secret), "leads to sso.acme.net"},
		{"a redirect to nowhere", respond(302, "", "Location", "::"), "redirects are not followed"},
		{"a redirect with choices", respond(300, ""), "redirects are not followed"},
		{"a proxy", respond(407, "<title>ERR_CACHE_ACCESS_DENIED</title>"), "the proxy asks for credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := setBusy(t, serve(t, test.handler))
			require.ErrorContains(t, err, test.hint)
			requireOneLine(t, err.Error())
			requireNoSecret(t, err)
		})
	}
	err := setBusy(t, serve(t, respond(404, `{"message":"no such user"}`)))
	require.NotContains(t, err.Error(), "/pod", "the pod itself responded")
	err = setBusy(t, serve(t, respond(404, `["no such user"]`)))
	require.NotContains(t, err.Error(), "/pod", "in JSON")
	for _, page := range []string{"<html><title>Access denied</title>", "RBAC: access denied"} {
		require.NotContains(t, setBusy(t, serve(t, respond(403, page), once)).Error(), "entitlement", "a gateway responded")
	}
	require.NotContains(t, setBusy(t, serve(t, respond(400, "", "Location", "https://sso.acme.net"), once)).Error(), "redirect")
	require.NotContains(t, setBusy(t, serve(t, respond(407, ""), once)).Error(), "credentials (")
	require.ErrorContains(t, setBusy(t, serve(t, respond(403, ""), once)), "User Provisioning")
	require.ErrorContains(t, setBusy(t, serve(t, respond(407, "", "Proxy-Authenticate", "Negotiate"), once)), "credentials (Negotiate)")
	bom := setBusy(t, serve(t, respond(404, "\xef\xbb\xbf"+`{"code":404,"message":"no such user"}`), once))
	require.ErrorContains(t, bom, "no such user")
	require.NotContains(t, bom.Error(), "/pod", "it is JSON")
	err = serve(t, respond(403, "")).Do(t.Context(), symphony.Request{Path: "/v3/user/presence"}, nil)
	require.NotContains(t, err.Error(), "User Provisioning", "another call")

	// No hint, trace id or status is cut, however long all else is.
	id := strings.Repeat("i", 64)
	err = setBusy(t, serve(t, respond(302, `{"code":-2147483648,"message":"`+strings.Repeat("m", 600)+`"}`,
		"Location", "https://"+strings.Repeat("h", 62)+"/", "X-Trace-Id", id, "Retry-After", "99999999999999")))
	for _, part := range []string{"302 Found", "leads to " + strings.Repeat("h", 62), "trace id " + id, "mmmm"} {
		require.ErrorContains(t, err, part)
	}
	requireOneLine(t, err.Error())
}

func TestEchoedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"message":                respond(400, `{"code":400,"message":"session `+secret+` is odd"}`, "X-Trace-Id", secret),
		"escaped":                respond(400, `{"error":"session s3cr3t\u002dsession-token"}`),
		"title":                  respond(400, `<title>s3cr3t&#45;session-token</title>`),
		"escaped in a list":      respond(400, `["s3cr3t\u002dsession-token"]`),
		"escaped and cut":        respond(400, `{"error":"s3cr3t\u002dsession-token`),
		"across the limit":       respond(400, strings.Repeat("x", 500)+secret),
		"long title":             respond(200, "<title>"+strings.Repeat("x", 55)+secret+"</title>"),
		"in lower-case percent":  respond(400, `{"message":"t%6fken%3ds3cr3t%2dsession-token"}`),
		"as an entity":           respond(400, "s3cr3t&#x2D;session-token"),
		"with a backslash":       respond(400, `s3cr3t\-session-token`),
		"escaped twice in JSON":  respond(400, `{"error":"{\"token\":\"s3cr3t\\u002dsession-token\"}"}`),
		"escaped twice in a URL": respond(400, "s3cr3t%252Dsession-token"),
		"far behind":             respond(400, strings.Repeat("x", 8<<10-5)+secret+strings.Repeat("y", 9000)),
		"all in escapes":         respond(400, "%73%33cr%33t-s%65ssion-token"),
		"text":                   respond(400, strings.Repeat(" ", 70)+secret),
		"cut by the limit":       respond(400, strings.Repeat(" ", 64<<10-10)+secret),
		"redirect":               respond(307, "", "Location", "https://"+secret+".example.com/"),
		"page under 200":         respond(200, "<title>"+secret+"</title>"),
		"malformed response":     hijack("HTTP/1.1 " + secret + " no\r\n\r\n"),
		"broken off":             hijack("HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\n" + secret[:12]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := setBusy(t, serve(t, handler, once))
			require.Error(t, err)
			requireNoSecret(t, err)
			require.NotContains(t, err.Error(), secret[:10])
			require.NotContains(t, err.Error(), secret[len(secret)-11:], "in no spelling")
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				requireNoSecret(t, cause)
			}
		})
	}
	err := setBusy(t, serve(t, respond(400, `{"message":"session `+secret+` is odd"}`)))
	require.ErrorContains(t, err, "session [session token] is odd")
}

// hijack responds with bytes as they are, and closes the connection.
func hijack(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, raw)
		_ = conn.Close()
	}
}

func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		text    string
	}{
		{"204", respond(204, ""), "empty"},
		{"empty", respond(200, ""), "empty"},
		{"blank", respond(200, " \n"), "empty"},
		{"null", respond(200, " null\n"), "null"},
		{"null behind blanks", respond(200, strings.Repeat(" ", 7)+"null"), "null"},
		{"no category", respond(200, `{}`), "category"},
		{"null category", respond(200, `{"category":null}`), "category"},
		{"a list", respond(200, `[]`), "array"},
		{"cut JSON", respond(200, `{"category":"BU`), "JSON"},
		{"more than JSON", respond(200, busy+busy), "after top-level value"},
		{"user id of another type", respond(200, `{"category":"BUSY","userId":"42"}`), "userId"},
		{"user id beyond int64", respond(200, `{"category":"BUSY","userId":9223372036854775808}`), "userId"},
		{"timestamp of another type", respond(200, `{"category":"BUSY","timestamp":"now"}`), "timestamp"},
		{"an error of the pod", respond(200, `{"code":429,"message":"too many requests"}`), `code 429, "too many requests"`},
		{"a code", respond(200, `{"code":429}`), "cannot be used: the presence has no category ("},
		{"a message", respond(200, `{"message":"too many requests"}`), "cannot be used: the presence has no category ("},
		{"a sign-on page", respond(200, "<html><head><title>Sign in to Acme</title></head></html>", "Content-Type", "text/html"), "Sign in to Acme"},
		{"a body that breaks off", hijack("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + busy), "breaks off"},
		{"larger than 16 MiB", respond(200, strings.Repeat(" ", 16<<20)+busy), "larger than 16 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := setBusy(t, serve(t, test.handler, once))
			var decode *symphony.DecodeError
			require.ErrorAs(t, err, &decode)
			require.Contains(t, err.Error(), test.text)
			require.Equal(t, http.MethodPost, decode.Method)
			require.Equal(t, "/v3/user/presence", decode.Path)
			require.NotEmpty(t, decode.TraceID)
			require.Equal(t, 1, decode.Attempts)
			require.ErrorIs(t, err, decode.Err)
			requireOneLine(t, err.Error())
		})
	}
	require.ErrorIs(t, setBusy(t, serve(t, hijack("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), once)), io.ErrUnexpectedEOF)
}

// An endless body is read to its limit only.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 32<<10)
	for _, test := range []struct {
		name   string
		status int
		limit  int
	}{
		{"an error page", 502, 64 << 10},
		{"a response", 200, 16 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			read := 0
			client := fake(t, func(*http.Request) (*http.Response, error) {
				r := response(test.status, "")
				r.ContentLength = -1
				r.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
					read += copy(p, zeros)
					return min(len(p), len(zeros)), nil
				}))
				return r, nil
			}, once)
			require.Error(t, setBusy(t, client))
			require.LessOrEqual(t, read, test.limit+1)
		})
	}
	t.Run("a response that no one reads", func(t *testing.T) {
		t.Parallel()
		read := 0
		client := fake(t, func(*http.Request) (*http.Response, error) {
			r := response(200, "")
			r.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				read += copy(p, zeros)
				return min(len(p), len(zeros)), nil
			}))
			return r, nil
		})
		require.NoError(t, client.Do(t.Context(), symphony.Request{Path: "/v1/x"}, nil))
		require.LessOrEqual(t, read, 64<<10+1)
	})
	t.Run("a response of just that size", func(t *testing.T) {
		t.Parallel()
		whole := busy + strings.Repeat(" ", 16<<20-len(busy))
		require.NoError(t, setBusy(t, serve(t, respond(200, whole))))
		require.NoError(t, setBusy(t, fake(t, func(*http.Request) (*http.Response, error) { return response(200, whole), nil })), "with the end in a read of its own")
	})
	t.Run("a gzip bomb", func(t *testing.T) {
		t.Parallel()
		var compressed bytes.Buffer
		zip := gzip.NewWriter(&compressed)
		for range 32 { // 1 MiB
			_, err := zip.Write(zeros)
			require.NoError(t, err)
		}
		require.NoError(t, zip.Close())
		done := make(chan struct{})
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(done)
			w.Header().Set("Content-Encoding", "gzip")
			for range 1 << 10 { // 1 GiB
				if _, err := w.Write(compressed.Bytes()); err != nil {
					return
				}
			}
		}, symphony.WithHTTPClient(&http.Client{Transport: &http.Transport{}}), once)
		require.True(t, is[*symphony.DecodeError](setBusy(t, client)))
		<-done
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A page that is made to be slow to search is not.
func TestPagesAreSearchedOnce(t *testing.T) {
	t.Parallel()
	for unit, status := range map[string]int{"<script>": 200, "<style>": 403, "<!-->": 403, "<title>": 403, "<": 403} {
		page := "<html>" + strings.Repeat(unit, 1<<20/len(unit))
		require.Error(t, setBusy(t, serve(t, respond(status, page, "Content-Type", "text/html"), once)))
	}
}

// A short token is a word of a test, and may be in any text.
func TestShortTokensChangeNoError(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{"x": "any text", "t": "any text", "text": "any text", "any t": "any text", "y text": "an[session token]"} {
		client := newClient(t, "https://acme.symphony.com/pod", symphony.StaticSessionToken(token), once, symphony.WithHTTPClient(&http.Client{Transport: roundTrips(func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("any text: %w", io.ErrUnexpectedEOF)
		})}))
		err := setBusy(t, client)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.ErrorContains(t, err, want)
	}
}

// What a transport says may show what it was given; no error in the chain does.
func TestCausesShowNoSecret(t *testing.T) {
	t.Parallel()
	dump := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, fmt.Errorf("%v at https://bot:passw0rd@proxy.acme.net: %w", r.Header, r.Context().Err())
	}
	shown := ""
	for _, transport := range []roundTrips{
		dump,
		func(r *http.Request) (*http.Response, error) {
			shown = fmt.Sprintf("%v %+v %#v", r.Context(), r.Context(), r.Context())
			return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("refused: %v", r.Header)}
		},
	} {
		var log bytes.Buffer
		client := fake(t, transport, once, symphony.WithAttemptTimeout(time.Millisecond),
			symphony.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		err := setBusy(t, client)
		require.Error(t, err)
		requireNoSecretIn(t, err)
		require.Contains(t, log.String(), "error=")
		require.NotContains(t, log.String(), secret)
		require.NotContains(t, log.String(), "passw0rd")

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err = client.SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
		cancel()
		requireNoSecretIn(t, err)
	}
	require.NotEmpty(t, shown)
	require.NotContains(t, shown, secret)
}

// requireNoSecretIn looks into an error and all its causes.
func requireNoSecretIn(t *testing.T, err error) {
	t.Helper()
	requireNoSecret(t, err)
	require.NotContains(t, err.Error(), "passw0rd")
	switch err := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		if cause := err.Unwrap(); cause != nil {
			requireNoSecretIn(t, cause)
		}
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			requireNoSecretIn(t, cause)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{
		{"exactly", 7, "exactly"},
		{"one more", 7, "one …"},
		{"a b", 3, "a b"},
		{"  a \r\n b\t", 9, "a b"},
		{"äöü", 6, "äöü"},
		{"äöüx", 6, "ä…"},
		{"aaaa b", 5, "aa…"},
		{"", 5, ""},
		{"ends", 2, "…"},
		{"\x7f\u202e\x00", 5, ""},
	} {
		require.Equal(t, test.want, symphony.Line(test.text, test.limit), test.text)
	}
}

// A proxy's password stays hidden, whatever characters it has, and the causes stay.
func TestUserInfoStaysHidden(t *testing.T) {
	t.Parallel()
	for name, password := range map[string]string{"a slash": "pass/w0rd", "an at sign": "pass@w0rd", "a blank": "pass w0rd", "a quote": `pass"w0rd`} {
		proxy := "http://bot:" + password + "@proxy.acme.net:8080"
		_, parse := url.Parse(proxy)
		if parse == nil {
			_, parse = url.Parse(proxy + "\x7f")
		}
		require.Error(t, parse)
		_, bare := url.Parse(`CORP\bot:` + password + "@proxy.acme.net:8080") // as it stands in many proxy settings
		require.Error(t, bare)
		for kind, cause := range map[string]error{
			"parse":   parse,
			"bare":    bare,
			"quoted":  fmt.Errorf("invalid proxy %q: %w", proxy, context.DeadlineExceeded),
			"plain":   fmt.Errorf("dial %s: %w", proxy, context.DeadlineExceeded),
			"url":     &url.Error{Op: "Get", URL: proxy, Err: context.DeadlineExceeded},
			"dial":    &net.OpError{Op: "dial", Err: fmt.Errorf("via %s: %w", proxy, context.DeadlineExceeded)},
			"wrapped": fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: proxy, Err: context.DeadlineExceeded}),
		} {
			err := setBusy(t, fake(t, func(*http.Request) (*http.Response, error) { return nil, cause }, once))
			for cause := err; cause != nil; cause = firstCause(cause) {
				for _, part := range []string{"w0rd", "pass"} {
					require.NotContains(t, cause.Error(), part, "%s, %s", name, kind)
				}
			}
			if kind != "parse" && kind != "bare" {
				require.ErrorIs(t, err, context.DeadlineExceeded, "%s, %s", name, kind)
			}
			if kind == "dial" {
				require.True(t, is[*net.OpError](err), name)
			}
		}
	}
}

func firstCause(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
		return many.Unwrap()[0]
	}
	return errors.Unwrap(err)
}

// gzip that was not asked for, as some gateways send it, is decoded.
func TestUnrequestedGzip(t *testing.T) {
	t.Parallel()
	zip := func(body string) string {
		var b strings.Builder
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, body)
		_ = w.Close()
		return b.String()
	}
	require.NoError(t, setBusy(t, serve(t, respond(200, zip(busy), "Content-Encoding", "gzip"), once)))
	require.NoError(t, setBusy(t, serve(t, respond(200, "\xef\xbb\xbf"+busy), once)), "nor does a byte-order mark matter")
	require.NoError(t, setBusy(t, serve(t, respond(200, zip(strings.Repeat(" ", 100<<10)+busy), "Content-Encoding", "gzip"), once)), "a body of several reads")
	require.ErrorContains(t, setBusy(t, serve(t, respond(400, zip(`{"message":"no such category"}`), "Content-Encoding", "x-gzip"), once)), "no such category")
	require.True(t, is[*symphony.DecodeError](setBusy(t, serve(t, respond(200, busy, "Content-Encoding", "gzip"), once))), "not gzip after all")
	require.True(t, is[*symphony.DecodeError](setBusy(t, serve(t, respond(200, zip(strings.Repeat(" ", 17<<20)), "Content-Encoding", "gzip"), once))), "a bomb")
}

func TestIsCredentialError(t *testing.T) {
	t.Parallel()
	login := func(status int) error { // what a provider returns that logs in
		client := newClient(t, "https://acme.symphony.com/login", symphony.NoSessionToken, symphony.WithHTTPClient(&http.Client{Transport: roundTrips(func(*http.Request) (*http.Response, error) { return response(status, ""), nil })}), once)
		return fmt.Errorf("login: %w", client.Do(t.Context(), symphony.Request{Method: "POST", Path: "/pubkey/authenticate"}, nil))
	}
	call := func(status int, tokens symphony.SessionTokenProvider) error {
		return setBusy(t, withTokens(t, tokens, respond(status, ""), once))
	}
	provider := func(err error) error {
		return call(200, symphony.SessionTokenFunc(func(context.Context) (string, error) { return "", err }))
	}
	refresh := func(err error) error { return call(401, &refresher{token: "a-session-token", err: err}) }
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"401 after the refresh", call(401, &refresher{token: "a-session-token", next: []string{"another-token"}}), true},
		{"401 without a refresh", call(401, symphony.StaticSessionToken(secret)), true},
		{"403 of a presence call", call(403, symphony.StaticSessionToken(secret)), false},
		{"500 of a presence call", call(500, symphony.StaticSessionToken(secret)), false},
		{"a login that was refused with 401", login(401), true},
		{"a login that was refused with 403", login(403), true},
		{"a login with a JWT that is malformed", login(400), true},
		{"a login at a wrong URL", login(404), true},
		{"a provider at a wrong URL", provider(login(404)), true},
		{"404 of a presence call", call(404, symphony.StaticSessionToken(secret)), false},
		{"400 of a presence call", call(400, symphony.StaticSessionToken(secret)), false},
		{"403 of a presence call that carries no token", call(403, symphony.NoSessionToken), false},
		{"404 of a presence call that carries no token", call(404, symphony.NoSessionToken), false},
		{"a login that is rate limited", provider(login(429)), false},
		{"a login host in trouble", login(503), false},
		{"a provider whose login was refused", provider(login(403)), true},
		{"a provider with a mock's 403", provider(&symphony.ForbiddenError{APIError: symphony.APIError{StatusCode: 403}}), true},
		{"a provider without a token", provider(nil), true},
		{"a provider whose vault is sealed", provider(errors.New("sealed")), false},
		{"a refresh that was refused", refresh(login(401)), true},
		{"a refresh while the login host is in trouble", refresh(login(503)), false},
		{"a mock's 401", fmt.Errorf("x: %w", &symphony.UnauthorizedError{}), true},
		{"a mock's 403", &symphony.ForbiddenError{}, false},
		{"something else", io.EOF, false},
	} {
		require.Equal(t, test.want, symphony.IsCredentialError(test.err), "%s: %v", test.name, test.err)
	}
}

// 101 hands over the connection, which no context ends: it is not read.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	err := setBusy(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		<-done
	}))
	apiErr, ok := errors.AsType[*symphony.APIError](err)
	require.True(t, ok, err)
	require.Equal(t, 101, apiErr.StatusCode)
}

// A token that the provider replaced between two attempts stays hidden too.
func TestEarlierTokenStaysHidden(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) {
		asked++
		return fmt.Sprint("session-token-", asked), nil
	})
	attempts := 0
	client := fakeOf(t, tokens, func(r *http.Request) (*http.Response, error) {
		if attempts++; attempts == 2 {
			cancel()
			return nil, ctx.Err()
		}
		return response(503, `{"message":"`+r.Header.Get("sessionToken")+` is overloaded"}`), nil
	}, quickly(3))
	_, err := client.SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
	require.Equal(t, 2, attempts)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "[session token] is overloaded")
	require.NotContains(t, err.Error(), "session-token-")
}

// Text that is made to be slow to search is not.
func TestRedactionIsBounded(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{`"://@"`, `\"`, "&", "%41", "://a:", "s3cr3t"} {
		text := strings.Repeat(unit, 64<<10/len(unit))
		require.Error(t, setBusy(t, serve(t, respond(400, text), once)))
		require.Error(t, setBusy(t, serve(t, respond(400, "", "X-Trace-Id", text), once)))
	}
	err := setBusy(t, serve(t, respond(400, "", "X-Large", strings.Repeat("x", 300<<10)), once))
	require.False(t, is[*symphony.APIError](err), "a header of that size is not read")
}
