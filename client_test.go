package symphony_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, want string }{
		{"https://acme.symphony.com/pod", "https://acme.symphony.com/pod/v3/user/presence?soft=false"},
		{"https://acme.symphony.com/pod/", "https://acme.symphony.com/pod/v3/user/presence?soft=false"},
		{"https://acme.symphony.com", "https://acme.symphony.com/v3/user/presence?soft=false"},
		{"https://gw.acme.net:8443/symphony/pod///", "https://gw.acme.net:8443/symphony/pod/v3/user/presence?soft=false"},
		{"https://gw.acme.net/a%2Fb/", "https://gw.acme.net/a%2Fb/v3/user/presence?soft=false"},
		{"https://gw.acme.net/a%2F//", "https://gw.acme.net/a%2F/v3/user/presence?soft=false"},
		{"https://gw.acme.net/a%2Fb/pod", "https://gw.acme.net/a%2Fb/pod/v3/user/presence?soft=false"},
		{"HTTPS://acme.symphony.com/pod", "https://acme.symphony.com/pod/v3/user/presence?soft=false"},
		{"http://localhost:8080", "http://localhost:8080/v3/user/presence?soft=false"},
		{"http://127.1.2.3", "http://127.1.2.3/v3/user/presence?soft=false"},
		{"http://[::1]:80/pod", "http://[::1]:80/pod/v3/user/presence?soft=false"},
	} {
		var got string
		transport := roundTrips(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return response(200, busy), nil
		})
		client := newClient(t, test.base, static, symphony.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(t, setBusy(t, client))
		require.Equal(t, test.want, got, test.base)
	}
}

func TestBaseURLRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, why string }{
		{"", "https://"},
		{"/pod", "https://"},
		{"acme.symphony.com/pod", "https://"},
		{"acme.symphony.com:443/pod", "https://"},
		{"ftp://acme.symphony.com", "https://"},
		{"https:///pod", "host"},
		{"https://acme.symphony.com:0/pod", "port"},
		{"https://acme.symphony.com:99999/pod", "port"},
		{"https://:8443/pod", "host"},
		{"https://acme.symphony.com/pod ", "blank"},
		{" https://acme.symphony.com/pod", "blank"},
		{"https://acme.symphony.com/a b", "blank"},
		{"https://acme.symphony.com/pod\r\n", "blank"},
		{"https://acme.symphony.com/pod\u00a0", "blank"},
		{"https://bot:" + secret + "@acme.symphony.com/pod", "user info"},
		{"https://bot:" + secret + "%zz@acme.symphony.com/pod", "not a URL"},
		{"https://acme.symphony.com:" + secret + "/pod", "not a URL"},
		{"https://acme.symphony.com/pod?token=" + secret, "query"},
		{"https://acme.symphony.com/pod?", "query"},
		{"https://acme.symphony.com/pod#" + secret, "fragment"},
		{"https://acme.symphony.com/pod#", "fragment"},
		{"http://acme.symphony.com/pod", "clear text"},
		{"http://10.0.0.1/pod", "clear text"},
		{"http://localhost.acme.net", "clear text"},
	} {
		client, err := symphony.NewClient(test.base, symphony.StaticSessionToken(secret))
		require.Nil(t, client)
		var invalid *symphony.InvalidArgumentError
		require.ErrorAs(t, err, &invalid, test.base)
		require.Equal(t, "podURL", invalid.Argument)
		require.Contains(t, invalid.Reason, test.why, test.base)
		require.Contains(t, invalid.Reason, "https://acme.symphony.com/pod", "what would be right")
		requireNoSecret(t, err)
	}
	_, err := symphony.NewClient("http://10.0.0.1/pod", symphony.StaticSessionToken(secret), symphony.WithPlaintextHTTP())
	require.NoError(t, err)
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]symphony.Option{
		"negative attempts":        symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: -1}),
		"negative backoff":         symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: -1}),
		"negative max backoff":     symphony.WithRetryPolicy(symphony.RetryPolicy{MaxBackoff: -1}),
		"negative Retry-After":     symphony.WithRetryPolicy(symphony.RetryPolicy{MaxRetryAfter: -1}),
		"min above max":            symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 2, MaxBackoff: 1}),
		"min above default max":    symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Minute}),
		"no attempt timeout":       symphony.WithAttemptTimeout(0),
		"negative attempt timeout": symphony.WithAttemptTimeout(-time.Second),
		"session token header":     symphony.WithHeader("sessiontoken", secret),
		"host":                     symphony.WithHeader("host", secret),
		"content type":             symphony.WithHeader("Content-Type", secret),
		"content encoding":         symphony.WithHeader("content-encoding", secret),
		"accept":                   symphony.WithHeader("ACCEPT", secret),
		"user agent header":        symphony.WithHeader("User-Agent", secret),
		"trace id":                 symphony.WithHeader("x-trace-id", secret),
		"no name":                  symphony.WithHeader("", secret),
		"name with a colon":        symphony.WithHeader("X-Key:", secret),
		"name with a line break":   symphony.WithHeader("X-Key\r\nX-Other", secret),
		"value with a line break":  symphony.WithHeader("X-Key", secret+"\r\nX-Other: 1"),
		"value with a zero":        symphony.WithHeader("X-Key", secret+"\x00"),
		"user agent":               symphony.WithUserAgent(secret + "\n"),
		"certificate, nil key":     symphony.WithClientCertificate(tls.Certificate{Certificate: [][]byte{{1}}, PrivateKey: (*rsa.PrivateKey)(nil)}),
		"certificate without key":  symphony.WithClientCertificate(tls.Certificate{Certificate: [][]byte{{1}}}),
		"connection":               symphony.WithHeader("connection", "Keep-Alive"),
		"transfer encoding":        symphony.WithHeader("Transfer-Encoding", "chunked"),
		"upgrade":                  symphony.WithHeader("Upgrade", "h2c"),
		"TE":                       symphony.WithHeader("TE", "trailers"),
		"trailer":                  symphony.WithHeader("Trailer", "X"),
		"keep alive":               symphony.WithHeader("Keep-Alive", "5"),
		"proxy authorization":      symphony.WithHeader("Proxy-Authorization", secret),
		"accept encoding":          symphony.WithHeader("Accept-Encoding", "gzip"),
		"inside Options":           symphony.Options(nil, symphony.WithAttemptTimeout(0)),
		"rate that is no number":   symphony.WithRateLimit(math.NaN()),
		"typed nil transport":      symphony.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)}),
		"empty certificate":        symphony.WithClientCertificate(tls.Certificate{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.NoSessionToken, opt)
			require.Nil(t, client)
			require.True(t, is[*symphony.InvalidArgumentError](err), "%T", err)
			requireOneLine(t, err.Error())
			requireNoSecret(t, err)
		})
	}
}

