package symphonytest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func ExamplePod_Fail() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()
	pod.Fail(symphonytest.Fault{Status: 503, Times: 2}, symphonytest.Fault{Reset: true})

	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceBusy, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.Category)
	for _, request := range pod.Requests() {
		fmt.Println(request.Method, request.Path, request.Status)
	}
	// Output:
	// BUSY
	// POST /v3/user/presence 503
	// POST /v3/user/presence 503
	// POST /v3/user/presence 0
	// POST /v3/user/presence 200
}
