package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonyotel"
)

// Outcomes of a delivery.
const (
	applied    = "applied"
	superseded = "superseded"
	dead       = "dead-lettered"
	putOff     = "put off" // to be delivered again
)

// meters are what an operator wants to see of the worker and of its client. They are printed
// at the end and, if a file is named, also written to the file meanwhile. To have them in a
// monitoring system, add a reader to the provider that exports them there.
type meters struct {
	began    time.Time
	reader   *sdkmetric.ManualReader
	provider *sdkmetric.MeterProvider

	deliveries  metric.Int64Counter // by outcome
	redelivered metric.Int64Counter
	lag         metric.Float64Histogram
}

func newMeters(file string) (*meters, error) {
	m := &meters{began: time.Now(), reader: sdkmetric.NewManualReader()}
	readers := []sdkmetric.Option{sdkmetric.WithReader(m.reader)}
	if file != "" {
		toFile, err := newFileReader(file)
		if err != nil {
			return nil, err
		}
		readers = append(readers, sdkmetric.WithReader(toFile))
	}
	m.provider = sdkmetric.NewMeterProvider(readers...)
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

// newFileReader returns a reader that appends the metrics to a file, as JSON.
func newFileReader(name string) (sdkmetric.Reader, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	exporter, err := stdoutmetric.New(stdoutmetric.WithWriter(file))
	if err != nil {
		return nil, err
	}
	return sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Second/4)), nil
}

// options returns options with which a client is measured too, and its attempts fit into the
// time of a message.
func (m *meters) options(ackWait time.Duration) []symphony.Option {
	return []symphony.Option{
		symphonyotel.Instrument(symphonyotel.WithMeterProvider(m.provider)),
		symphony.WithAttemptTimeout(max(holdOf(ackWait)/5, 2*time.Second)),
		symphony.WithUserAgent("presence-worker/1"),
	}
}

// observe measures what a client knows of the pod's limits.
func (m *meters) observe(client *symphony.Client) error {
	_, err := symphonyotel.ObserveLimits(client, symphonyotel.WithMeterProvider(m.provider))
	return err
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
	err := m.reader.Collect(ctx, &all)
	if err == nil {
		err = m.provider.ForceFlush(ctx) // the last of the file
	}
	if err != nil {
		out.say("metrics: %v", err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, measured := range scope.Metrics {
			for _, line := range m.lines(measured) {
				out.say("%s%s", measured.Name, line)
			}
		}
	}
}

// lines describes the points of a metric.
func (m *meters) lines(measured metricdata.Metrics) (lines []string) {
	switch data := measured.Data.(type) {
	case metricdata.Sum[int64]:
		for _, point := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("%s %d, %.0f a second", labels(point.Attributes), point.Value, float64(point.Value)/time.Since(m.began).Seconds()))
		}
	case metricdata.Gauge[int64]:
		for _, point := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("%s %d", labels(point.Attributes), point.Value))
		}
	case metricdata.Gauge[float64]:
		for _, point := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("%s %.4g", labels(point.Attributes), point.Value))
		}
	case metricdata.Histogram[float64]:
		for _, point := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("%s %d: %s", labels(point.Attributes), point.Count, spread(point)))
		}
	}
	return lines
}

// labels are the attributes that tell the points of a metric apart.
func labels(set attribute.Set) string {
	var values []string
	for _, key := range []attribute.Key{"outcome", "symphony.operation", "http.response.status_code", "error.type"} {
		if value, ok := set.Value(key); ok && !slices.Contains(values, value.String()) { // the status is an error.type too
			values = append(values, value.String())
		}
	}
	if len(values) == 0 {
		return ""
	}
	return " (" + strings.Join(values, ", ") + ")"
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
