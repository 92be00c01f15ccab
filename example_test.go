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
	"slices"
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
		// With soft, an offline user stays offline, and the category applies once they come online.
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

	if apiErr, ok := errors.AsType[*symphony.APIError](err); ok { // any response other than 2xx
		fmt.Println(apiErr.StatusCode, apiErr.Code, apiErr.Message)
	}
	// Or by the kind of the error.
	if _, ok := errors.AsType[*symphony.NotFoundError](err); ok {
		fmt.Println("no such user")
	} else if limit, ok := errors.AsType[*symphony.RateLimitError](err); ok {
		fmt.Println("try again in", limit.RetryAfter)
	} else if _, ok := errors.AsType[*symphony.ForbiddenError](err); ok {
		fmt.Println("ask for the entitlement")
	}
	// Output:
	// 404 403 User 4711 does not exist
	// no such user
}

// A mock: any server with the paths of the API can be the pod.
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

func ExampleClient_SetUserPresences() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 1}, symphonytest.User{ID: 3}))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	updates := []symphony.PresenceUpdate{
		{UserID: 1, Category: symphony.PresenceInAMeeting},
		{UserID: 2, Category: symphony.PresenceInAMeeting},
		{UserID: 3, Category: symphony.PresenceInAMeeting},
	}
	for result := range client.SetUserPresences(context.Background(), slices.Values(updates)) {
		switch {
		case errors.As(result.Err, new(*symphony.ForbiddenError)):
			log.Fatal(result.Err) // every update would fail: the entitlement is missing
		case errors.As(result.Err, new(*symphony.NotFoundError)):
			fmt.Println(result.Index, "does not exist")
		default:
			fmt.Println(result.Index, result.Presence.Category, result.Err)
		}
	}
	// Unordered output:
	// 0 IN_A_MEETING <nil>
	// 1 does not exist
	// 2 IN_A_MEETING <nil>
}

func ExampleClient_AllPresences() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(
		symphonytest.User{ID: 1, Category: symphony.PresenceBusy},
		symphonytest.User{ID: 2, Activity: symphonytest.Offline},
	), symphonytest.WithServiceUsers(symphonytest.ServiceUser{ID: 3, Username: "calendar", UserProvisioning: true}))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	for presence, err := range client.AllPresences(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(presence.UserID, presence.Category)
	}
	// Output:
	// 1 BUSY
	// 2 OFFLINE
	// 3 AVAILABLE
}

func ExampleClient_GetUserPresence() {
	pod := symphonytest.NewPod(symphonytest.WithUsers(symphonytest.User{ID: 4711, External: true, Category: symphony.PresenceBusy}))
	defer pod.Close()
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("calendar")))
	if err != nil {
		log.Fatal(err)
	}
	// A user of another pod: register interest first, and again every hour.
	if err := client.RegisterPresenceInterest(context.Background(), 4711); err != nil {
		log.Fatal(err)
	}
	presence, err := client.GetUserPresence(context.Background(), 4711, false)
	fmt.Println(presence.Category, err)
	// Output: BUSY <nil>
}
