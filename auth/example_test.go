package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

// A service user with a client certificate.
func ExampleNewCertificate() {
	certificate := exampleCertificate() // in a program: tls.LoadX509KeyPair("bot.crt", "bot.key")
	pod := symphonytest.NewPod(symphonytest.WithTLS(),
		symphonytest.WithUsers(symphonytest.User{ID: 4711}),
		symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "presence-bot", UserProvisioning: true, Certificate: certificate.Leaf}))
	defer pod.Close()
	trust := symphony.WithHTTPClient(pod.Client()) // it trusts the pod's own certificate

	tokens, err := auth.NewCertificate(pod.SessionAuthURL(), certificate, trust)
	if err != nil {
		log.Fatal(err)
	}
	client, err := symphony.NewClient(pod.URL(), tokens, trust)
	if err != nil {
		log.Fatal(err)
	}
	presence, err := client.SetUserPresence(context.Background(), 4711, symphony.PresenceOnThePhone, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(presence.Category)
	// Output: ON_THE_PHONE
}

// An app sets the presences of two users who have installed it, as those users.
func ExampleNewApp() {
	key := exampleKey()
	pod := symphonytest.NewPod(
		symphonytest.WithUsers(symphonytest.User{ID: 1}, symphonytest.User{ID: 2}),
		symphonytest.WithApps(symphonytest.App{ID: "calendar-app", PublicKey: &key.PublicKey}))
	defer pod.Close()

	app, err := auth.NewApp(pod.LoginURL(), "calendar-app", key)
	if err != nil {
		log.Fatal(err)
	}
	for _, userID := range []int64{1, 2} {
		client, err := symphony.NewClient(pod.URL(), app.User(userID))
		if err != nil {
			log.Fatal(err)
		}
		presence, err := client.SetPresence(context.Background(), symphony.PresenceInAMeeting, true)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(presence.UserID, presence.Category)
	}
	// Output:
	// 1 IN_A_MEETING
	// 2 IN_A_MEETING
}

func exampleKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func exampleCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "presence-bot"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