func TestNilsMeanTheDefault(t *testing.T) {
	t.Parallel()
	client := serve(t, respond(200, busy), symphony.WithLogger(nil), nil)
	require.NoError(t, setBusy(t, client))
	_, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.NoSessionToken, symphony.WithHTTPClient(nil))
	require.NoError(t, err)

	for _, provider := range []symphony.SessionTokenProvider{
		nil, symphony.SessionTokenFunc(nil), (*refresher)(nil), symphony.StaticSessionToken(""),
	} {
		_, err = symphony.NewClient("https://acme.symphony.com/pod", provider)
		require.ErrorContains(t, err, "NoSessionToken")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		respond(200, busy)(w, r)
	},
		symphony.WithHeader("x-api-key", "first"),
		symphony.WithUserAgent("phone-presence/2.1"),
		symphony.WithHeader("X-Api-Key", "key"),
		symphony.WithHeader("Authorization", "Bearer b"),
	)
	require.NoError(t, setBusy(t, client))
	require.Equal(t, []string{"key"}, got.Values("X-Api-Key"))
	require.Equal(t, "Bearer b", got.Get("Authorization"))
	require.Regexp(t, `^phone-presence/2\.1 symphony-go/`, got.Get("User-Agent"))

	require.NoError(t, client.Do(t.Context(), symphony.Request{Path: "/v2/user/presence"}, new(symphony.V2Presence)))
	require.NotContains(t, got, "Content-Type", "no body")
}

