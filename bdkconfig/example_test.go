package bdkconfig_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/bdkconfig"
	"github.com/symphony-go/symphony/symphonytest"
)

func Example() {
	pod := symphonytest.NewPod(
		symphonytest.WithUsers(symphonytest.User{ID: 4711}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "presence-bot", UserProvisioning: true, PublicKey: &rsaKey().PublicKey}),
	)
	defer pod.Close()
	address, err := url.Parse(pod.URL())
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.CreateTemp("", "config-*.yaml")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(file, `
scheme: http
host: localhost
port: %s
bot:
  username: presence-bot
  privateKey:
    content: %s
`, address.Port(), base64Of(keyPEM()))

	config, err := bdkconfig.Load(file.Name())
	if err != nil {
		log.Fatal(err)
	}
	client, err := config.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceInAMeeting, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.Category, file.Close(), os.Remove(file.Name()))
	// Output:
	// IN_A_MEETING <nil> <nil>
}
