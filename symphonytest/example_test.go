package symphonytest_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// A pod that fails twice and then resets the connection.
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

// A pod without a network, which works in a program too.
func ExampleWithoutNetwork() {
	pod := symphonytest.NewPod(symphonytest.WithoutNetwork(), symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()

	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")),
		symphony.WithHTTPClient(pod.Client()))
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceOnThePhone, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.UserID, presence.Category)
	// Output: 4711 ON_THE_PHONE
}

// A pod that serves two requests at the same time.
func ExampleWithConcurrencyLimit() {
	pod := symphonytest.NewPod(
		symphonytest.WithUsers(symphonytest.User{ID: 1}, symphonytest.User{ID: 2}, symphonytest.User{ID: 3}),
		symphonytest.WithConcurrencyLimit(2, time.Second))
	defer pod.Close()

	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("meeting-room")))
	if err != nil {
		log.Fatal(err)
	}
	updates := []symphony.PresenceUpdate{
		{UserID: 1, Category: symphony.PresenceInAMeeting},
		{UserID: 2, Category: symphony.PresenceInAMeeting},
		{UserID: 3, Category: symphony.PresenceInAMeeting},
	}
	set := 0
	for result := range client.SetUserPresences(context.Background(), slices.Values(updates)) {
		if result.Err != nil {
			log.Fatal(result.Err)
		}
		set++
	}
	fmt.Println(set, "users are in a meeting")
	// Output: 3 users are in a meeting
}
