package symphonyotel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of this instrumentation.
const scope = "github.com/symphony-go/symphony/symphonyotel"

// Option sets where telemetry goes.
type Option func(*config)

type config struct {
	meters     metric.MeterProvider
	tracers    trace.TracerProvider
	propagator propagation.TextMapPropagator
	attributes []attribute.KeyValue
}

func newConfig(opts []Option) config {
	c := config{
		meters:     otel.GetMeterProvider(),
		tracers:    otel.GetTracerProvider(),
		propagator: globalPropagator{otel.GetTextMapPropagator()},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	return c
}

// WithMeterProvider sets the provider of the meter. The default, and nil, is the global one.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) {
		if provider != nil {
			c.meters = provider
		}
	}
}

// WithTracerProvider sets the provider of the tracer. The default, and nil, is the global
// one.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(c *config) {
		if provider != nil {
			c.tracers = provider
		}
	}
}

// WithPropagators sets what puts the trace context into the header of a request. The
// default, and nil, is the global propagator, or W3C trace context if there is none. An empty
// composite propagator sends nothing.
func WithPropagators(propagator propagation.TextMapPropagator) Option {
	return func(c *config) {
		if propagator != nil {
			c.propagator = propagator
		}
	}
}

// WithAttributes adds attributes to every span and metric, such as a name that tells two
// clients of one host apart.
func WithAttributes(attributes ...attribute.KeyValue) Option {
	return func(c *config) { c.attributes = append(c.attributes, attributes...) }
}
