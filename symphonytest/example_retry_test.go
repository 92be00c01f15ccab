package symphonytest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// testRetryAfter is a test as a program that uses package symphony would have it. The
// pod asks for 20 seconds before the next attempt. In a bubble, where waiting takes no
// time, the test is over within milliseconds.
func testRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := symphonytest.New(t, symphonytest.WithoutNetwork(), symphonytest.WithUsers(symphonytest.User{ID: 4711}))
		pod.Fail(symphonytest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}})

		client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")),
			symphony.WithHTTPClient(pod.Client()))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		presence, err := client.SetUserPresence(t.Context(), 4711, symphony.PresenceBusy, false)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(presence.Category, time.Since(began) >= 20*time.Second)
	})
}

func ExampleWithoutNetwork_retryAfter() {
	runTest("ExampleWithoutNetwork_retryAfter", testRetryAfter) // go test does it for a function named Test…
	// Output: BUSY true
}
