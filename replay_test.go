package symphony_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// quickly is a policy with so many attempts and no noticeable waits.
func quickly(attempts int) symphony.Option {
	return symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: attempts, MinBackoff: 1, MaxBackoff: 1})
}

// replayed are requests of all kinds that net/http may send again by itself.
var replayed = []struct {
	name string
	req  symphony.Request
	most int // requests for one attempt
}{
	{"GET", symphony.Request{Path: "/v1/x"}, 3},
	{"HEAD", symphony.Request{Method: http.MethodHead, Path: "/v1/x"}, 3},
	{"DELETE", symphony.Request{Method: http.MethodDelete, Path: "/v1/x"}, 3},
	{"OPTIONS", symphony.Request{Method: http.MethodOptions, Path: "/v1/x"}, 3},
	{"PUT without a body", symphony.Request{Method: http.MethodPut, Path: "/v1/x"}, 3},
	{"PUT with a body", symphony.Request{Method: http.MethodPut, Path: "/v1/x", Body: "x"}, 3},
	{"retryable POST without a body", symphony.Request{Method: http.MethodPost, Path: "/v1/x", Retryable: true}, 3},
	{"retryable POST with a body", symphony.Request{Method: http.MethodPost, Path: "/v1/x", Body: "x", Retryable: true}, 3},
	{"POST without a body", symphony.Request{Method: http.MethodPost, Path: "/v1/x"}, 1},
	{"POST with a body", symphony.Request{Method: http.MethodPost, Path: "/v1/x", Body: "x"}, 1},
	{"PATCH with a body", symphony.Request{Method: http.MethodPatch, Path: "/v1/x", Body: "x"}, 1},
}

// Over HTTP/2 a server that resets each stream, or says goodbye to each connection, receives
// a bounded number of requests.
func TestReplayOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(io.Writer, uint32) error{
		"PROTOCOL_ERROR": func(w io.Writer, stream uint32) error { return resetStream(w, stream, 1) },
		"REFUSED_STREAM": func(w io.Writer, stream uint32) error { return resetStream(w, stream, 7) },
		"GOAWAY":         goAway,
	} {
		for _, test := range replayed {
			t.Run(name+" "+test.name, func(t *testing.T) {
				t.Parallel()
				http2Identity()
				synctest.Test(t, func(t *testing.T) {
					server := &http2Server{refuse: refuse}
					err := server.client(t, quickly(2)).Do(t.Context(), test.req, nil)
					require.Error(t, err)
					if name == "REFUSED_STREAM" && test.most > 1 {
						require.ErrorContains(t, err, "the server closes its connections or streams without a response")
					}
					attempts := 2
					if test.most == 1 {
						attempts = 1
					}
					require.LessOrEqual(t, int(server.requests.Load()), attempts*test.most)
					require.GreaterOrEqual(t, int(server.requests.Load()), attempts)

					server.requests.Store(0)
					require.Error(t, server.client(t, quickly(1)).Do(t.Context(), test.req, nil))
					require.EqualValues(t, 1, server.requests.Load(), "with MaxAttempts 1")
				})
			})
		}
	}
}

// A middleware that repeats a request may do so as often as it likes.
func TestReplayByMiddleware(t *testing.T) {
	t.Parallel()
	server := &http2Server{refuse: func(w io.Writer, stream uint32) error { return resetStream(w, stream, 2) }}
	repeat := symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (response *http.Response, err error) {
			for range 9 {
				response, err = next.RoundTrip(r.Clone(r.Context()))
			}
			return response, err
		})
	})
	err := server.client(t, quickly(1), repeat).Do(t.Context(), symphony.Request{Path: "/v1/x"}, nil)
	require.ErrorContains(t, err, "INTERNAL_ERROR")
	require.EqualValues(t, 9, server.requests.Load())
}

// Over HTTP/1.1 a server may close an idle connection just when a request arrives on it.
func TestReplayOverHTTP1(t *testing.T) {
	t.Parallel()
	for _, test := range replayed {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			var seen sync.Map
			handler := func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1); r.URL.Path == "/v1/first" {
					seen.Store(r.RemoteAddr, true)
				} else if _, reused := seen.Load(r.RemoteAddr); reused {
					panic(http.ErrAbortHandler)
				}
				respond(200, busy)(w, r)
			}
			first := symphony.Request{Path: "/v1/first"}
			client := serve(t, handler, quickly(1))
			require.NoError(t, client.Do(t.Context(), first, nil))
			require.Error(t, client.Do(t.Context(), test.req, nil))
			require.EqualValues(t, 2, requests.Load(), "with MaxAttempts 1 it arrives once")

			requests.Store(0)
			client = serve(t, handler, quickly(2))
			require.NoError(t, client.Do(t.Context(), first, nil))
			if err := client.Do(t.Context(), test.req, nil); test.most == 1 {
				require.Error(t, err)
				require.EqualValues(t, 2, requests.Load(), "what may be sent once arrives once")
			} else {
				require.NoError(t, err)
				require.EqualValues(t, 3, requests.Load())
			}
		})
	}
}

// What may be sent once has nothing that net/http takes for repeatable: to cancel the second
// connection would be too late over HTTP/1.1.
func TestReplayHasNoBodyToRepeat(t *testing.T) {
	t.Parallel()
	for _, test := range replayed {
		for attempts := range 2 {
			var got *http.Request
			look := around(func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
				got = r
				return response(200, ""), nil
			})
			require.NoError(t, serve(t, respond(200, ""), quickly(attempts+1), look).Do(t.Context(), test.req, nil))
			once := attempts == 0 || test.most == 1
			mayHaveBody := slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, test.req.Method)
			require.Equal(t, test.req.Body != nil || once && !mayHaveBody, got.Body != nil && got.Body != http.NoBody, test.name)
			require.Equal(t, test.req.Body != nil && !once, got.GetBody != nil, test.name)
		}
	}
}

