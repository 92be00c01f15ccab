// Command watchpresence shows who changes presence: as a live table on a terminal, as
// a line for each change elsewhere.
//
//	go run ./examples/watchpresence              # all users of a pod in memory
//	go run ./examples/watchpresence 1 2 3        # some users
//	go run ./examples/watchpresence -for 1h >log # lines, for an hour
//
// The presence feeds are retired, so it polls, and tells only what changed. It finds
// its pod as setpresence does. Users of the pod in memory change by themselves.
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

// settings are what the flags say.
type settings struct {
	config string
	every  time.Duration  // 0 for the default, which depends on the pod
	limit  *time.Duration // nil for the default, which depends on the pod; 0 for none
	ids    []int64        // none for all users
}

// run is the program. To be interrupted is how watching ends, and no failure.
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
		Describe: "the users 1 to 5, who change by themselves",
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
		fmt.Fprintln(stderr, "Usage: watchpresence [-config FILE] [-every 5s] [-for D] [ID ...]\n\nWithout an ID it shows all users. Users of other pods are to be asked for once in five minutes at most.")
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.Environment, cli.ExitCodes, "Ctrl-C ends the watching with 0.\n")
	}
	flags.StringVar(&s.config, "config", "", "the config.yaml of a BDK bot, a `file`")
	flags.DurationVar(&s.every, "every", 0, "how long to wait between polls (default 5s, 1m for all users, 1s on the embedded pod)")
	flags.Func("for", "for how `long` to watch, 0 until Ctrl-C (default 0, or 10s on the embedded pod without a terminal)", func(text string) error {
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

// parseIDs reads the users to watch. One who is named twice is asked for once.
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

// complete fills in what depends on the pod. A real one is not polled as often as one
// can type: each page of all users is expensive for it. The embedded one is there to
// be looked at, and a script that runs it is to end.
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
			Reason:   fmt.Sprintf("%v is more often than the pod is to be asked, every %v at most", s.every, least),
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

// show watches until the time is over or nothing is left to watch, and gives the exit
// code: that of the error that ended it, if one did.
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
			return cli.ExitFailed // nobody reads on, or the disk is full
		}
	}
	view.flush()
	if ctx.Err() != nil {
		return cli.ExitOK
	}
	return cli.ExitCode(ctx, last)
}
