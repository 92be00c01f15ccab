// Package cli has what the example programs share: how they find their pod, and
// their exit codes.
package cli

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"strings"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/bdkconfig"
	"github.com/symphony-go/symphony/symphonytest"
)

// Program is an example program that wants a client.
type Program struct {
	Name    string
	Config  string // the config.yaml of a BDK bot, "" for none
	Getenv  func(string) string
	Stderr  io.Writer
	Options []symphony.Option

	// Embedded sets up the pod in memory that serves when no other is named.
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

// Connect gives a client of the pod that the flag or the environment names, or of one
// in memory.
func (p Program) Connect(ctx context.Context) (Connection, error) {
	podURL, token := p.Getenv("SYMPHONY_POD_URL"), p.Getenv("SYMPHONY_SESSION_TOKEN")
	username, keyPath := p.Getenv("SYMPHONY_USERNAME"), p.Getenv("SYMPHONY_PRIVATE_KEY")
	var client *symphony.Client
	var err error
	switch {
	case p.Config != "":
		client, err = p.fromConfig()
	case podURL+token+username+keyPath == "":
		return p.embedded(ctx)
	case podURL != "" && token != "":
		client, err = symphony.NewClient(podURL, symphony.StaticSessionToken(token), p.Options...)
	case podURL != "" && username != "" && keyPath != "":
		client, err = p.withKey(ctx, podURL, username, keyPath)
	default:
		err = &symphony.InvalidArgumentError{
			Argument: "environment",
			Reason: "set SYMPHONY_POD_URL with SYMPHONY_SESSION_TOKEN, or with SYMPHONY_USERNAME and SYMPHONY_PRIVATE_KEY (a path);" +
				" or none of them for the embedded pod",
		}
	}
	return Connection{Client: client}, err
}

// fromConfig gives the client that a bot's config.yaml describes.
func (p Program) fromConfig() (*symphony.Client, error) {
	config, err := bdkconfig.Load(p.Config)
	if err != nil {
		return nil, &symphony.InvalidArgumentError{Argument: "-config", Reason: err.Error()}
	}
	return config.NewClient(p.Options...)
}

// withKey gives a client that logs in with the key in a file. The login API is
// beside the pod's.
func (p Program) withKey(ctx context.Context, podURL, username, keyPath string) (*symphony.Client, error) {
	key, err := auth.LoadRSAPrivateKey(keyPath)
	if err != nil {
		return nil, &symphony.InvalidArgumentError{Argument: "SYMPHONY_PRIVATE_KEY", Reason: err.Error()}
	}
	loginURL := strings.TrimSuffix(strings.TrimRight(podURL, "/"), "/pod") + "/login"
	return p.logIn(ctx, podURL, loginURL, username, key)
}

// logIn logs in at once, so that a wrong key is found before anything else is done.
func (p Program) logIn(ctx context.Context, podURL, loginURL, username string, key *rsa.PrivateKey) (*symphony.Client, error) {
	tokens, err := auth.NewRSA(loginURL, username, key, p.Options...)
	if err != nil {
		return nil, err
	}
	if _, err := tokens.SessionToken(ctx); err != nil {
		return nil, fmt.Errorf("login of %s: %w", username, err)
	}
	fmt.Fprintf(p.Stderr, "%s: %s has logged in with an RSA key\n", p.Name, username)
	return symphony.NewClient(podURL, tokens, p.Options...)
}

// embedded gives a client of a pod in memory, with a key made for it.
func (p Program) embedded(ctx context.Context) (Connection, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Connection{}, err
	}
	bot := symphonytest.ServiceUser{Username: "presence-bot", UserProvisioning: true, PublicKey: &key.PublicKey}
	pod := symphonytest.NewPod(append(p.Embedded, symphonytest.WithServiceUsers(bot))...)
	fmt.Fprintf(p.Stderr, "%s: SYMPHONY_POD_URL is not set; this is an embedded pod with %s\n", p.Name, p.Describe)
	client, err := p.logIn(ctx, pod.URL(), pod.LoginURL(), bot.Username, key)
	if err != nil {
		pod.Close()
		return Connection{}, err
	}
	return Connection{client, pod}, nil
}
