// Package cli has what the example programs share: a client from flags and environment
// variables, and exit codes.
package cli

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/bdkconfig"
	"github.com/symphony-go/symphony/symphonytest"
)

// Program is an example program that needs a client.
type Program struct {
	Name    string
	Config  string // the config.yaml of a BDK bot, "" for none
	Getenv  func(string) string
	Stderr  io.Writer
	Options []symphony.Option

	// Embedded sets up the pod in memory that is used when no other is named.
	Embedded []symphonytest.Option
	// Describe says who is on that pod.
	Describe string
}

// Connection is a client, and the embedded pod if it is a client of that.
type Connection struct {
	Client *symphony.Client
	Pod    *symphonytest.Pod
}

// Close stops the embedded pod.
func (c Connection) Close() {
	c.Client.CloseIdleConnections()
	if c.Pod != nil {
		c.Pod.Close()
	}
}

// Connect returns a client of the pod that the flag or the environment names, or else
// of one in memory. The client logs in with its first call.
func (p Program) Connect() (Connection, error) {
	if p.Config != "" {
		return p.fromConfig()
	}
	isSet := false
	config, err := auth.ConfigFromEnv(func(name string) string {
		value := p.Getenv(name)
		isSet = isSet || value != ""
		return value
	})
	switch {
	case !isSet:
		return p.embedded()
	case err != nil:
		return Connection{}, err
	}
	client, err := auth.NewClient(config, p.Options...)
	return Connection{Client: client}, err
}

// fromConfig returns the client that a bot's config.yaml describes.
func (p Program) fromConfig() (Connection, error) {
	config, err := bdkconfig.Load(p.Config)
	if err != nil {
		return Connection{}, &symphony.InvalidArgumentError{Argument: "-config", Reason: err.Error()}
	}
	client, err := config.NewClient(p.Options...)
	if err != nil {
		return Connection{}, &symphony.InvalidArgumentError{Argument: "-config", Reason: err.Error()}
	}
	return Connection{Client: client}, nil
}

// embedded returns a client of a pod in memory, with a key made for it.
func (p Program) embedded() (Connection, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Connection{}, err
	}
	bot := symphonytest.ServiceUser{Username: "presence-bot", UserProvisioning: true, PublicKey: &key.PublicKey}
	pod := symphonytest.NewPod(append(p.Embedded, symphonytest.WithServiceUsers(bot))...)
	fmt.Fprintf(p.Stderr, "%s: SYMPHONY_POD_URL is not set; this is an embedded pod with %s\n", p.Name, p.Describe)
	fmt.Fprintf(p.Stderr, "%s: %s logs in with an RSA key made for it\n", p.Name, bot.Username)
	client, err := auth.NewClient(auth.Config{PodURL: pod.URL(), Username: bot.Username, Key: key}, p.Options...)
	if err != nil {
		pod.Close()
		return Connection{}, err
	}
	return Connection{client, pod}, nil
}
