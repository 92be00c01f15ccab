package symphony_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// A gateway closes a connection after some requests, or after a while, just when the
// next request is about to be sent on it. That one goes on another connection within
// the same attempt, unless it is to be sent once.
func TestConnectionThatEndsBeforeTheRequest(t *testing.T) {
	t.Parallel()
	var served, dialed atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		answer(200, busy)(w, r)
	}))
	t.Cleanup(server.Close)
	transport := symphony.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed.Add(1)
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &connOfOneWrite{Conn: conn}, err
	}
	client := newClient(t, server.URL, once, symphony.WithHTTPClient(&http.Client{Transport: transport}))
	for range 3 {
		require.NoError(t, setBusy(t, client))
	}
	require.EqualValues(t, 3, served.Load())
	require.EqualValues(t, 3, dialed.Load())

	err := client.Do(t.Context(), symphony.Request{Method: http.MethodPost, Path: "/v1/im/create", Body: []int64{42}}, nil)
	require.ErrorIs(t, err, errBroken)
	require.EqualValues(t, 3, served.Load())
}

// So does a server that ends the connection when the request arrives on it, as one does
// whose patience with an idle connection is over.
func TestConnectionThatEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	seen := sync.Map{}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.NotContains(t, r.Header, "Idempotency-Key")
		if _, again := seen.LoadOrStore(r.RemoteAddr, true); again {
			panic(http.ErrAbortHandler)
		}
		served.Add(1)
		answer(200, busy)(w, r)
	}, once)
	for range 3 {
		require.NoError(t, setBusy(t, client))
	}
	require.EqualValues(t, 3, served.Load())

	err := client.Do(t.Context(), symphony.Request{Method: http.MethodPost, Path: "/v1/im/create", Body: []int64{42}}, nil)
	require.ErrorIs(t, err, io.EOF, "what is to be sent once is not sent again")
	require.EqualValues(t, 3, served.Load())
}

// A key of the caller's own is sent as it is.
func TestIdempotencyKeyOfTheCaller(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Idempotency-Key") != "key-7" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		answer(200, busy)(w, r)
	}, symphony.WithHeader("Idempotency-Key", "key-7"))
	require.NoError(t, setBusy(t, client))
}

// Within an attempt a request is soon given up on: over HTTP/2 net/http would go on, with
// waits, until the attempt times out.
func TestConnectionsThatAllEnd(t *testing.T) {
	t.Parallel()
	sent := 0
	client := fake(t, func(r *http.Request) (*http.Response, error) {
		for { // as net/http does
			sent++
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			text, err := io.ReadAll(body)
			require.NoError(t, err)
			require.JSONEq(t, `{"category":"BUSY","userId":42}`, string(text))
		}
	}, symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 3, MinBackoff: 1, MaxBackoff: 1}))
	err := setBusy(t, client)
	require.ErrorContains(t, err, "the server ends its connections without serving the request (attempt 3 of 3)")
	require.Equal(t, 9, sent)
}

var errBroken = errors.New("write: broken pipe")

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