func TestTraceID(t *testing.T) {
	t.Parallel()
	var got []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-Trace-Id"))
		respond(400, "")(w, r)
	})
	set := func(id string) *symphony.APIError {
		_, err := client.SetUserPresence(symphony.ContextWithTraceID(t.Context(), id), 1, symphony.PresenceBusy, false)
		var apiErr *symphony.APIError
		require.ErrorAs(t, err, &apiErr)
		return apiErr
	}
	require.Equal(t, "call 4711", set("call 4711").TraceID)
	require.Equal(t, " ~", set(" ~").TraceID)
	require.Equal(t, strings.Repeat("x", 64), set(strings.Repeat("x", 64)).TraceID)
	for _, ignored := range []string{"", "a\r\nb", "ä", "\x7f", strings.Repeat("x", 65)} {
		require.Regexp(t, `^[0-9A-Za-z]{6}$`, set(ignored).TraceID)
	}
	require.Equal(t, "call 4711", got[0])
	seen := map[string]bool{}
	for range 100 {
		seen[set("").TraceID] = true
	}
	require.Greater(t, len(seen), 95)
}

func TestDo(t *testing.T) {
	t.Parallel()
	type received struct{ method, uri, body string }
	var got received
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = received{r.Method, r.URL.String(), string(body)}
		respond(200, `{"id":9223372036854775807}`)(w, r)
	})
	for _, test := range []struct {
		req  symphony.Request
		want received
	}{
		{symphony.Request{Path: "/v2/user"}, received{"GET", "/v2/user", ""}},
		{symphony.Request{Method: "POST", Path: "/v1/x", Body: map[string]int{"a": 1}}, received{"POST", "/v1/x", `{"a":1}`}},
		{symphony.Request{Method: "PUT", Path: "/v1/x", Query: url.Values{"b": {"2"}, "a": {"1 &"}}}, received{"PUT", "/v1/x?a=1+%26&b=2", ""}},
		{symphony.Request{Method: "DELETE", Path: "/v1/" + url.PathEscape("a/b+c= %")}, received{"DELETE", "/v1/a%2Fb+c=%20%25", ""}},
		{symphony.Request{Path: "/v1/(a)[b]*!'"}, received{"GET", "/v1/(a)[b]*!'", ""}},
	} {
		var out struct{ ID int64 }
		require.NoError(t, client.Do(t.Context(), test.req, &out))
		require.Equal(t, test.want, got)
		require.Equal(t, int64(9223372036854775807), out.ID)
	}
}

