package symphony_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// script responds to one request after the other, and to all others as to the last.
type script struct {
	steps []func(*http.Request) (*http.Response, error)
	sent  int
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	step := s.steps[min(s.sent, len(s.steps)-1)]
	s.sent++
	return step(r)
}

func responds(status int, header ...string) func(*http.Request) (*http.Response, error) {
	body := busy
	if status != 200 {
		body = `{"message":"no"}`
	}
	return func(*http.Request) (*http.Response, error) { return response(status, body, header...), nil }
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hangs does not respond until the request's context ends.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// dribbles sends a byte a second.
func dribbles(r *http.Request) (*http.Response, error) {
	slow := response(200, "")
	slow.ContentLength = -1
	slow.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
		select {
		case <-r.Context().Done():
			return 0, r.Context().Err()
		case <-time.After(time.Second):
			return copy(p, " "), nil
		}
	}))
	return slow, nil
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, test := range []struct {
		name  string
		first func(*http.Request) (*http.Response, error)
		again bool
	}{
		{"429", responds(429), true},
		{"500", responds(500), true},
		{"502", responds(502), true},
		{"503", responds(503), true},
		{"504", responds(504), true},
		{"501", responds(501), false},
		{"505", responds(505), false},
		{"400", responds(400), false},
		{"401", responds(401), false},
		{"403", responds(403), false},
		{"404", responds(404), false},
		{"408", responds(408), true},
		{"421", responds(421), true},
		{"425", responds(425), true},
		{"520", responds(520), true},
		{"521", responds(521), true},
		{"522", responds(522), true},
		{"523", responds(523), true},
		{"524", responds(524), true},
		{"525, a failed TLS handshake behind the gateway", responds(525), false},
		{"529", responds(529), true},
		{"530", responds(530), true},
		{"302", responds(302), false},
		{"connection refused", fails(refused), true},
		{"connection reset", fails(io.ErrUnexpectedEOF), true},
		{"name server in trouble", fails(&net.DNSError{IsTemporary: true}), true},
		{"no such host", fails(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), false},
		{"unknown authority", fails(x509.UnknownAuthorityError{}), false},
		{"certificate of another host", fails(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}), false},
		{"expired certificate", fails(x509.CertificateInvalidError{}), false},
		{"TLS alert of ours", fails(&net.OpError{Op: "local error", Err: errors.New("tls: bad certificate")}), false},
		{"invalid proxy", fails(errors.New(`invalid proxy address "x"`)), false},
		{"unverified certificate", fails(&tls.CertificateVerificationError{Err: errors.New("pinned")}), false},
		{"status 000", func(*http.Request) (*http.Response, error) { return response(0, ""), nil }, true},
		{"TLS alert", fails(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}), false},
		{"no TLS", fails(tls.RecordHeaderError{}), false},
		{"HTTP under https", fails(fmt.Errorf("x: %w", http.ErrSchemeMismatch)), false},
		{"no response in time", hangs, true},
		{"a byte a second", dribbles, true},
		{"a body that breaks off", func(*http.Request) (*http.Response, error) {
			r := response(200, busy)
			r.Body = io.NopCloser(io.MultiReader(r.Body, errorReader{io.ErrUnexpectedEOF}))
			r.ContentLength = -1
			return r, nil
		}, true},
		{"a sign-on page", func(*http.Request) (*http.Response, error) { return response(200, "<html>"), nil }, false},
		{"neither response nor error", func(*http.Request) (*http.Response, error) { return nil, nil }, true}, //nolint:nilnil // what is tested
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){test.first, responds(200)}}
				client := fake(t, transport.RoundTrip)
				err := setBusy(t, client)
				if test.again {
					require.NoError(t, err)
					require.Equal(t, 2, transport.sent)
				} else {
					require.Error(t, err)
					require.Equal(t, 1, transport.sent)
				}

				// A POST that may not be repeated is not.
				transport.sent = 0
				err = client.Do(t.Context(), symphony.Request{Method: "POST", Path: "/v1/x"}, new(symphony.V2Presence))
				require.Error(t, err)
				require.Equal(t, 1, transport.sent)
			})
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestMethodsThatMayBeRepeated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method    string
		retryable bool
		sent      int
	}{
		{"", false, 4},
		{"GET", false, 4},
		{"HEAD", false, 4},
		{"OPTIONS", false, 4},
		{"PUT", false, 4},
		{"DELETE", false, 4},
		{"POST", false, 1},
		{"POST", true, 4},
		{"PATCH", false, 1},
		{"PATCH", true, 4},
	} {
		t.Run(fmt.Sprint(test.method, test.retryable), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(503)}}
				err := fake(t, transport.RoundTrip).Do(t.Context(), symphony.Request{Method: test.method, Path: "/v1/x", Retryable: test.retryable}, nil)
				require.Equal(t, test.sent, transport.sent)
				server, ok := errors.AsType[*symphony.ServerError](err)
				require.True(t, ok)
				require.Equal(t, test.sent, server.Attempts)
			})
		})
	}
}

// Every attempt is the same request.
func TestAttemptsAreAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type sent struct{ trace, token, body string }
		var got []sent
		client := newClient(t, "https://acme.symphony.com/pod", static, symphony.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			got = append(got, sent{r.Header.Get("X-Trace-Id"), r.Header.Get("sessionToken"), string(body)})
			return response(500, ""), nil
		})}))
		require.Error(t, setBusy(t, client))
		require.Len(t, got, 4)
		require.Equal(t, `{"category":"BUSY","userId":42}`, got[0].body)
		for _, next := range got {
			require.Equal(t, got[0], next)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBackoff(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	equal := symphony.RetryPolicy{MinBackoff: 8 * ms, MaxBackoff: 8 * ms}
	for _, test := range []struct {
		policy  symphony.RetryPolicy
		attempt int
		ceiling time.Duration
	}{
		{symphony.RetryPolicy{}, 1, 250 * ms},
		{symphony.RetryPolicy{}, 2, 500 * ms},
		{symphony.RetryPolicy{}, 3, 1000 * ms},
		{symphony.RetryPolicy{}, 5, 4000 * ms},
		{symphony.RetryPolicy{}, 6, 5000 * ms},
		{symphony.RetryPolicy{}, 100, 5000 * ms},
		{equal, 1, 8 * ms},
		{equal, 9, 8 * ms},
	} {
		least, most := time.Hour, time.Duration(0)
		for range 1000 {
			wait := test.policy.Backoff(test.attempt)
			least, most = min(least, wait), max(most, wait)
		}
		require.GreaterOrEqual(t, least, test.ceiling/2)
		require.LessOrEqual(t, most, test.ceiling)
		require.Less(t, least, test.ceiling*55/100, "jitter reaches down")
		require.Greater(t, most, test.ceiling*95/100, "and up")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"":                     0,
			"0":                    0,
			"7":                    7 * time.Second,
			" 7 ":                  7 * time.Second,
			"1.5":                  1500 * time.Millisecond,
			"86400":                24 * time.Hour,
			"-5":                   0,
			"soon":                 0,
			"1.2.3":                0,
			".":                    0,
			"1e3":                  0,
			"NaN":                  0,
			"99999999999999999999": 1<<63 - 1,
			"9223372036.854775807": 1<<63 - 1,
			time.Now().Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):  0,
		} {
			require.Equal(t, want, symphony.RetryAfter(http.Header{"Retry-After": {value}}), value)
		}
		// A date is the pod's: what counts is the time since the response's own Date.
		pod := time.Now().Add(-45 * time.Second)
		date := pod.UTC().Format(http.TimeFormat)
		for wait, want := range map[time.Duration]time.Duration{10 * time.Second: 10 * time.Second, -time.Second: 0} {
			until := pod.Add(wait).UTC().Format(http.TimeFormat)
			require.Equal(t, want, symphony.RetryAfter(http.Header{"Retry-After": {until}, "Date": {date}}))
		}
		require.Zero(t, symphony.RetryAfter(nil))
	})
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value       string
		least, most time.Duration
		sent        int
	}{
		{"9223372036.5", 0, 0, 1},
		{"7", 7 * time.Second, 8750 * time.Millisecond, 2},
		{"30", 30 * time.Second, 37500 * time.Millisecond, 2},
		{"31", 0, 0, 1},
		{"86400", 0, 0, 1},
		{"99999999999999999999", 0, 0, 1},
		{"-1", 125 * time.Millisecond, 313 * time.Millisecond, 2},
		{"0", 125 * time.Millisecond, 313 * time.Millisecond, 2},
	} {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(429, "Retry-After", test.value), responds(200)}}
				start := time.Now()
				err := setBusy(t, fake(t, transport.RoundTrip))
				require.Equal(t, test.sent, transport.sent)
				require.GreaterOrEqual(t, time.Since(start), test.least)
				require.LessOrEqual(t, time.Since(start), test.most)
				if test.sent == 1 {
					limit, ok := errors.AsType[*symphony.RateLimitError](err)
					require.True(t, ok)
					require.GreaterOrEqual(t, limit.RetryAfter, 31*time.Second)
				}
			})
		})
	}
}

