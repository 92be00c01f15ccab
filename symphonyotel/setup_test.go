package symphonyotel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonyotel"
)

// secret is the session token of the tests: it must never show.
const secret = "s3cr3t-session-token"

const busy = `{"category":"BUSY","userId":987654321,"timestamp":1533928483800}`

const userID = 987654321

// telemetry keeps what is reported in memory.
type telemetry struct {
	spans  *tracetest.SpanRecorder
	tracer *sdktrace.TracerProvider
	reader *sdkmetric.ManualReader
	meter  *sdkmetric.MeterProvider
}

func newTelemetry() *telemetry {
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	return &telemetry{
		spans:  spans,
		tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
		reader: reader,
		meter:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	}
}

// options are those that report here, and more.
func (tel *telemetry) options(opts ...symphonyotel.Option) []symphonyotel.Option {
	return append(opts, symphonyotel.WithMeterProvider(tel.meter), symphonyotel.WithTracerProvider(tel.tracer))
}

func (tel *telemetry) instrument(opts ...symphonyotel.Option) symphony.Option {
	return symphonyotel.Instrument(tel.options(opts...)...)
}

// metrics returns each time series as a line: "name unit {attributes} value", where the value
// of a histogram is its count and its sum.
func (tel *telemetry) metrics(t *testing.T) []string {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, tel.reader.Collect(t.Context(), &data))
	var lines []string
	add := func(m metricdata.Metrics, attributes attribute.Set, format string, values ...any) {
		lines = append(lines, fmt.Sprintf("%s %s {%s} ", m.Name, m.Unit, text(attributes.ToSlice()))+fmt.Sprintf(format, values...))
	}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch points := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range points.DataPoints {
					add(m, p.Attributes, "%d %.2f", p.Count, p.Sum)
				}
			case metricdata.Sum[int64]:
				require.True(t, points.IsMonotonic)
				for _, p := range points.DataPoints {
					add(m, p.Attributes, "%d", p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range points.DataPoints {
					add(m, p.Attributes, "%g", p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range points.DataPoints {
					add(m, p.Attributes, "%d", p.Value)
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// text returns attributes in one line, sorted.
func text(attributes []attribute.KeyValue) string {
	var words []string
	for _, a := range attributes {
		words = append(words, fmt.Sprintf("%s=%v", a.Key, a.Value.AsInterface()))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// roundTrips is a fake transport, for tests in a synctest bubble.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// renewable is a provider that logs in when the pod rejects its token.
type renewable struct {
	login func(context.Context) error
}

func (renewable) SessionToken(context.Context) (string, error) { return secret, nil }

func (r renewable) RefreshSessionToken(ctx context.Context, _ string) (string, error) {
	return "fresh-" + secret, r.login(ctx)
}

func newClient(t *testing.T, tokens symphony.SessionTokenProvider, f roundTrips, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	if tokens == nil {
		tokens = symphony.StaticSessionToken(secret)
	}
	client, err := symphony.NewClient("https://acme.symphony.com:8443/pod", tokens,
		append(opts, symphony.WithHTTPClient(&http.Client{Transport: f}))...)
	require.NoError(t, err)
	return client
}
