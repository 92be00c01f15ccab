package symphony_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"slices"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// A telephone call begins and ends.
func ExampleClient_ChangeUserPresence() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711, Category: symphony.PresenceBusy}))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	change, err := client.ChangeUserPresence(ctx, 4711, symphony.PresenceOnThePhone, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("during the call:", change.After.Category)

	presence, reverted, err := client.RevertUserPresence(ctx, change)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("after the call:", presence.Category, reverted)
	// Output:
	// during the call: ON_THE_PHONE
	// after the call: BUSY true
}

// A user goes offline after a telephone call has begun, and comes online after it has ended.
func ExampleClient_RevertUserPresence() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	// The call begins.
	change, err := client.ChangeUserPresence(ctx, 4711, symphony.PresenceOnThePhone, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("during the call:", change.After.Category)
	record, err := json.Marshal(change) // to be stored until the call ends
	if err != nil {
		log.Fatal(err)
	}

	pod.SetActivity(4711, symphonytest.Offline)

	// The call ends.
	if err := json.Unmarshal(record, &change); err != nil {
		log.Fatal(err)
	}
	presence, reverted, err := client.RevertUserPresence(ctx, change)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("after the call:", presence.Category, reverted)

	pod.SetActivity(4711, symphonytest.Online)
	presence, err = client.GetUserPresence(ctx, 4711, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("back online:", presence.Category)
	// Output:
	// during the call: ON_THE_PHONE
	// after the call: OFFLINE true
	// back online: AVAILABLE
}

// A meeting of several people begins and ends. One of them leaves it early.
func ExampleClient_ChangeUserPresences() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(
		symphonytest.User{ID: 1},
		symphonytest.User{ID: 2, Category: symphony.PresenceBusy},
	))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	// The meeting begins.
	updates := []symphony.PresenceUpdate{
		{UserID: 1, Category: symphony.PresenceInAMeeting, Soft: true},
		{UserID: 2, Category: symphony.PresenceInAMeeting, Soft: true},
	}
	var changes []symphony.PresenceChange
	for result := range client.ChangeUserPresences(ctx, slices.Values(updates)) {
		if result.Change.UserID != 0 { // also beside an error: the pod may have applied it
			changes = append(changes, result.Change)
		}
		if result.Err != nil {
			log.Printf("user %d: %v", result.Update.UserID, result.Err)
		}
	}

	if _, err := client.SetUserPresence(ctx, 1, symphony.PresenceAway, true); err != nil {
		log.Fatal(err)
	}

	// The meeting ends.
	for result := range client.RevertUserPresences(ctx, slices.Values(changes)) {
		if result.Err != nil {
			log.Printf("user %d: %v", result.Change.UserID, result.Err)
			continue
		}
		fmt.Println(result.Change.UserID, result.Presence.Category, result.Reverted)
	}
	// Unordered output:
	// 1 AWAY false
	// 2 BUSY true
}
