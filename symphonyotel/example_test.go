package symphonyotel_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"log"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonyotel"
	"github.com/symphony-go/symphony/symphonytest"
)

// A trace of one call: its login, an attempt that fails, and one that succeeds.
func ExampleInstrument() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	pod := symphonytest.NewPod(
		symphonytest.WithUsers(symphonytest.User{ID: 4711}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "phone-system", UserProvisioning: true, PublicKey: &key.PublicKey}))
	defer pod.Close()
	pod.Fail(symphonytest.Fault{Path: "/v3/user/presence", Status: 503})

	exporter := tracetest.NewInMemoryExporter() // in a service, one that sends them to a collector
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	instrument := symphonyotel.Instrument(symphonyotel.WithTracerProvider(provider))
	login, err := auth.NewRSA(pod.LoginURL(), "phone-system", key, instrument)
	if err != nil {
		log.Fatal(err)
	}
	client, err := symphony.NewClient(pod.URL(), login, instrument,
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}

	ctx, span := provider.Tracer("example").Start(context.Background(), "a phone call begins")
	_, err = client.SetUserPresence(ctx, 4711, symphony.PresenceOnThePhone, true)
	span.End()
	if err != nil {
		log.Fatal(err)
	}
	printTrace(exporter.GetSpans())
	// Output:
	// a phone call begins
	//   POST: Login, status 200
	//   POST /v3/user/presence: SetUserPresence, status 503, error 503
	//   POST /v3/user/presence: SetUserPresence, status 200, resend 1
}

// printTrace prints spans in the order in which they started, with some of their attributes.
func printTrace(spans tracetest.SpanStubs) {
	slices.SortFunc(spans, func(a, b tracetest.SpanStub) int { return cmp.Compare(a.StartTime.UnixNano(), b.StartTime.UnixNano()) })
	for _, span := range spans {
		if !span.Parent.IsValid() {
			fmt.Println(span.Name)
			continue
		}
		attributes := attribute.NewSet(span.Attributes...)
		fmt.Printf("  %s: ", span.Name)
		separator := ""
		for _, a := range []struct{ label, key string }{
			{"", "symphony.operation"},
			{"status ", "http.response.status_code"},
			{"error ", "error.type"},
			{"resend ", "http.request.resend_count"},
		} {
			if value, ok := attributes.Value(attribute.Key(a.key)); ok {
				fmt.Print(separator, a.label, value.String())
				separator = ", "
			}
		}
		fmt.Println()
	}
}
