package symphonyotel

import (
	"errors"
	"io"
	"maps"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// transport puts a span around each request.
type transport struct {
	spans *spans
	next  http.RoundTripper
}

var errNoResponse = errors.New("neither a response nor an error, or a panic")

// RoundTrip sends a request with the trace context of its span.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	span := t.spans.start(r)
	ended := errNoResponse
	defer func() {
		if ended != nil {
			span.end(ended)
		}
	}()
	traced := r.WithContext(span.ctx)
	traced.Header = maps.Clone(r.Header)
	t.spans.propagator.Inject(span.ctx, propagation.HeaderCarrier(traced.Header))

	response, err := t.next.RoundTrip(traced)
	switch {
	case err != nil:
		ended = err
	case response != nil:
		ended = nil
		span.status = response.StatusCode
		if response.Body == nil || response.Body == http.NoBody {
			span.end(nil)
		} else {
			response.Body = &body{response.Body, span}
		}
	}
	return response, err
}

// body ends the span of a request when the response has been read.
type body struct {
	io.ReadCloser

	span *span
}

// Read reads the body. Its end, or an error, ends the span.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.span.end(nil)
	case err != nil:
		b.span.end(err)
	}
	return n, err
}

// Close ends the span too: a body need not be read to its end.
func (b *body) Close() error {
	b.span.end(nil)
	return b.ReadCloser.Close()
}
