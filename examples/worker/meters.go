package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/symphony-go/symphony"
)

// Outcomes of a delivery.
const (
	applied    = "applied"
	superseded = "superseded"
	dead       = "dead-lettered"
	putOff     = "put off" // to be delivered again
)

// meters are what an operator wants to see. They are read once, at the end; to have them
// in a monitoring system, give the provider a reader that exports them.
type meters struct {
	began    time.Time
	reader   *sdkmetric.ManualReader
	provider *sdkmetric.MeterProvider

	deliveries  metric.Int64Counter // by outcome
	redelivered metric.Int64Counter
	lag         metric.Float64Histogram
}

func newMeters() (*meters, error) {
	m := &meters{began: time.Now(), reader: sdkmetric.NewManualReader()}
	m.provider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader))
	meter := m.provider.Meter("github.com/symphony-go/symphony/examples/worker")
	var err error
	if m.deliveries, err = meter.Int64Counter("presence.deliveries", metric.WithDescription("deliveries, by their outcome")); err != nil {
		return nil, err
	}
	if m.redelivered, err = meter.Int64Counter("presence.redelivered", metric.WithDescription("deliveries after the first of an update")); err != nil {
		return nil, err
	}
	m.lag, err = meter.Float64Histogram("presence.lag", metric.WithUnit("s"),
		metric.WithDescription("from the publication of an update to its end"),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800))
	return m, err
}

// options have a client measured too, and its attempts fit into the time of a message.
func (m *meters) options(ackWait time.Duration) []symphony.Option {
	transport := otelhttp.NewTransport(symphony.NewTransport(), otelhttp.WithMeterProvider(m.provider))
	return []symphony.Option{
		symphony.WithHTTPClient(&http.Client{Transport: transport}),
		symphony.WithAttemptTimeout(max(holdOf(ackWait)/5, 2*time.Second)),
		symphony.WithUserAgent("presence-worker/1"),
	}
}

// received counts a delivery.
func (m *meters) received(ctx context.Context, msg message) {
	if msg.meta.NumDelivered > 1 {
		m.redelivered.Add(ctx, 1)
	}
}

// ended counts its outcome.
func (m *meters) ended(ctx context.Context, msg message, outcome string) {
	m.deliveries.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", outcome)))
	if outcome != putOff {
		m.lag.Record(ctx, time.Since(msg.meta.Timestamp).Seconds())
	}
}

// print prints what was measured.
func (m *meters) print(ctx context.Context, out *screen) {
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(ctx, &all); err != nil {
		out.say("metrics: %v", err)
		return
	}
	seconds := time.Since(m.began).Seconds()
	for _, scope := range all.ScopeMetrics {
		for _, measured := range scope.Metrics {
			switch data := measured.Data.(type) {
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					out.say("%s%s %d, %.0f a second", measured.Name, labels(point.Attributes), point.Value, float64(point.Value)/seconds)
				}
			case metricdata.Histogram[float64]:
				if measured.Unit != "s" {
					continue // sizes
				}
				for _, point := range data.DataPoints {
					out.say("%s%s %d: %s", measured.Name, labels(point.Attributes), point.Count, spread(point))
				}
			}
		}
	}
}

// labels are the attribute that tells the points of a metric apart.
func labels(set attribute.Set) string {
	for _, key := range []attribute.Key{"outcome", "http.response.status_code", "error.type"} {
		if value, ok := set.Value(key); ok {
			return fmt.Sprintf(" (%s)", value.String())
		}
	}
	return ""
}

// spread describes a histogram of seconds.
func spread(point metricdata.HistogramDataPoint[float64]) string {
	longest, _ := point.Max.Value()
	within, seen := longest, uint64(0)
	for i, count := range point.BucketCounts {
		if seen += count; seen*100 >= point.Count*95 {
			if i < len(point.Bounds) {
				within = min(within, point.Bounds[i])
			}
			break
		}
	}
	return fmt.Sprintf("mean %.3f s, 95 %% within %.3g s, longest %.3f s", point.Sum/float64(point.Count), within, longest)
}
