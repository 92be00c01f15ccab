package symphonyotel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonyotel"
)

// A call that meets a 503, a 429 and a 401, which a login follows.
func TestCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		var received []string // the trace contexts, in order
		reply := func(responses ...*http.Response) roundTrips {
			return func(r *http.Request) (*http.Response, error) {
				received = append(received, r.Header.Get("traceparent"))
				<-time.After(100 * time.Millisecond)
				next := responses[0]
				responses = responses[1:]
				return next, nil
			}
		}
		login := newClient(t, symphony.NoSessionToken, reply(response(200, "{}")), tel.instrument())
		tokens := renewable{func(ctx context.Context) error {
			return login.Do(ctx, symphony.Request{Method: "POST", Path: "/authenticate", Operation: "Login"}, nil)
		}}
		client := newClient(t, tokens, reply(response(503, ""), response(429, "", "Retry-After", "2"), response(401, ""), response(200, busy)),
			tel.instrument(symphonyotel.WithAttributes(attribute.String("pod", "a"))),
			symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Second, MaxBackoff: time.Second}))

		start := time.Now()
		ctx, caller := tel.tracer.Tracer("").Start(symphony.ContextWithTraceID(t.Context(), "trace1"), "phone call")
		_, err := client.SetUserPresence(ctx, userID, symphony.PresenceBusy, false)
		caller.End()
		require.NoError(t, err)
		total := time.Since(start) // with waits that are partly random

		const common = "http.request.method=POST http.response.status_code=%d pod=a server.address=acme.symphony.com server.port=8443 " +
			"symphony.operation=SetUserPresence symphony.trace_id=trace1 url.template=/v3/user/presence"
		spans := tel.spans.Ended()
		require.Len(t, spans, 6)
		for i, want := range []string{
			"error.type=503 " + fmt.Sprintf(common, 503),
			"error.type=429 http.request.method=POST http.request.resend_count=1" + strings.TrimPrefix(fmt.Sprintf(common, 429), "http.request.method=POST"),
			"error.type=401 http.request.method=POST http.request.resend_count=2" + strings.TrimPrefix(fmt.Sprintf(common, 401), "http.request.method=POST"),
			"http.request.method=POST http.response.status_code=200 server.address=acme.symphony.com server.port=8443 symphony.operation=Login symphony.trace_id=trace1",
			"http.request.method=POST http.request.resend_count=3" + strings.TrimPrefix(fmt.Sprintf(common, 200), "http.request.method=POST"),
		} {
			span := spans[i]
			require.Equal(t, want, text(span.Attributes()))
			require.Equal(t, trace.SpanKindClient, span.SpanKind())
			require.Equal(t, caller.SpanContext().SpanID(), span.Parent().SpanID())
			require.Equal(t, fmt.Sprintf("00-%s-%s-01", span.SpanContext().TraceID(), span.SpanContext().SpanID()), received[i])
			require.Equal(t, 100*time.Millisecond, span.EndTime().Sub(span.StartTime()))
			require.Equal(t, strings.HasPrefix(want, "error"), span.Status().Code == codes.Error)
			require.Empty(t, span.Status().Description)
			name := "POST /v3/user/presence"
			if i == 3 {
				name = "POST"
			}
			require.Equal(t, name, span.Name())
		}

		metrics := strings.Join(tel.metrics(t), "\n")
		of := "{pod=a server.address=acme.symphony.com symphony.operation=SetUserPresence}"
		for _, line := range []string{
			"http.client.request.duration s {error.type=429 http.request.method=POST http.response.status_code=429 pod=a server.address=acme.symphony.com server.port=8443 url.template=/v3/user/presence} 1 0.10",
			"http.client.request.duration s {http.request.method=POST http.response.status_code=200 server.address=acme.symphony.com server.port=8443} 1 0.10",
			"symphony.client.call.duration s " + of + fmt.Sprintf(" 1 %.2f", total.Seconds()),
			"symphony.client.call.duration s {server.address=acme.symphony.com symphony.operation=Login} 1 0.10",
			"symphony.client.queue.duration s " + of + " 4 ",
			"symphony.client.retries {retry} " + of + " 3",
		} {
			require.Contains(t, metrics, line)
		}
		require.Equal(t, 5, strings.Count(metrics, "http.client.request.duration"), metrics)
	})
}

