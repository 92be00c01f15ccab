package symphony_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// A log of every attempt. This handler leaves out what differs from run to run.
func ExampleWithLogger() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()
	pod.Fail(symphonytest.Fault{Status: 503})

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug, // slog.LevelInfo logs the retries only
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			switch attr.Key {
			case "time", "duration", "backoff", "symphony_trace_id":
				return slog.Attr{}
			}
			return attr
		},
	}))
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")),
		symphony.WithLogger(logger),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceBusy, false); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=DEBUG msg="symphony: attempt" operation=SetUserPresence attempt=1 status=503 user_id=4711
	// level=WARN msg="symphony: retry" operation=SetUserPresence attempt=1 status=503 user_id=4711
	// level=DEBUG msg="symphony: attempt" operation=SetUserPresence attempt=2 status=200 user_id=4711
}

// Counters of attempts, by operation and status.
func ExampleWithObserver() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()
	pod.Fail(symphonytest.Fault{Status: 503})

	attempts := map[string]int{} // a client with concurrent calls needs a mutex
	observe := func(_ context.Context, attempt symphony.Attempt) {
		attempts[fmt.Sprint(attempt.Operation, " ", attempt.StatusCode)]++
	}
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")),
		symphony.WithObserver(observe),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	for _, category := range []symphony.PresenceCategory{symphony.PresenceOnThePhone, symphony.PresenceAvailable} {
		if _, err := client.SetUserPresence(context.Background(), 4711, category, true); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(attempts)
	// Output: map[SetUserPresence 200:2 SetUserPresence 503:1]
}

// A pod, or a gateway in front of it, whose certificate is signed by a private authority.
func ExampleWithHTTPClient() {
	pod := symphonytest.NewPod(symphonytest.WithTLS(), symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()

	pool, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal(err)
	}
	pool.AddCert(authority(pod)) // pool.AppendCertsFromPEM takes the content of a file

	transport := symphony.NewTransport() // http.ProxyURL(proxy) could be its Proxy
	transport.TLSClientConfig.RootCAs = pool
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")),
		symphony.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceBusy, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.Category)
	// Output: BUSY
}

// authority returns the certificate of the authority that signed the pod's certificate.
func authority(pod *symphonytest.Pod) *x509.Certificate {
	response, err := pod.Client().Get(pod.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	return response.TLS.PeerCertificates[0]
}
