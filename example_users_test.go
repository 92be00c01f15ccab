package symphony_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"slices"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func ExampleClient_UsersByEmail() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()
	pod.HandleFunc("GET /pod/v3/users", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"users":[{"id":4711,"emailAddress":"ann@acme.com","accountType":"NORMAL"}]}`)
	})
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	emails := slices.Values([]string{"Ann@acme.com", "bob@acme.com"})
	for result := range client.UsersByEmail(context.Background(), emails) {
		switch {
		case errors.Is(result.Err, symphony.ErrUserNotFound):
			fmt.Println(result.Key, "has left")
		case result.Err != nil:
			log.Fatal(result.Err)
		default:
			fmt.Println(result.Key, "is user", result.User.ID)
		}
	}
	// Output:
	// Ann@acme.com is user 4711
	// bob@acme.com has left
}
