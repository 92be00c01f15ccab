package symphonyotel_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonyotel"
)

// BenchmarkInstrument compares a call on loopback with and without instrumentation, with a
// tracer that samples every trace. Calls of both kinds alternate and their medians are compared,
// so that the ratio depends little on what else the machine does.
func BenchmarkInstrument(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, busy)
	}))
	defer server.Close()
	newClient := func(opts ...symphony.Option) *symphony.Client {
		client, err := symphony.NewClient(server.URL, symphony.StaticSessionToken(secret), opts...)
		if err != nil {
			b.Fatal(err)
		}
		return client
	}
	tracer := sdktrace.NewTracerProvider(sdktrace.WithBatcher(nowhere{}))
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	plain := newClient()
	traced := newClient(symphonyotel.Instrument(symphonyotel.WithTracerProvider(tracer), symphonyotel.WithMeterProvider(meter)))

	call := func(client *symphony.Client) time.Duration {
		start := time.Now()
		if _, err := client.SetUserPresence(b.Context(), userID, symphony.PresenceBusy, false); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var without, with []time.Duration
	for b.Loop() {
		without = append(without, call(plain))
		with = append(with, call(traced))
	}
	b.ReportMetric(0, "ns/op") // of two calls
	b.ReportMetric(float64(median(without)), "ns/plain")
	b.ReportMetric(float64(median(with)), "ns/instrumented")
	b.ReportMetric(100*(float64(median(with))/float64(median(without))-1), "%more")
}

func median(durations []time.Duration) time.Duration {
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// nowhere is an exporter that drops spans.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }
