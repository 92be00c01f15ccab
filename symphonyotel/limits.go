package symphonyotel

import (
	"context"
	"errors"
	"math"

	"go.opentelemetry.io/otel/metric"

	"github.com/symphony-go/symphony"
)

// gauges has the gauges of [symphony.Limits].
type gauges struct {
	rate, pause                    metric.Float64ObservableGauge
	concurrency, inFlight, waiting metric.Int64ObservableGauge
}

// ObserveLimits adds gauges of what a client knows of the pod's limits, until Unregister of
// the registration is called. It takes WithMeterProvider and WithAttributes. Several clients
// of one host need attributes that tell them apart, or one overwrites the other.
func ObserveLimits(client *symphony.Client, opts ...Option) (metric.Registration, error) {
	if client.Host() == "" {
		return nil, errors.New("symphonyotel: the client was not made by symphony.NewClient")
	}
	config := newConfig(opts)
	meter := config.meters.Meter(scope)
	g, err := newGauges(meter)
	if err != nil {
		return nil, err
	}
	attributes := metric.WithAttributes(append(config.attributes, address(client.Host()))...)
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		g.observe(o, client.Limits(), attributes)
		return nil
	}, g.rate, g.concurrency, g.inFlight, g.waiting, g.pause)
}

func newGauges(meter metric.Meter) (g gauges, err error) {
	var errs [5]error
	g.rate, errs[0] = meter.Float64ObservableGauge("symphony.client.limit.rate", metric.WithUnit("{request}/s"),
		metric.WithDescription("Requests a second that the pod accepts; absent if no limit is known."))
	g.concurrency, errs[1] = meter.Int64ObservableGauge("symphony.client.limit.concurrency", metric.WithUnit("{request}"),
		metric.WithDescription("Requests in flight at most; 0 if no limit is known."))
	g.inFlight, errs[2] = meter.Int64ObservableGauge("symphony.client.in_flight", metric.WithUnit("{request}"),
		metric.WithDescription("Requests in flight, counted while a limit is known."))
	g.waiting, errs[3] = meter.Int64ObservableGauge("symphony.client.waiting", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that wait for the limit."))
	g.pause, errs[4] = meter.Float64ObservableGauge("symphony.client.pause", metric.WithUnit("s"),
		metric.WithDescription("Time until requests are sent again."))
	return g, errors.Join(errs[:]...)
}

func (g *gauges) observe(o metric.Observer, limits symphony.Limits, attributes metric.ObserveOption) {
	if !math.IsInf(limits.Rate, 1) {
		o.ObserveFloat64(g.rate, limits.Rate, attributes)
	}
	o.ObserveInt64(g.concurrency, int64(limits.Concurrency), attributes)
	o.ObserveInt64(g.inFlight, int64(limits.InFlight), attributes)
	o.ObserveInt64(g.waiting, int64(limits.Waiting), attributes)
	o.ObserveFloat64(g.pause, limits.Pause.Seconds(), attributes)
}