func TestDoWithoutOutTakesAny2xx(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"204": respond(204, ""), "page": respond(201, "<html>"), "broken": hijack("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
		"large": respond(200, strings.Repeat(" ", 1<<20)),
	} {
		require.NoError(t, serve(t, handler, once).Do(t.Context(), symphony.Request{Path: "/v1/x"}, nil), name)
	}
	requests := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		hijack("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")(w, r)
	})
	require.NoError(t, client.Do(t.Context(), symphony.Request{Path: "/v1/x"}, nil))
	require.Equal(t, 1, requests, "what no one wants is no reason to try again")
	require.True(t, is[*symphony.NotFoundError](serve(t, respond(404, "")).Do(t.Context(), symphony.Request{Path: "/v1/x"}, nil)))
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	var out map[string]any
	for _, test := range []struct {
		name, argument string
		req            symphony.Request
		out            any
	}{
		{"no path", "req.Path", symphony.Request{}, nil},
		{"relative path", "req.Path", symphony.Request{Path: "v1/x"}, nil},
		{"another host", "req.Path", symphony.Request{Path: "https://evil.example.com/"}, nil},
		{"query in the path", "req.Path", symphony.Request{Path: "/v1/x?y"}, nil},
		{"fragment in the path", "req.Path", symphony.Request{Path: "/v1/x#y"}, nil},
		{"parent", "req.Path", symphony.Request{Path: "/v1/../x"}, nil},
		{"a dot", "req.Path", symphony.Request{Path: "/v1/./x"}, nil},
		{"a reader", "req.Body", symphony.Request{Method: "POST", Path: "/v1/x", Body: strings.NewReader("{}")}, nil},
		{"bytes", "req.Body", symphony.Request{Method: "POST", Path: "/v1/x", Body: []byte("{}")}, nil},
		{"a buffer to fill", "out", symphony.Request{Path: "/v1/x"}, new(bytes.Buffer)},
		{"a builder to fill", "out", symphony.Request{Path: "/v1/x"}, new(strings.Builder)},
		{"parent at the end", "req.Path", symphony.Request{Path: "/v1/.."}, nil},
		{"escaped parent", "req.Path", symphony.Request{Path: "/v1/%2e%2E/x"}, nil},
		{"parent behind escaped slashes", "req.Path", symphony.Request{Path: "/v1/a%2f..%5cx"}, nil},
		{"not escaped", "req.Path", symphony.Request{Path: "/v1/100%"}, nil},
		{"parent with a parameter", "req.Path", symphony.Request{Path: "/v1/..;x/y"}, nil},
		{"not escaped, beside an escape", "req.Path", symphony.Request{Path: "/v1/a|b%2Fc"}, nil},
		{"not ASCII", "req.Path", symphony.Request{Path: "/v1/ä%2Fc"}, nil},
		{"a space", "req.Path", symphony.Request{Path: "/v1/a b"}, nil},
		{"a line break", "req.Path", symphony.Request{Path: "/v1/a\r\nb"}, nil},
		{"unknown method", "req.Method", symphony.Request{Method: "get", Path: "/v1/x"}, nil},
		{"a body that is no JSON", "req.Body", symphony.Request{Method: "POST", Path: "/v1/x", Body: make(chan int)}, nil},
		{"out is no pointer", "out", symphony.Request{Path: "/v1/x"}, out},
		{"out is nil", "out", symphony.Request{Path: "/v1/x"}, (*symphony.V2Presence)(nil)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := client.Do(t.Context(), test.req, test.out)
			var invalid *symphony.InvalidArgumentError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, test.argument, invalid.Argument)
			requireOneLine(t, err.Error())
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		followed := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		err := setBusy(t, serve(t, respond(status, "", "Location", elsewhere.URL+"/v3/user/presence"), symphony.WithHTTPClient(followed)))
		var apiErr *symphony.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, status, apiErr.StatusCode)
		require.Equal(t, 1, apiErr.Attempts)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	header := symphony.WithHeader("X-Api-Key", secret)
	provider := symphony.StaticSessionToken(secret)
	client := serve(t, respond(503, `{"message":"`+secret+`"}`),
		header,
		symphony.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	type service struct {
		client   symphony.Client
		pointer  *symphony.Client
		tokens   symphony.SessionTokenProvider
		option   symphony.Option
		failures []error
	}
	err := setBusy(t, client)
	requireNoSecret(t, client, *client, provider, header, err,
		service{*client, client, provider, header, []error{err}},
		&service{*client, client, provider, header, []error{err}})
	require.Equal(t, 3, strings.Count(log.String(), "level=WARN"), log.String())
	require.Equal(t, 4, strings.Count(log.String(), "level=DEBUG"))
	for _, fact := range []string{"operation=SetUserPresence", "status=503", "attempt=4", "duration=", "backoff=1ns", "user_id=42", "symphony_trace_id="} {
		require.Contains(t, log.String(), fact)
	}
	require.NotContains(t, log.String(), secret)
}

func TestLentHTTPClientIsNotModified(t *testing.T) {
	t.Parallel()
	custom := &http.Client{Timeout: time.Minute}
	client := serve(t, respond(200, busy), symphony.WithHTTPClient(custom))
	require.NoError(t, setBusy(t, client))
	require.Equal(t, http.Client{Timeout: time.Minute}, *custom)
	client.CloseIdleConnections()
}

