package symphonyotel_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonyotel"
)

func TestObserveLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		reply := func(*http.Request) (*http.Response, error) { return response(200, busy), nil }
		limited := newClient(t, nil, reply, symphony.WithRateLimit(2))
		registration, err := symphonyotel.ObserveLimits(limited, tel.options(symphonyotel.WithAttributes(attribute.String("client", "a")))...)
		require.NoError(t, err)
		_, err = symphonyotel.ObserveLimits(newClient(t, nil, reply), tel.options(symphonyotel.WithAttributes(attribute.String("client", "b")))...)
		require.NoError(t, err)

		_, err = limited.GetPresence(t.Context())
		require.NoError(t, err)
		returned := make(chan error)
		go func() {
			_, err := limited.GetPresence(t.Context())
			returned <- err
		}()
		synctest.Wait()
		const b = " {client=b server.address=acme.symphony.com} 0"
		require.Equal(t, []string{
			"symphony.client.in_flight {request} {client=a server.address=acme.symphony.com} 0",
			"symphony.client.in_flight {request}" + b,
			"symphony.client.limit.concurrency {request} {client=a server.address=acme.symphony.com} 0",
			"symphony.client.limit.concurrency {request}" + b,
			"symphony.client.limit.rate {request}/s {client=a server.address=acme.symphony.com} 2",
			"symphony.client.pause s {client=a server.address=acme.symphony.com} 0",
			"symphony.client.pause s" + b,
			"symphony.client.waiting {call} {client=a server.address=acme.symphony.com} 1",
			"symphony.client.waiting {call}" + b,
		}, tel.metrics(t))
		require.NoError(t, <-returned)

		require.NoError(t, registration.Unregister())
		require.Len(t, tel.metrics(t), 4, "those of the other client")
	})
}

func TestObserveLimitsOfNoClient(t *testing.T) {
	t.Parallel()
	for _, client := range []*symphony.Client{nil, {}} {
		_, err := symphonyotel.ObserveLimits(client)
		require.ErrorContains(t, err, "NewClient")
	}
}
