package symphony_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func ExampleNewClient() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711}))
	defer pod.Close()

	// A token that something else keeps fresh in a file.
	tokenFromFile := symphony.SessionTokenFunc(func(context.Context) (string, error) {
		token, err := os.ReadFile("/run/secrets/symphony-session-token")
		if errors.Is(err, os.ErrNotExist) { // in this example there is none
			return pod.IssueToken("phone-system"), nil
		}
		return strings.TrimSpace(string(token)), err
	})
	client, err := symphony.NewClient(pod.URL(), tokenFromFile,
		symphony.WithUserAgent("phone-presence/2.1"),
		symphony.WithAttemptTimeout(10*time.Second),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: 6}),
	)
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

func ExampleClient_SetUserPresence() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(
		symphonytest.User{ID: 1, Activity: symphonytest.Online},
		symphonytest.User{ID: 2, Activity: symphonytest.Offline},
	))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	for _, userID := range []int64{1, 2} {
		// With soft, a user who is offline stays so until they come online.
		presence, err := client.SetUserPresence(context.Background(), userID, symphony.PresenceInAMeeting, true)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(presence.UserID, presence.Category)
	}
	// Output:
	// 1 IN_A_MEETING
	// 2 OFFLINE
}

func ExampleAPIError() {
	pod := symphonytest.NewPod()
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.SetUserPresence(context.Background(), 4711, symphony.PresenceBusy, false)

	if apiErr, ok := errors.AsType[*symphony.APIError](err); ok { // any answer but 2xx
		fmt.Println(apiErr.StatusCode, apiErr.Code, apiErr.Message)
	}
	// Or by what there is to do about it.
	if _, ok := errors.AsType[*symphony.NotFoundError](err); ok {
		fmt.Println("the user has left")
	} else if limit, ok := errors.AsType[*symphony.RateLimitError](err); ok {
		fmt.Println("try again in", limit.RetryAfter)
	} else if _, ok := errors.AsType[*symphony.ForbiddenError](err); ok {
		fmt.Println("ask for the entitlement")
	}
	// Output:
	// 404 403 User 4711 does not exist
	// the user has left
}

// A mock of one's own: any server with the API's paths is a pod.
func Example_httptest() {
	mock := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Method, r.URL, string(body))
		fmt.Fprint(w, `{"category":"BUSY","userId":4711,"timestamp":1533928483800}`)
	}))
	defer mock.Close()

	client, err := symphony.NewClient(mock.URL, symphony.StaticSessionToken("any"))
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceBusy, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.Category, presence.Timestamp)
	// Output:
	// POST /v3/user/presence?soft=false {"category":"BUSY","userId":4711}
	// BUSY 2018-08-10 19:14:43.8 +0000 UTC
}

func ExampleClient_Do() {
	pod := symphonytest.NewPod()
	defer pod.Close()
	pod.HandleFunc("GET /pod/v2/sessioninfo", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":71811853190212,"displayName":"Calendar"}`)
	})
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	var session struct {
		ID          int64  `json:"id"`
		DisplayName string `json:"displayName"`
	}
	if err := client.Do(context.Background(), symphony.Request{Path: "/v2/sessioninfo"}, &session); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.ID, session.DisplayName)
	// Output: 71811853190212 Calendar
}

func ExampleParsePresenceCategory() {
	category, err := symphony.ParsePresenceCategory("in a meeting")
	fmt.Println(category, err)
	_, err = symphony.ParsePresenceCategory("lunch")
	fmt.Println(err)
	// Output:
	// IN_A_MEETING <nil>
	// symphony: invalid category: "lunch" is none of [UNDEFINED AVAILABLE BUSY DO_NOT_DISTURB ON_THE_PHONE BE_RIGHT_BACK IN_A_MEETING AWAY OUT_OF_OFFICE OFF_WORK OFFLINE]
}