// A request that could not be written did not arrive: it is sent on another connection
// within the attempt, unless it may be sent only once.
func TestReplayOfAnUnwrittenRequest(t *testing.T) {
	t.Parallel()
	var served, dialed atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		respond(200, busy)(w, r)
	}))
	t.Cleanup(server.Close)
	transport := symphony.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed.Add(1)
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &connOfOneWrite{Conn: conn}, err
	}
	client := newClient(t, server.URL, static, symphony.WithHTTPClient(&http.Client{Transport: transport}))
	for range 3 {
		require.NoError(t, setBusy(t, client))
	}
	require.EqualValues(t, 3, served.Load())
	require.EqualValues(t, 3, dialed.Load())

	err := client.Do(t.Context(), symphony.Request{Method: http.MethodPost, Path: "/v1/im/create", Body: []int64{42}}, nil)
	require.ErrorIs(t, err, errBroken)
	require.EqualValues(t, 3, served.Load())
}

// A middleware sees the headers that are sent, and none without a value.
func TestReplayNeedsNoIdempotencyKey(t *testing.T) {
	t.Parallel()
	look := symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			for name, values := range r.Header {
				if len(values) != 1 {
					return nil, errors.New(name + " has no value")
				}
			}
			return next.RoundTrip(r)
		})
	})
	for _, key := range []string{"", "key-7"} {
		opts := []symphony.Option{look, once}
		if key != "" {
			opts = append(opts, symphony.WithHeader("Idempotency-Key", key))
		}
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Trace-Id", "key "+r.Header.Get("Idempotency-Key"))
			respond(400, "")(w, r)
		}, opts...)
		err := setBusy(t, client)
		require.ErrorContains(t, err, "trace id "+("key " + key)[:min(3, 4+len(key))])
	}
}

var errBroken = errors.New("write: broken pipe")

// A request for which connections are chosen in vain, again and again, is given up.
func TestReplayWithoutAWrite(t *testing.T) {
	t.Parallel()
	chosen := 0
	client := fake(t, func(r *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(r.Context())
		for chosen < 100 && r.Context().Err() == nil {
			chosen++
			trace.GotConn(httptrace.GotConnInfo{})
		}
		return nil, r.Context().Err()
	}, once)
	require.ErrorContains(t, setBusy(t, client), "closes its connections")
	require.Equal(t, 5, chosen)
}

// connOfOneWrite is a connection on which one request can be sent.
type connOfOneWrite struct {
	net.Conn
	written bool
}

func (c *connOfOneWrite) Write(data []byte) (int, error) {
	if c.written {
		return 0, errBroken
	}
	c.written = true
	return c.Conn.Write(data)
}

// http2Server speaks just enough HTTP/2 to refuse each request. It has no network: it works
// in a synctest bubble, where the waits of net/http between its own attempts take no time.
type http2Server struct {
	refuse   func(w io.Writer, stream uint32) error
	conns    sync.WaitGroup
	requests atomic.Int64
}

// http2Identity has the certificate of example.com, and a client that trusts it.
var http2Identity = sync.OnceValue(func() *httptest.Server {
	server := httptest.NewTLSServer(nil)
	server.Close()
	return server
})

func (s *http2Server) client(t *testing.T, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	transport := symphony.NewTransport()
	transport.TLSClientConfig = http2Identity().Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config := &tls.Config{Certificates: http2Identity().TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	ended, end := context.WithCancel(context.Background())
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		context.AfterFunc(ended, func() { _ = far.Close() })
		conn := &queuedConn{Conn: far, written: make(chan []byte, 100)}
		s.conns.Go(conn.send)
		s.conns.Go(func() { s.serve(tls.Server(conn, config)) })
		return near, nil
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		end()
		s.conns.Wait()
	})
	return newClient(t, "https://example.com/pod", static, append(opts, symphony.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// queuedConn lets both sides of a net.Pipe write at the same time.
type queuedConn struct {
	net.Conn
	written chan []byte
}

func (c *queuedConn) Write(data []byte) (int, error) {
	c.written <- bytes.Clone(data)
	return len(data), nil
}

func (c *queuedConn) Close() error {
	close(c.written)
	return nil
}

func (c *queuedConn) send() {
	defer c.Conn.Close()
	for data := range c.written {
		_, _ = c.Conn.Write(data)
	}
}

func (s *http2Server) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	const headers, settings, ack = 1, 4, 1
	if writeFrame(conn, settings, 0, 0, nil) != nil {
		return
	}
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[:])>>8)); err != nil {
			return
		}
		var err error
		switch stream := binary.BigEndian.Uint32(head[5:]); {
		case head[3] == settings && head[4]&ack == 0:
			err = writeFrame(conn, settings, ack, 0, nil)
		case head[3] == headers:
			s.requests.Add(1)
			err = s.refuse(conn, stream)
		}
		if err != nil {
			return
		}
	}
}

func writeFrame(w io.Writer, kind, flags byte, stream uint32, payload []byte) error {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = append(frame, flags)
	frame = binary.BigEndian.AppendUint32(frame, stream)
	_, err := w.Write(append(frame, payload...))
	return err
}

// resetStream writes RST_STREAM.
func resetStream(w io.Writer, stream, code uint32) error {
	return writeFrame(w, 3, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

// goAway writes GOAWAY, without having handled any stream, and closes the connection.
func goAway(w io.Writer, _ uint32) error {
	if err := writeFrame(w, 7, 0, 0, make([]byte, 8)); err != nil {
		return err
	}
	return io.EOF
}
