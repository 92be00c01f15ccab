package symphonyotel

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
)

// Attributes; those without symphony in their name are from the semantic conventions.
const (
	requestMethod = attribute.Key("http.request.method")
	statusCode    = attribute.Key("http.response.status_code")
	resendCount   = attribute.Key("http.request.resend_count")
	serverAddress = attribute.Key("server.address")
	serverPort    = attribute.Key("server.port")
	urlTemplate   = attribute.Key("url.template")
	errorType     = attribute.Key("error.type")
	operationKey  = attribute.Key("symphony.operation")
	traceIDKey    = attribute.Key("symphony.trace_id")
	queueDuration = attribute.Key("symphony.client.queue.duration")
)

// failure returns the error.type of an attempt; "" if it succeeded. A status of failed or
// above is a failure.
func failure(status, failed int, err error) string {
	switch {
	case err != nil:
		return typeOf(err)
	case status >= failed:
		return strconv.Itoa(status)
	}
	return ""
}

// typeOf returns the kind of an error, never its text: there are only a few kinds.
func typeOf(err error) string {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return "timeout"
	}
	return fmt.Sprintf("%T", err)
}

// address returns the server.address of a host, which may have a port.
func address(host string) attribute.KeyValue {
	return serverAddress.String((&url.URL{Host: host}).Hostname())
}

// port returns the server.port of a URL.
func port(u *url.URL) attribute.KeyValue {
	number, err := strconv.Atoi(u.Port())
	switch {
	case err == nil:
	case u.Scheme == "http":
		number = 80
	default:
		number = 443
	}
	return serverPort.Int(number)
}
