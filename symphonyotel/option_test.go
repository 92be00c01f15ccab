package symphonyotel_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonyotel"
)

// sent makes a call and returns the header that was sent.
func sent(t *testing.T, option symphony.Option) http.Header {
	t.Helper()
	var header http.Header
	client := newClient(t, nil, func(r *http.Request) (*http.Response, error) {
		header = r.Header
		return response(200, busy), nil
	}, option)
	_, err := client.GetPresence(t.Context())
	require.NoError(t, err)
	return header
}

// b3 is a propagator other than W3C's.
type b3 struct{ propagation.TraceContext }

func (b3) Fields() []string { return []string{"b3"} }

func (b3) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	carrier.Set("b3", trace.SpanContextFromContext(ctx).TraceID().String())
}

// Without options everything goes to the global providers, also to those that are set after
// Instrument.
func TestGlobals(t *testing.T) {
	tel := newTelemetry()
	option := symphonyotel.Instrument(nil, symphonyotel.WithMeterProvider(nil), symphonyotel.WithTracerProvider(nil), symphonyotel.WithPropagators(nil))
	tracers, meters := otel.GetTracerProvider(), otel.GetMeterProvider()
	t.Cleanup(func() {
		otel.SetTracerProvider(tracers)
		otel.SetMeterProvider(meters)
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator()) // none, as at first
	})
	require.Empty(t, sent(t, option).Get("traceparent"), "there is no span without a provider")
	otel.SetTracerProvider(tel.tracer)
	otel.SetMeterProvider(tel.meter)
	require.NotEmpty(t, sent(t, option).Get("traceparent"))
	require.Len(t, tel.spans.Ended(), 1)
	require.NotEmpty(t, tel.metrics(t))

	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(b3{}))
	header := sent(t, option)
	require.NotEmpty(t, header.Get("b3"))
	require.Empty(t, header.Get("traceparent"))
}

func TestPropagators(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		propagator propagation.TextMapPropagator
		want       []string
	}{
		{"the default", nil, []string{"Traceparent"}},
		{"another one", b3{}, []string{"B3"}},
		{"both", propagation.NewCompositeTextMapPropagator(b3{}, propagation.TraceContext{}), []string{"B3", "Traceparent"}},
		{"none", propagation.NewCompositeTextMapPropagator(), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := sent(t, newTelemetry().instrument(symphonyotel.WithPropagators(test.propagator)))
			for _, name := range []string{"B3", "Traceparent"} {
				require.Equal(t, slices.Contains(test.want, name), header.Get(name) != "", name)
			}
		})
	}
}