// A 503 and a 500 are waited for too, and calls that wait together do not come back together.
func TestRetryAfterIsSpread(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 503} {
		synctest.Test(t, func(t *testing.T) {
			waits := map[time.Duration]bool{}
			for range 20 {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(status, "Retry-After", "2"), responds(200)}}
				start := time.Now()
				require.NoError(t, setBusy(t, fake(t, transport.RoundTrip)))
				require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
				waits[time.Since(start)] = true
			}
			require.Greater(t, len(waits), 10)
		})
	}
}

// What is added to a Retry-After at random leaves time for the retry before the deadline.
func TestRetryAfterNearTheDeadline(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 503} {
		for left, sent := range map[time.Duration]int{10500 * time.Millisecond: 2, 10 * time.Second: 1} {
			synctest.Test(t, func(t *testing.T) {
				for range 50 {
					transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(status, "Retry-After", "10"), responds(200)}}
					ctx, cancel := context.WithTimeout(t.Context(), left)
					start := time.Now()
					_, err := fake(t, transport.RoundTrip).SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
					cancel()
					require.Equal(t, sent, transport.sent)
					require.Equal(t, sent == 2, err == nil)
					require.Equal(t, sent == 2, time.Since(start) >= 10*time.Second)
				}
			})
		}
	}
}

// The longest wait there is does not turn into none.
func TestRetryAfterWithoutALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		transport := &script{steps: []func(*http.Request) (*http.Response, error){responds(429, "Retry-After", "99999999999999")}}
		policy := symphony.WithRetryPolicy(symphony.RetryPolicy{MaxRetryAfter: math.MaxInt64, MaxBackoff: math.MaxInt64})
		_, err := fake(t, transport.RoundTrip, policy).SetUserPresence(ctx, 1, symphony.PresenceBusy, false)
		require.True(t, is[*symphony.RateLimitError](err))
		require.Equal(t, 1, transport.sent)
	})
}

func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]func(*http.Request) (*http.Response, error){"hangs": hangs, "dribbles": dribbles} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{steps: []func(*http.Request) (*http.Response, error){step}}
				start := time.Now()
				err := setBusy(t, fake(t, transport.RoundTrip))
				require.ErrorContains(t, err, "no response within 30s (attempt 4 of 4)")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				require.True(t, timeout.Timeout())
				require.False(t, is[*symphony.DecodeError](err))
				require.Equal(t, 4, transport.sent)
				require.LessOrEqual(t, time.Since(start), 4*30*time.Second+3500*time.Millisecond)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		transport := &script{steps: []func(*http.Request) (*http.Response, error){hangs}}
		custom := symphony.WithHTTPClient(&http.Client{Transport: transport, Timeout: 2 * time.Second})
		start := time.Now()
		require.ErrorContains(t, setBusy(t, newClient(t, "https://acme.symphony.com/pod", static, custom, once)), "no response within 2s (attempt 1 of 1)")
		require.Equal(t, 2*time.Second, time.Since(start), "the custom client's timeout bounds each try")
		require.ErrorContains(t, setBusy(t, newClient(t, "https://acme.symphony.com/pod", static, custom, once, symphony.WithAttemptTimeout(time.Second))), "within 1s")
	})
}

