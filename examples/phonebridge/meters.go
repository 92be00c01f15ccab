package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

const scope = "github.com/symphony-go/symphony/examples/phonebridge"

// meters are what an operator watches. They name no person.
type meters struct {
	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
	requests metric.Int64Counter // by status
	outcomes metric.Int64Counter // by outcome
}

func newMeters() (*meters, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	m := &meters{registry: registry, provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))}
	meter := m.provider.Meter(scope)
	var errs [2]error
	m.requests, errs[0] = meter.Int64Counter("phonebridge.events", metric.WithDescription("Requests to /calls, by the status of the response."))
	m.outcomes, errs[1] = meter.Int64Counter("phonebridge.presences",
		metric.WithDescription("Presences by outcome: changed, reverted, left to the user, unknown (the pod does not know the person)."))
	return m, errors.Join(errs[:]...)
}

func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// request counts a request to /calls.
func (m *meters) request(ctx context.Context, status int) {
	m.requests.Add(ctx, 1, metric.WithAttributes(attribute.Int("status", status)))
}

// outcome counts what became of a presence.
func (m *meters) outcome(ctx context.Context, outcome string) {
	m.outcomes.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", outcome)))
}

// watch adds gauges of what is in progress.
func (m *meters) watch(store *store, queue *queue, credentials *credentials) error {
	meter := m.provider.Meter(scope)
	var gauges [4]metric.Int64ObservableGauge
	var errs [4]error
	for i, text := range [4][2]string{
		{"phonebridge.queue.length", "People whose presence has yet to follow their calls."},
		{"phonebridge.calls", "Calls in progress."},
		{"phonebridge.changes", "Presences to be reverted when the calls end."},
		{"phonebridge.credentials.refused", "1 while the pod refuses the credentials."},
	} {
		gauges[i], errs[i] = meter.Int64ObservableGauge(text[0], metric.WithDescription(text[1]))
	}
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		calls, changes, err := store.count(ctx)
		refused := int64(0)
		if credentials.refused.Load() {
			refused = 1
		}
		for i, value := range [4]int64{int64(queue.length()), calls, changes, refused} {
			o.ObserveInt64(gauges[i], value)
		}
		return err
	}, gauges[0], gauges[1], gauges[2], gauges[3])
	return err
}