func TestNewTransport(t *testing.T) {
	t.Parallel()
	transport := symphony.NewTransport()
	require.Equal(t, 10*time.Second, transport.TLSHandshakeTimeout)
	require.Equal(t, 90*time.Second, transport.IdleConnTimeout)
	require.Equal(t, &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}, transport.HTTP2)
	require.NotSame(t, symphony.NewTransport(), transport, "to adjust")
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(respond(200, busy))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return new(tls.Certificate), nil
	}
	certificate := symphony.WithClientCertificate(server.TLS.Certificates[0])

	require.Error(t, setBusy(t, newClient(t, server.URL, static, symphony.WithHTTPClient(server.Client()))))
	for _, opts := range [][]symphony.Option{ // in either order
		{certificate, symphony.WithHTTPClient(server.Client())},
		{symphony.WithHTTPClient(server.Client()), certificate},
	} {
		client := newClient(t, server.URL, static, opts...)
		require.NoError(t, setBusy(t, client))
		client.CloseIdleConnections()
		require.Empty(t, transport.TLSClientConfig.Certificates, "the custom transport is as it was")
	}
	_, err := symphony.NewClient(server.URL, symphony.NoSessionToken, certificate,
		symphony.WithHTTPClient(&http.Client{Transport: roundTrips(nil)}))
	require.ErrorContains(t, err, "*http.Transport")

	dial := server.Client().Transport.(*http.Transport).Clone()
	dial.DialTLSContext = func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	_, err = symphony.NewClient(server.URL, symphony.NoSessionToken, certificate, symphony.WithHTTPClient(&http.Client{Transport: dial}))
	require.ErrorContains(t, err, "DialTLSContext")
}

// x/net/http2 keeps the connections of a transport in its TLSNextProto: a clone with
// another certificate has an HTTP/2 set-up of its own.
// A transport that was told not to speak HTTP/2 does not do so with a certificate either.
func TestClientCertificateWithoutHTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Error(r.Proto)
		}
		respond(200, busy)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	client := newClient(t, server.URL, static, symphony.WithHTTPClient(server.Client()), symphony.WithClientCertificate(server.TLS.Certificates[0]))
	t.Cleanup(client.CloseIdleConnections)
	require.NoError(t, setBusy(t, client))
}

func TestClientCertificateAndForeignHTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(respond(200, busy))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{
		"h2": func(string, *tls.Conn) http.RoundTripper {
			t.Error("a connection with the certificate went into the pool of the original")
			return roundTrips(func(*http.Request) (*http.Response, error) { return nil, net.ErrClosed })
		},
	}
	client := newClient(t, server.URL, static, symphony.WithHTTPClient(server.Client()), symphony.WithClientCertificate(server.TLS.Certificates[0]))
	t.Cleanup(client.CloseIdleConnections)
	require.NoError(t, setBusy(t, client))
}

// A cookie of a load balancer is sent as its jar has it, once, with every attempt.
func TestCookies(t *testing.T) {
	t.Parallel()
	var sent []string
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "node", Value: strconv.Itoa(len(sent))})
		respond([]int{503, 503, 200, 200}[len(sent)-1], busy)(w, r)
	}, symphony.WithHTTPClient(&http.Client{Jar: jar}), symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	require.NoError(t, setBusy(t, client))
	require.NoError(t, setBusy(t, client))
	require.Equal(t, []string{"", "node=1", "node=2", "node=3"}, sent)
}

func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 404} {
		closed := 0
		require.NotPanics(t, func() {
			_ = setBusy(t, fake(t, func(*http.Request) (*http.Response, error) {
				r := response(status, busy)
				r.Body = closer{r.Body, &closed}
				return r, nil
			}))
		})
		require.Equal(t, 1, closed)
	}
	err := setBusy(t, fake(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200}, nil // a mock without a body
	}))
	require.True(t, is[*symphony.DecodeError](err))
}

type closer struct {
	io.Reader
	closed *int
}

func (c closer) Close() error {
	*c.closed++
	return nil
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"answers":           respond(200, busy),
		"errors":            respond(404, `{"message":"x"}`),
		"long error pages":  respond(404, strings.Repeat("x", 60<<10)),
		"unusable answers":  respond(200, "<html>"),
		"exhausted retries": respond(503, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened atomic.Int64
			server := httptest.NewUnstartedServer(handler)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					opened.Add(1)
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			client := newClient(t, server.URL, static, symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 2, MinBackoff: 1, MaxBackoff: 1}))
			calls := 20
			if name == "exhausted retries" {
				calls = 2 // more failures in a row would be an outage, in which the client sends little
			}
			for range calls {
				_ = setBusy(t, client)
			}
			require.Equal(t, int64(1), opened.Load())
			client.CloseIdleConnections()
			_ = setBusy(t, client)
			require.Equal(t, int64(2), opened.Load(), "CloseIdleConnections closes them")
			client.CloseIdleConnections()
		})
	}
}