func TestContextEndsTheCall(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	reason := errors.New("the user hung up")
	for _, test := range []struct {
		name  string
		step  func(*http.Request) (*http.Response, error)
		also  func(error) bool
		after time.Duration
	}{
		{"while a response is waited for", hangs, nil, time.Second},
		{"while a body dribbles", dribbles, nil, 1500 * time.Millisecond},
		{"while a retry is waited for", responds(503, "Retry-After", "20"), is[*symphony.ServerError], time.Second},
		{"after a failed connection", fails(refused), func(err error) bool { return errors.Is(err, refused) }, 100 * time.Millisecond},
		{"before anything", responds(200), nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.after == 0 {
					cancel(reason)
				} else {
					time.AfterFunc(test.after, func() { cancel(reason) })
				}
				start := time.Now()
				_, err := fake(t, (&script{steps: []func(*http.Request) (*http.Response, error){test.step}}).RoundTrip).
					SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, reason)
				require.Equal(t, test.after, time.Since(start), "at once")
				if test.also != nil {
					require.True(t, test.also(err), "%v", err)
				}
				requireOneLine(t, err.Error())
			})
		})
	}
}

// A wait that the context cannot outlast is not begun.
func TestNoTimeForAnotherAttempt(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]func(*http.Request) (*http.Response, error){
		"Retry-After": responds(429, "Retry-After", "20"),
		"backoff":     responds(503),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				timeout := 10 * time.Second
				if name == "backoff" {
					timeout = 100 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				transport := &script{steps: []func(*http.Request) (*http.Response, error){step}}
				start := time.Now()
				_, err := fake(t, transport.RoundTrip).SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
				var apiErr *symphony.APIError
				require.ErrorAs(t, err, &apiErr)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.Zero(t, time.Since(start))
				require.Equal(t, 1, transport.sent)
			})
		})
	}
}

// The error of an attempt that timed out has the transport's error as a cause.
func TestAttemptTimeoutKeepsTheCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := setBusy(t, fake(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}
		}, once))
		require.ErrorContains(t, err, "no response within 30s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// The attempt's own timer is spared where the context's deadline comes first, which
// is then what the error names.
func TestNearDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := fake(t, (&script{steps: []func(*http.Request) (*http.Response, error){hangs}}).RoundTrip).
			SetUserPresence(ctx, 42, symphony.PresenceBusy, false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "no response within")
	})
}

func TestAttemptsWithoutALimit(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	attempts := 0
	client := fake(t, func(*http.Request) (*http.Response, error) {
		if attempts++; attempts == 3 {
			cancel()
		}
		return nil, io.ErrUnexpectedEOF
	}, quickly(math.MaxInt))
	require.ErrorContains(t, client.Do(ctx, symphony.Request{Path: "/v1/x"}, nil), "(attempt 3), trace id ")
}

func TestNetworkErrorsKeepTheirCause(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	err = setBusy(t, newClient(t, "http://"+listener.Addr().String(), static, symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 2, MinBackoff: 1, MaxBackoff: 1})))
	require.True(t, is[*net.OpError](err))
	require.ErrorContains(t, err, "symphony: POST /v3/user/presence: dial tcp")
	require.ErrorContains(t, err, "(attempt 2 of 2), trace id ")
	require.NotContains(t, err.Error(), "http://")
	requireOneLine(t, err.Error())
	requireNoSecret(t, err)
}
