package main

import (
	"context"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/symphony-go/symphony"
)

// This file stands in for module symphonyotel: instrument for symphonyotel.Instrument,
// observeLimits for symphonyotel.ObserveLimits.

func instrument(provider metric.MeterProvider) (symphony.Option, error) {
	duration, err := provider.Meter(scope).Float64Histogram("http.client.request.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of HTTP client requests."))
	if err != nil {
		return nil, err
	}
	return symphony.WithObserver(func(ctx context.Context, attempt symphony.Attempt) {
		duration.Record(ctx, attempt.Duration.Seconds(), metric.WithAttributes(
			attribute.String("symphony.operation", attempt.Operation),
			attribute.String("http.request.method", attempt.Method),
			attribute.Int("http.response.status_code", attempt.StatusCode)))
	}), nil
}

func observeLimits(client *symphony.Client, provider metric.MeterProvider) error {
	meter := provider.Meter(scope)
	rate, err := meter.Float64ObservableGauge("symphony.client.limit.rate", metric.WithDescription("Requests a second that the pod accepts."))
	if err != nil {
		return err
	}
	waiting, err := meter.Int64ObservableGauge("symphony.client.waiting", metric.WithDescription("Calls that wait for the limit."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		limits := client.Limits()
		if !math.IsInf(limits.Rate, 1) {
			o.ObserveFloat64(rate, limits.Rate)
		}
		o.ObserveInt64(waiting, int64(limits.Waiting))
		return nil
	}, rate, waiting)
	return err
}