// Attempts and calls that fail, with the error.type of the attempt and that of the call.
func TestFailures(t *testing.T) {
	t.Parallel()
	reply := func(response *http.Response, err error) roundTrips {
		return func(*http.Request) (*http.Response, error) { return response, err }
	}
	cut := response(200, "")
	cut.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	for _, test := range []struct {
		name          string
		reply         roundTrips
		attempt, call string
		cancel        time.Duration
	}{
		{name: "a redirect", reply: reply(response(302, ""), nil), call: "302"},
		{name: "not found", reply: reply(response(404, ""), nil), attempt: "404", call: "404"},
		{name: "an unusable body", reply: reply(response(200, "<html>"), nil), call: "*symphony.DecodeError"},
		{name: "no body", reply: reply(&http.Response{StatusCode: 503}, nil), attempt: "503", call: "503"},
		{name: "a body that breaks off", reply: reply(cut, nil), attempt: "*errors.errorString", call: "*symphony.DecodeError"},
		{name: "no connection", reply: reply(nil, &net.OpError{Op: "dial", Err: errors.New("refused")}), attempt: "*net.OpError", call: "*net.OpError"},
		{name: "a time limit", reply: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, attempt: "timeout", call: "timeout"},
		{name: "the caller leaves", reply: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, attempt: "canceled", call: "canceled", cancel: time.Second},
		{name: "neither response nor error", reply: reply(nil, nil), attempt: "*errors.errorString", call: "*errors.errorString"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tel := newTelemetry()
				client := newClient(t, nil, test.reply, tel.instrument(), symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancel > 0 {
					defer time.AfterFunc(test.cancel, cancel).Stop()
				}
				_, err := client.GetPresence(ctx)
				require.Error(t, err)
				spans := tel.spans.Ended()
				require.Len(t, spans, 1)
				require.Equal(t, test.attempt != "", spans[0].Status().Code == codes.Error)
				require.Equal(t, test.attempt, errorType(spans[0].Attributes()))
				durations := 0
				for _, line := range tel.metrics(t) {
					switch {
					case strings.HasPrefix(line, "symphony.client.call.duration"):
						durations++
						require.Contains(t, line, "{error.type="+test.call+" ")
					case strings.HasPrefix(line, "http.client.request.duration"):
						durations++
						require.Equal(t, test.attempt != "", strings.Contains(line, "{error.type="+test.attempt+" "))
					}
				}
				require.Equal(t, 2, durations, "of the call and of the attempt")
			})
		})
	}
}

func errorType(attributes []attribute.KeyValue) string {
	for _, a := range attributes {
		if a.Key == "error.type" {
			return a.Value.AsString()
		}
	}
	return ""
}

// A span ends also when the transport panics.
func TestPanicOfTheTransport(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	client := newClient(t, nil, func(*http.Request) (*http.Response, error) { panic("transport") }, tel.instrument())
	require.PanicsWithValue(t, "transport", func() { _, _ = client.GetPresence(t.Context()) })
	require.Len(t, tel.spans.Ended(), 1)
}

// A span lasts until the body has been read, and so does its duration.
func TestSpanEndsWithTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		client := newClient(t, nil, func(*http.Request) (*http.Response, error) {
			r := response(200, "")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(busy), slow(func() {
				require.Empty(t, tel.spans.Ended())
				<-time.After(time.Second)
			})))
			return r, nil
		}, tel.instrument())
		_, err := client.GetPresence(t.Context())
		require.NoError(t, err)
		require.Len(t, tel.spans.Ended(), 1)
		require.Equal(t, time.Second, tel.spans.Ended()[0].EndTime().Sub(tel.spans.Ended()[0].StartTime()))
		require.Contains(t, tel.metrics(t)[0], "http.client.request.duration")
		require.Contains(t, tel.metrics(t)[0], "1 1.00")
	})
}

// slow is a reader without content that takes a while.
type slow func()

