// Command worker takes presence updates from a NATS JetStream stream and applies them,
// in any number of processes: none is lost, and those of one user are applied in order.
//
//	go run ./examples/worker                                    # a rehearsal, all of it on this machine
//	NATS_URL=nats://nats.acme.net go run ./examples/worker      # a worker, of the pod that the environment names
//	… | NATS_URL=… go run ./examples/worker -role producer      # publishes the updates on stdin
//
// Without NATS_URL it starts a NATS server and a pod of its own, a producer and three
// worker processes; it kills one of them, restarts NATS, has the pod fail now and then,
// and compares in the end what the pod received with what was published. A worker finds
// its pod as setpresence does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are what the flags and the environment say.
type settings struct {
	role       string
	name       string
	config     string
	natsURL    string // "" for a rehearsal
	natsCreds  string
	partitions int
	replicas   int
	ackWait    time.Duration
	supersede  bool
	attached   bool
	updates    int
	users      int
}

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stderr io.Writer) int {
	s, err := parse(args, getenv, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return cli.ExitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "worker: %v\n", err)
		return cli.ExitUsage
	}
	out := newScreen(s.name, stderr)
	switch {
	case s.natsURL == "":
		err = rehearse(ctx, s, out)
	case s.role == "producer":
		err = produce(ctx, s, stdin, out)
	default:
		err = work(ctx, s, getenv, stdin, out)
	}
	if err == nil {
		return cli.ExitOK
	}
	out.say("%v", err)
	if errors.Is(err, errBroken) {
		return cli.ExitFailed
	}
	return cli.ExitCode(ctx, err)
}

// parse reads the flags.
func parse(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	s := settings{natsURL: getenv("NATS_URL"), natsCreds: getenv("NATS_CREDS")}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.ExitCodes)
	}
	flags.StringVar(&s.role, "role", "worker", "worker, or producer, which publishes the JSON lines on stdin")
	flags.StringVar(&s.name, "name", "worker", "what this process calls itself")
	flags.StringVar(&s.config, "config", "", "the config.yaml of a BDK bot, a `file`")
	flags.IntVar(&s.partitions, "partitions", 16, "how many updates are under way at most, over all workers; the same everywhere, and fixed once the stream exists")
	flags.IntVar(&s.replicas, "replicas", 1, "on how many servers of a NATS cluster the stream is kept")
	flags.DurationVar(&s.ackWait, "ack-wait", time.Minute, "how long an update is left to a worker that does not answer for it; the same everywhere")
	flags.BoolVar(&s.supersede, "skip-superseded", false, "skip an update when a newer one of the same user is waiting")
	flags.BoolVar(&s.attached, "attached", false, "end when stdin does")
	flags.IntVar(&s.updates, "updates", 10_000, "of a rehearsal: how many updates")
	flags.IntVar(&s.users, "users", 2_000, "of a rehearsal: over how many users")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q is no flag", flags.Arg(0))
	case s.role != "worker" && s.role != "producer":
		return s, fmt.Errorf("-role %q is neither worker nor producer", s.role)
	case s.partitions < 1 || s.replicas < 1 || s.updates < 1 || s.users < 1:
		return s, errors.New("-partitions, -replicas, -updates and -users are to be above 0")
	case s.ackWait < minAckWait:
		return s, fmt.Errorf("-ack-wait %v is too short for a call; it is to be %v at least", s.ackWait, minAckWait)
	case s.natsURL == "" && (s.role == "producer" || s.config != "" || getenv("SYMPHONY_POD_URL") != ""):
		return s, errors.New("NATS_URL is not set; a rehearsal has its own pod, producer and NATS")
	}
	return s, nil
}

const minAckWait = 3 * time.Second

const usage = `Usage: worker [flags]

Environment: NATS_URL (with NATS_CREDS, a credentials file, if the server wants one), and the pod:
SYMPHONY_POD_URL with SYMPHONY_SESSION_TOKEN, or with SYMPHONY_USERNAME and SYMPHONY_PRIVATE_KEY (a path).
Without NATS_URL it is a rehearsal with a NATS server, a pod, a producer and three workers on this machine.
A line of a producer is {"id":"pbx-17","userId":4711,"category":"ON_THE_PHONE","soft":true}.

`

// work is the role of a worker.
func work(ctx context.Context, s settings, getenv func(string) string, stdin io.Reader, out *screen) error {
	if s.config == "" && getenv("SYMPHONY_POD_URL") == "" {
		return &symphony.InvalidArgumentError{Argument: "environment", Reason: "NATS_URL is set, and SYMPHONY_POD_URL is not"}
	}
	if s.attached {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			end()
		}()
	}
	meters, err := newMeters()
	if err != nil {
		return err
	}
	program := cli.Program{Name: s.name, Config: s.config, Getenv: getenv, Stderr: out, Options: meters.options(s.ackWait)}
	connection, err := program.Connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	queue, err := openQueue(ctx, s, out)
	if err != nil {
		return err
	}
	defer queue.conn.Close()
	w := worker{client: connection.Client, queue: queue, meters: meters, supersede: s.supersede, out: out}
	out.say("applies updates, %d at once at most", s.partitions)
	err = w.run(ctx)
	meters.print(context.WithoutCancel(ctx), out)
	return err
}
