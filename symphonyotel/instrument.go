package symphonyotel

import (
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/symphony-go/symphony"
)

// Instrument returns an option that reports traces and metrics of a client. It is
// [symphony.WithMiddleware] and [symphony.WithObserver] in one, and works beside any
// others. Given to auth.NewClient it covers the logins too; auth.NewApp, auth.NewRSA and
// auth.NewCertificate take it for theirs.
//
// Middleware that comes after it in the list of options sees the trace context in the header
// of the request.
func Instrument(opts ...Option) symphony.Option {
	config := newConfig(opts)
	meter := config.meters.Meter(scope)
	operations := &operations{}
	spans := &spans{
		tracer:     config.tracers.Tracer(scope),
		propagator: config.propagator,
		duration:   histogram(meter, "http.client.request.duration", "Duration of HTTP client requests."),
		attributes: config.attributes,
		operations: operations,
	}
	retries, err := meter.Int64Counter("symphony.client.retries", metric.WithUnit("{retry}"),
		metric.WithDescription("Attempts that were not the first of their call."))
	handle(err)
	calls := &calls{
		duration:   histogram(meter, "symphony.client.call.duration", "Duration of calls, with all attempts and waits."),
		queue:      histogram(meter, "symphony.client.queue.duration", "How long attempts waited for the rate limit."),
		retries:    retries,
		attributes: config.attributes,
		operations: operations,
	}
	return symphony.Options(
		symphony.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return &transport{spans, next} }),
		symphony.WithObserver(calls.observe),
	)
}

// histogram returns a histogram of durations. Its boundaries are those that the conventions
// recommend, and two more for calls that wait.
func histogram(meter metric.Meter, name, description string) metric.Float64Histogram {
	h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60))
	handle(err)
	return h
}

// handle passes an error of a meter to the error handler of OpenTelemetry: a client without
// a metric is better than none.
func handle(err error) {
	if err != nil {
		otel.Handle(err)
	}
}
