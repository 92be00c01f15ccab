package symphonyotel

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

// globalPropagator is the global propagator, or W3C trace context as long as no global
// propagator is set.
type globalPropagator struct{ propagation.TextMapPropagator }

// Inject puts the trace context into a carrier.
func (p globalPropagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if len(p.Fields()) == 0 {
		propagation.TraceContext{}.Inject(ctx, carrier)
		return
	}
	p.TextMapPropagator.Inject(ctx, carrier)
}
