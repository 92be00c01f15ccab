package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestReadinessFollowsTheCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork())
		var token atomic.Value
		token.Store("expired")
		tokens := symphony.SessionTokenFunc(func(context.Context) (string, error) { return token.Load().(string), nil })
		client, err := symphony.NewClient(pod.URL(), tokens, append(clientOptions(), symphony.WithHTTPClient(pod.Client()))...)
		require.NoError(t, err)
		log := &buffer{}
		c := &credentials{log: slog.New(slog.NewJSONHandler(log, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		go c.watch(ctx, client)
		ready := func(status int) {
			t.Helper()
			synctest.Wait()
			w := httptest.NewRecorder()
			(&server{credentials: c}).ready(w, nil)
			require.Equal(t, status, w.Code)
		}
		sleep(ctx, time.Second)
		ready(http.StatusServiceUnavailable)
		token.Store(pod.IssueToken("phonebridge"))
		sleep(ctx, 6*time.Second)
		ready(http.StatusOK)
		pod.Fail(symphonytest.Fault{Status: http.StatusServiceUnavailable})
		sleep(ctx, 31*time.Second)
		ready(http.StatusOK) // a pod that is away refuses no one
		cancel()
		synctest.Wait()
		require.Contains(t, log.String(), "the pod refuses the credentials no longer")
	})
}

func TestCredentialsOfOtherFailures(t *testing.T) {
	t.Parallel()
	c := &credentials{log: slog.New(slog.DiscardHandler)}
	c.failed(errors.New("connection refused"))
	require.False(t, c.refused.Load())
	c.failed(&symphony.UnauthorizedError{APIError: symphony.APIError{StatusCode: http.StatusUnauthorized}})
	require.True(t, c.refused.Load())
}
