package symphonyotel

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/symphony-go/symphony"
)

// spans makes the spans and the durations of attempts.
type spans struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	duration   metric.Float64Histogram
	attributes []attribute.KeyValue
	operations *operations
}

// span is the span of an attempt.
type span struct {
	trace.Span

	ctx        context.Context
	attributes []attribute.KeyValue // of the duration
	duration   metric.Float64Histogram
	started    time.Time
	status     int       // of the response, 0 without one
	once       sync.Once // end may be called by Read and by Close
}

// start starts the span of a request.
func (s *spans) start(r *http.Request) *span {
	attempt, _ := symphony.AttemptFromContext(r.Context())
	name := r.Method
	common := make([]attribute.KeyValue, 0, len(s.attributes)+6) // two more when the span ends
	common = append(common, s.attributes...)
	common = append(common, requestMethod.String(r.Method), address(r.URL.Host), port(r.URL))
	if attempt.Route != "" {
		name += " " + attempt.Route
		common = append(common, urlTemplate.String(attempt.Route))
	}
	attributes := append(slices.Clip(common), operationKey.String(s.operations.of(attempt)), traceIDKey.String(attempt.TraceID))
	if attempt.Number > 1 {
		attributes = append(attributes, resendCount.Int(attempt.Number-1))
	}
	started := time.Now()
	ctx, made := s.tracer.Start(r.Context(), name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(started), trace.WithAttributes(attributes...))
	if attempt.Queued > 0 {
		made.AddEvent("symphony.client.queue", trace.WithTimestamp(started),
			trace.WithAttributes(queueDuration.Float64(attempt.Queued.Seconds())))
	}
	return &span{Span: made, ctx: ctx, attributes: common, duration: s.duration, started: started}
}

// end ends the span, with an error if there is no response or no complete body.
func (s *span) end(err error) {
	s.once.Do(func() { s.finish(failure(s.status, http.StatusBadRequest, err)) })
}

func (s *span) finish(failed string) {
	attributes := s.attributes
	if s.status != 0 {
		attributes = append(attributes, statusCode.Int(s.status))
	}
	if failed != "" {
		attributes = append(attributes, errorType.String(failed))
		s.SetStatus(codes.Error, "")
	}
	s.SetAttributes(attributes[len(s.attributes):]...)
	s.duration.Record(s.ctx, time.Since(s.started).Seconds(), metric.WithAttributeSet(attribute.NewSet(attributes...)))
	s.End()
}