func (f slow) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// A wait for the limit is an event, and a call that was not sent is none.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		client := newClient(t, nil, func(*http.Request) (*http.Response, error) { return response(200, busy), nil },
			tel.instrument(), symphony.WithRateLimit(1))
		for range 2 {
			_, err := client.GetPresence(t.Context())
			require.NoError(t, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := client.GetPresence(ctx)
		require.Error(t, err)

		spans := tel.spans.Ended()
		require.Len(t, spans, 2)
		require.Empty(t, spans[0].Events())
		require.Len(t, spans[1].Events(), 1)
		event := spans[1].Events()[0]
		require.Equal(t, "symphony.client.queue", event.Name)
		require.Equal(t, "symphony.client.queue.duration=1", text(event.Attributes))
		metrics := strings.Join(tel.metrics(t), "\n")
		require.Contains(t, metrics, "symphony.client.queue.duration s {server.address=acme.symphony.com symphony.operation=GetPresence} 2 1.00")
		require.Contains(t, metrics, "symphony.client.call.duration s {server.address=acme.symphony.com symphony.operation=GetPresence} 2 1.00")
		require.NotContains(t, metrics, "retries")
	})
}

// Nothing that is reported holds a token, a user id, a full path or the text of an error.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	status := 404
	client := newClient(t, nil, func(r *http.Request) (*http.Response, error) {
		if status == 0 {
			return nil, fmt.Errorf("cannot send %s with %s", r.URL, r.Header)
		}
		return response(status, `{"message":"user 987654321"}`), nil
	}, tel.instrument(), symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 1}))
	for _, status = range []int{200, 404, 0} {
		_, _ = client.GetUserPresence(t.Context(), userID, true)
		_ = client.Do(t.Context(), symphony.Request{Path: "/v1/admin/user/987654321"}, nil)
	}
	spans := tel.spans.Ended()
	require.Len(t, spans, 6)
	all := strings.Join(tel.metrics(t), "\n")
	for _, span := range spans {
		all += fmt.Sprintln(span.Name(), text(span.Attributes()), span.Events(), span.Status())
	}
	require.NotContains(t, all, secret)
	require.NotContains(t, all, "987654321")
	require.NotContains(t, all, "/pod")
	require.NotContains(t, all, "admin")
	require.Contains(t, all, "symphony.operation=Do}")
}

// The number of operations is bounded whatever Do is called with.
func TestOperationsAreBounded(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	client := newClient(t, nil, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, tel.instrument())
	for i := range 500 {
		path := fmt.Sprintf("/v1/user/%d", i)
		require.NoError(t, client.Do(t.Context(), symphony.Request{Path: path}, nil))
		require.NoError(t, client.Do(t.Context(), symphony.Request{Method: "POST", Path: path}, nil))
		require.NoError(t, client.Do(t.Context(), symphony.Request{Path: path, Operation: fmt.Sprint("Operation", i)}, nil))
	}
	_, err := client.GetPresence(t.Context())
	require.NoError(t, err)
	calls := 0
	metrics := tel.metrics(t)
	for _, line := range metrics {
		if strings.HasPrefix(line, "symphony.client.call.duration") {
			calls++
		}
	}
	require.Equal(t, 100+3, calls, "100 of Do, Do, _OTHER and GetPresence")
	const prefix = "symphony.client.call.duration s {server.address=acme.symphony.com symphony.operation="
	all := strings.Join(metrics, "\n")
	require.Contains(t, all, prefix+"Do} 1000 ")
	require.Contains(t, all, prefix+"_OTHER} 400 ")
	require.Contains(t, all, prefix+"GetPresence} 1 ")
}

// Instrument goes along with observers and middleware of the program, whatever their order,
// and does not change the request that they see.
func TestBesideOtherObservers(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		tel := newTelemetry()
		var observed, outside, inside int
		own := symphony.Options(
			symphony.WithObserver(func(context.Context, symphony.Attempt) { observed++ }),
			symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTrips(func(r *http.Request) (*http.Response, error) {
					response, err := next.RoundTrip(r)
					if r.Header.Get("traceparent") == "" {
						outside++
					} else {
						inside++
					}
					return response, err
				})
			}))
		opts := []symphony.Option{own, tel.instrument()}
		if !first {
			opts = []symphony.Option{tel.instrument(), own}
		}
		client := newClient(t, nil, func(*http.Request) (*http.Response, error) { return response(200, busy), nil }, opts...)
		_, err := client.GetPresence(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, observed)
		require.Equal(t, first, outside == 1)
		require.Equal(t, !first, inside == 1)
		require.Len(t, tel.spans.Ended(), 1)
	}
}
