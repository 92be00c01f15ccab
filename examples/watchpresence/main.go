// Command watchpresence shows who changes presence: as a table on a terminal, otherwise as
// one line for each change.
//
//	go run ./examples/watchpresence              # all users of a pod in memory
//	go run ./examples/watchpresence 1 2 3        # some users
//	go run ./examples/watchpresence -for 1h >log # lines, for an hour
//
// Symphony has deprecated the presence feeds, so the program polls and prints only what
// changed. It finds its pod as setpresence does. The users of the pod in memory change on
// their own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

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

// settings are the values of the flags and arguments.
type settings struct {
	config string
	every  time.Duration  // 0 for the default, which depends on the pod
	limit  *time.Duration // nil for the default, which depends on the pod; 0 for none
	ids    []int64        // none for all users
}

// run is the program. An interrupt is the normal end, not a failure.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return cli.ExitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "watchpresence: %v\n", err)
		return cli.ExitUsage
	}
	program := cli.Program{
		Name: "watchpresence", Config: s.config, Getenv: getenv, Stderr: stderr,
		Describe: "the users 1 to 5, who change on their own",
		Embedded: []symphonytest.Option{symphonytest.WithUsers(embeddedUsers()...)},
	}
	connection, err := program.Connect()
	if err == nil {
		defer connection.Close()
		err = s.complete(connection.Pod != nil, isTerminal(stdout))
	}
	if err != nil {
		fmt.Fprintf(stderr, "watchpresence: %v\n", cli.Explain(err))
		return cli.ExitCode(ctx, err)
	}
	return show(ctx, s, connection, stdout, stderr)
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("watchpresence", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: watchpresence [-config FILE] [-every 5s] [-for D] [ID ...]\n\nWithout an ID it shows all users. Read a user of another pod at most once in five minutes.")
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.Environment, cli.ExitCodes, "Ctrl-C ends the program with exit code 0.\n")
	}
	flags.StringVar(&s.config, "config", "", "log in with the config.yaml `file` of a BDK bot")
	flags.DurationVar(&s.every, "every", 0, "the wait between two polls (default 5s; 1m for all users; 1s on the pod in memory)")
	flags.Func("for", "the `duration` to watch; 0 means until Ctrl-C (default 0; 10s on the pod in memory without a terminal)", func(text string) error {
		limit, err := time.ParseDuration(text)
		if err == nil && limit < 0 {
			err = errors.New("it is below 0")
		}
		s.limit = &limit
		return err
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.every < 0 {
		return s, fmt.Errorf("-every %v is below 0", s.every)
	}
	var err error
	s.ids, err = parseIDs(flags.Args())
	return s, err
}

// parseIDs reads the ids of the users to watch. An id that is given twice counts once.
func parseIDs(args []string) ([]int64, error) {
	var ids []int64
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, fmt.Errorf("%.40q is not a user id; flags come before the ids", arg)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// complete sets the defaults that depend on the pod. A real pod has a shortest interval,
// because each page of all users is expensive for it. The embedded pod is for trying out:
// without a terminal the program ends, for the sake of scripts.
func (s *settings) complete(embedded, terminal bool) error {
	usual, least := 5*time.Second, time.Second
	if len(s.ids) == 0 {
		usual, least = time.Minute, 10*time.Second
	}
	if embedded {
		usual, least = time.Second, 0
	}
	if s.every == 0 {
		s.every = usual
	}
	if s.every < least {
		return &symphony.InvalidArgumentError{
			Argument: "-every",
			Reason:   fmt.Sprintf("%v is too short for this pod; the shortest interval is %v", s.every, least),
		}
	}
	if s.limit == nil {
		s.limit = new(time.Duration)
		if embedded && !terminal {
			*s.limit = 10 * time.Second
		}
	}
	return nil
}

// show watches until the time is over or no user is left to watch. It returns the exit
// code of the error that ended it, if there was one.
func show(ctx context.Context, s settings, connection cli.Connection, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if *s.limit > 0 {
		defer time.AfterFunc(*s.limit, cancel).Stop()
	}
	if connection.Pod != nil {
		go enliven(ctx, connection.Pod)
	}
	view := newView(stdout, stderr, s.every)
	w := watcher{client: connection.Client, ids: s.ids, every: s.every, polled: view.flush}
	var last error
	for change, err := range w.changes(ctx) {
		last = err
		if err != nil {
			view.failed(err)
		} else if err := view.changed(change); err != nil {
			fmt.Fprintf(stderr, "watchpresence: %v\n", err)
			return cli.ExitFailed // the reader has gone, or the disk is full
		}
	}
	view.flush()
	if ctx.Err() != nil {
		return cli.ExitOK
	}
	return cli.ExitCode(ctx, last)
}