// A call that fails for good leaves the idle connections of others alone.
func TestFailureClosesNoOtherConnection(t *testing.T) {
	t.Parallel()
	closed := 0
	client := fake(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		symphony.WithHTTPClient(&http.Client{Transport: closingTransport{func() { closed++ }}}), once)
	require.Error(t, setBusy(t, client))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.SetUserPresence(cancelled, 1, symphony.PresenceBusy, false)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, closed)
	client.CloseIdleConnections()
	require.Equal(t, 1, closed)
	new(symphony.Client).CloseIdleConnections()
}

type closingTransport struct{ close func() }

func (closingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, io.ErrUnexpectedEOF
}
func (t closingTransport) CloseIdleConnections() { t.close() }

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	ids := make([]symphonytest.User, 200)
	for i := range ids {
		ids[i].ID = int64(i) + 1
	}
	pod, client := connect(t, symphonytest.WithUsers(ids...))
	var group sync.WaitGroup
	for _, user := range ids {
		group.Go(func() {
			presence, err := client.SetUserPresence(t.Context(), user.ID, symphony.PresenceInAMeeting, false)
			if err != nil || presence.UserID != user.ID {
				t.Error(presence, err)
			}
		})
	}
	group.Wait()
	require.Len(t, pod.Requests(), 200)
}

func TestTLSAndHTTP2(t *testing.T) {
	t.Parallel()
	pod := symphonytest.NewPod(symphonytest.WithTLS(), symphonytest.WithUsers(symphonytest.User{ID: 42}))
	t.Cleanup(pod.Close)
	protocols := map[string]int{}
	pod.HandleFunc("POST /pod/v3/user/presence", func(w http.ResponseWriter, r *http.Request) {
		protocols[r.Proto]++
		respond(200, busy)(w, r)
	})
	require.NoError(t, setBusy(t, newClient(t, pod.URL(), static, symphony.WithHTTPClient(pod.Client()))))
	require.Equal(t, []string{"HTTP/2.0"}, slices.Collect(maps.Keys(protocols)))

	err := setBusy(t, newClient(t, pod.URL(), static))
	require.True(t, is[*tls.CertificateVerificationError](err), "%v", err)
	require.ErrorContains(t, err, "(attempt 1 of 4)", "a certificate does not get better")
}

// A proxy that wants credentials ends the call at once, and is named.
func TestProxy(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	status := http.StatusProxyAuthRequired
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("sessionToken") != "" && r.Method == http.MethodConnect {
			t.Error("the proxy was shown the token")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	address.User = url.UserPassword("bot", secret)

	for _, pod := range []string{"https://acme.symphony.com/pod", "http://acme.symphony.com/pod"} {
		requests.Store(0)
		transport := symphony.NewTransport()
		transport.Proxy = http.ProxyURL(address)
		client := newClient(t, pod, static, symphony.WithHTTPClient(&http.Client{Transport: transport}), symphony.WithPlaintextHTTP())
		err := setBusy(t, client)
		var apiErr *symphony.APIError
		require.ErrorAs(t, err, &apiErr, pod)
		require.Equal(t, http.StatusProxyAuthRequired, apiErr.StatusCode)
		require.ErrorContains(t, err, "the proxy "+address.Host+" asks for credentials")
		require.Equal(t, int64(1), requests.Load())
		requireNoSecret(t, err)
		client.CloseIdleConnections()
	}

	// Also over a transport that is not this package's.
	requests.Store(0)
	custom := &http.Transport{Proxy: http.ProxyURL(address)}
	err = setBusy(t, newClient(t, "https://acme.symphony.com/pod", static, symphony.WithHTTPClient(&http.Client{Transport: custom})))
	require.ErrorContains(t, err, "the proxy "+address.Host+" asks for credentials")
	require.Equal(t, int64(1), requests.Load())

	status = http.StatusForbidden
	transport := symphony.NewTransport()
	transport.Proxy = http.ProxyURL(address)
	err = setBusy(t, newClient(t, "https://acme.symphony.com/pod", static, symphony.WithHTTPClient(&http.Client{Transport: transport})))
	require.ErrorContains(t, err, "the proxy "+address.Host+" returned 403 Forbidden")
	require.False(t, is[*symphony.APIError](err), "the pod did not respond")
	require.ErrorContains(t, err, "attempt 1 of 4")
	requireNoSecret(t, err)
}
