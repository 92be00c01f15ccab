package symphony_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func ExampleClient_UsersByEmail() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711, EmailAddress: "ann@acme.com"}))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	emails := slices.Values([]string{"Ann@acme.com", "bob@acme.com"})
	for result := range client.UsersByEmail(context.Background(), emails) {
		switch {
		case errors.Is(result.Err, symphony.ErrUserNotFound):
			fmt.Println(result.Key, "is not an active user")
		case result.Err != nil:
			log.Fatal(result.Err)
		default:
			fmt.Println(result.Key, "is user", result.User.ID)
		}
	}
	// Output:
	// Ann@acme.com is user 4711
	// bob@acme.com is not an active user
}
