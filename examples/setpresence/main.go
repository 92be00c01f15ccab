// Command setpresence sets the presence of a user, and prints it as JSON.
//
//	go run ./examples/setpresence -user 2 -category "on the phone" -soft
//
// It logs in with the config.yaml of a BDK bot (-config), or with these environment
// variables:
//
//	SYMPHONY_POD_URL        base URL of the pod, https://acme.symphony.com/pod
//	SYMPHONY_USERNAME       the service user, with SYMPHONY_PRIVATE_KEY
//	SYMPHONY_PRIVATE_KEY    its RSA key: PEM text, or the path of a file
//	SYMPHONY_CERTIFICATE    instead of a key: the path of a PEM file with certificate and key
//	SYMPHONY_SESSION_TOKEN  instead of both: the token of a session
//
// SYMPHONY_LOGIN_URL and SYMPHONY_SESSION_AUTH_URL are needed only if the URL of the pod
// does not end in /pod, or if the login is on another host. Without any of these variables
// the program starts a pod in memory and logs in there.
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
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

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
		fmt.Fprintln(stderr, "Usage: setpresence [-config FILE] [-user N] [-category NAME] [-soft]")
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.Environment, cli.ExitCodes)
	}
	config := flags.String("config", "", "log in with the config.yaml `file` of a BDK bot")
	user := flags.Int64("user", 1, "the `id` of the user")
	name := flags.String("category", "BUSY", `the presence category, IN_A_MEETING or "in a meeting"`)
	soft := flags.Bool("soft", false, "apply to an offline user only once they come online")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return cli.ExitOK
	case err != nil:
		return cli.ExitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "setpresence: unexpected argument %q; put a category of several words in quotes\n", flags.Arg(0))
		return cli.ExitUsage
	}
	program := cli.Program{
		Name: "setpresence", Config: *config, Getenv: getenv, Stderr: stderr,
		Describe: "the users 1 (online), 2 (idle) and 3 (offline)",
		Embedded: []symphonytest.Option{symphonytest.WithUsers(
			symphonytest.User{ID: 1, Activity: symphonytest.Online},
			symphonytest.User{ID: 2, Activity: symphonytest.Idle},
			symphonytest.User{ID: 3, Activity: symphonytest.Offline},
		)},
	}
	presence, err := set(ctx, program, *user, *name, *soft)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(presence)
	}
	if err != nil {
		fmt.Fprintf(stderr, "setpresence: %v\n", cli.Explain(err))
	}
	return cli.ExitCode(ctx, err)
}

// set makes the call.
func set(ctx context.Context, program cli.Program, user int64, name string, soft bool) (*symphony.V2Presence, error) {
	category, err := symphony.ParsePresenceCategory(name)
	if err != nil {
		return nil, err
	}
	connection, err := program.Connect()
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.Client.SetUserPresence(ctx, user, category, soft)
}
