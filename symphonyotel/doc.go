// Package symphonyotel reports what a Symphony client does to OpenTelemetry: a span for
// each attempt of a call, metrics of calls and attempts, and gauges of the rate limit.
//
//	client, err := symphony.NewClient(podURL, tokens, symphonyotel.Instrument())
//
// # Traces
//
// [Instrument] makes one CLIENT span for each attempt, according to the semantic conventions
// for HTTP. It is a child of the span in the context of the call, and so are the spans of a
// login that the call starts. The span ends when the body of the response has been read. Its
// name is the method and the path with placeholders, "POST /v3/user/presence", or for
// [symphony.Client.Do] the method. Its attributes:
//
//   - http.request.method, server.address, server.port, url.template (not for Do)
//   - http.response.status_code, if there is a response
//   - error.type, if the attempt failed: the status, "timeout", "canceled" or the type of the error
//   - http.request.resend_count, if it is not the first attempt of its call
//   - symphony.operation, and symphony.trace_id: the X-Trace-Id, by which Symphony support
//     finds a request
//
// A wait for the rate limit before the attempt is the event symphony.client.queue, with the
// attribute symphony.client.queue.duration, in seconds. The request carries the trace context
// of its span.
//
// # Metrics
//
//   - http.client.request.duration: a histogram of attempts, in seconds, according to the
//     semantic conventions
//   - symphony.client.call.duration: a histogram of calls, in seconds, with all attempts and
//     waits; error.type is absent if the call succeeded
//   - symphony.client.queue.duration: a histogram of how long attempts waited for the rate
//     limit, in seconds
//   - symphony.client.retries: a counter of attempts that were not the first of their call,
//     including the one that follows a 401 and a new login
//
// Metrics that begin with symphony.client have the attributes server.address and
// symphony.operation, the name of the call: SetUserPresence, Login. A call that was never
// sent is not counted, and a call that ends between two attempts has no
// symphony.client.call.duration.
//
// [ObserveLimits] adds gauges of what the client knows of the pod's limits, with the
// attribute server.address:
//
//   - symphony.client.limit.rate: requests a second; absent if no limit is known
//   - symphony.client.limit.concurrency: requests in flight at most; 0 if no limit is known
//   - symphony.client.in_flight: requests in flight, counted while a limit is known
//   - symphony.client.waiting: calls that wait for the limit
//   - symphony.client.pause: seconds until requests are sent again
//
// # What is left out
//
// No attribute holds a session token, a user id, a full path or the text of an error. For
// that reason spans have no url.full, although the conventions ask for it.
//
// The number of time series is bounded. A call of Do without an Operation counts as "Do",
// and beyond 100 different operations the others count as "_OTHER".
//
// A client needs no other instrumentation: a Transport of package otelhttp below it would
// make a second span for each attempt.
package symphonyotel
