// Command setpresence sets the presence of a user, and prints it as JSON.
//
//	go run ./examples/setpresence -user 2 -category "on the phone" -soft
//
// It talks to the pod at SYMPHONY_POD_URL with the session token in
// SYMPHONY_SESSION_TOKEN. With neither set it starts a pod of its own, in memory.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// Exit codes, for scripts.
const (
	exitOK          = 0
	exitFailed      = 1   // anything else
	exitUsage       = 2   // a flag, a variable or a value is wrong; nothing was changed
	exitForbidden   = 3   // the session token or the entitlement does not do
	exitNotFound    = 4   // no such user
	exitLater       = 5   // the pod is busy, down or out of reach: try again later
	exitInterrupted = 130 // Ctrl-C
)

const exitCodes = `
Exit codes: 0 set, 1 failed, 2 wrong usage or value, 3 not allowed (token or
entitlement), 4 no such user, 5 try again later, 130 interrupted.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("setpresence", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: setpresence [-user N] [-category NAME] [-soft]")
		flags.PrintDefaults()
		fmt.Fprint(stderr, exitCodes)
	}
	user := flags.Int64("user", 1, "the `id` of the user")
	name := flags.String("category", "BUSY", `the presence category, as in IN_A_MEETING or "in a meeting"`)
	soft := flags.Bool("soft", false, "leave a user who is offline so until they come online")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "setpresence: unexpected argument %q; a category of several words is quoted\n", flags.Arg(0))
		return exitUsage
	}
	presence, err := set(ctx, *user, *name, *soft, getenv, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "setpresence: %v\n", err)
		return exitCode(ctx, err)
	}
	if err := json.NewEncoder(stdout).Encode(presence); err != nil {
		fmt.Fprintf(stderr, "setpresence: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// set makes the call.
func set(ctx context.Context, user int64, name string, soft bool, getenv func(string) string, stderr io.Writer) (*symphony.V2Presence, error) {
	category, err := symphony.ParsePresenceCategory(name)
	if err != nil {
		return nil, err
	}
	client, stop, err := connect(getenv, stderr)
	if err != nil {
		return nil, err
	}
	defer stop()
	return client.SetUserPresence(ctx, user, category, soft)
}

// connect gives a client of the pod that the environment names, or of one in memory.
func connect(getenv func(string) string, stderr io.Writer) (client *symphony.Client, stop func(), err error) {
	podURL, token := getenv("SYMPHONY_POD_URL"), getenv("SYMPHONY_SESSION_TOKEN")
	switch {
	case podURL == "" && token == "":
		return embedded(stderr)
	case podURL == "" || token == "":
		return nil, nil, &symphony.InvalidArgumentError{
			Argument: "environment",
			Reason:   "set both SYMPHONY_POD_URL and SYMPHONY_SESSION_TOKEN, or neither for the embedded pod",
		}
	}
	client, err = symphony.NewClient(podURL, symphony.StaticSessionToken(token))
	return client, func() {}, err
}

// embedded gives a client of a pod in memory.
func embedded(stderr io.Writer) (*symphony.Client, func(), error) {
	pod := symphonytest.NewPod(symphonytest.WithUsers(
		symphonytest.User{ID: 1, Activity: symphonytest.Online},
		symphonytest.User{ID: 2, Activity: symphonytest.Idle},
		symphonytest.User{ID: 3, Activity: symphonytest.Offline},
	))
	fmt.Fprintln(stderr, "setpresence: SYMPHONY_POD_URL is not set; this is an embedded pod with the users 1 (online), 2 (idle) and 3 (offline)")
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("setpresence")), symphony.WithHTTPClient(pod.Client()))
	return client, pod.Close, err
}

// exitCode says by what there is to do about it what went wrong.
func exitCode(ctx context.Context, err error) int {
	var apiErr *symphony.APIError
	var invalid *symphony.InvalidArgumentError
	var decode *symphony.DecodeError
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &apiErr):
		return statusExitCode(apiErr.StatusCode)
	case errors.As(err, &invalid):
		return exitUsage
	case errors.As(err, &decode):
		return exitFailed
	}
	return exitLater // the network
}

func statusExitCode(status int) int {
	switch {
	case status == 400:
		return exitUsage
	case status == 401 || status == 403:
		return exitForbidden
	case status == 404:
		return exitNotFound
	case status == 429 || status >= 500:
		return exitLater
	}
	return exitFailed
}
