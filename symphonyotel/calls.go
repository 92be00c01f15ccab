package symphonyotel

import (
	"context"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/symphony-go/symphony"
)

// calls has the metrics of calls, which an observer records.
type calls struct {
	duration, queue metric.Float64Histogram
	retries         metric.Int64Counter
	attributes      []attribute.KeyValue
	operations      *operations
}

func (c *calls) observe(ctx context.Context, a symphony.Attempt) {
	if a.Number == 0 {
		return // never sent
	}
	attributes := append(slices.Clip(c.attributes), address(a.Host), operationKey.String(c.operations.of(a)))
	common := metric.WithAttributeSet(attribute.NewSet(attributes...))
	c.queue.Record(ctx, a.Queued.Seconds(), common)
	if a.Number > 1 {
		c.retries.Add(ctx, 1, common)
	}
	if !a.Last {
		return
	}
	if failed := failure(a.StatusCode, http.StatusMultipleChoices, a.Err); failed != "" {
		common = metric.WithAttributeSet(attribute.NewSet(append(attributes, errorType.String(failed))...))
	}
	c.duration.Record(ctx, a.Elapsed.Seconds(), common)
}
