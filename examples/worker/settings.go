package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/symphony-go/symphony/examples/internal/cli"
)

// Roles of a process, beside that of a worker.
const (
	producer   = "producer"
	serverRole = "server" // of a NATS cluster in a rehearsal
)

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
	metrics    string // a file, "" for none
	supersede  bool
	attached   bool
	updates    int
	users      int
}

// parse reads the flags.
func parse(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	s := settings{natsURL: getenv("NATS_URL"), natsCreds: getenv("NATS_CREDS")}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.Environment, natsEnvironment, cli.ExitCodes)
	}
	flags.StringVar(&s.role, "role", "worker", "worker, or producer, which publishes the JSON lines on stdin")
	flags.StringVar(&s.name, "name", "worker", "the name of this process in its messages")
	flags.StringVar(&s.config, "config", "", "log in with the config.yaml `file` of a BDK bot")
	flags.IntVar(&s.partitions, "partitions", 16, "the maximum number of updates in progress, over all workers; the same for all, and fixed once the stream exists")
	flags.IntVar(&s.replicas, "replicas", 1, "the number of NATS servers that keep the stream; a rehearsal starts that many")
	flags.DurationVar(&s.ackWait, "ack-wait", time.Minute, "how long an update waits for a worker that died; the same for all workers")
	flags.StringVar(&s.metrics, "metrics", "", "append the metrics to a `file` four times a second, as JSON; in a rehearsal the files of the workers end in .1, .2 and .3")
	flags.BoolVar(&s.supersede, "skip-superseded", false, "skip an update when a newer one of the same user is waiting")
	flags.BoolVar(&s.attached, "attached", false, "end when stdin ends")
	flags.IntVar(&s.updates, "updates", 10_000, "the number of updates in a rehearsal")
	flags.IntVar(&s.users, "users", 2_000, "the number of users in a rehearsal")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q is no flag", flags.Arg(0))
	case s.role != "worker" && s.role != producer && s.role != serverRole:
		return s, fmt.Errorf("-role %q is neither worker nor producer", s.role)
	case s.partitions < 1 || s.replicas < 1 || s.updates < 1 || s.users < 1:
		return s, errors.New("-partitions, -replicas, -updates and -users must be above 0")
	case s.ackWait < minAckWait:
		return s, fmt.Errorf("-ack-wait %v is too short for a call; it must be at least %v", s.ackWait, minAckWait)
	case s.natsURL == "" && (s.role == producer || s.config != "" || getenv("SYMPHONY_POD_URL") != ""):
		return s, errors.New("NATS_URL is not set; a rehearsal has its own pod, producer and NATS")
	}
	return s, nil
}

const minAckWait = 3 * time.Second

const usage = `Usage: worker [flags]

Without NATS_URL it runs a rehearsal with a NATS server, a pod, a producer and three workers on this machine.
A line of a producer is {"id":"pbx-17","userId":4711,"category":"ON_THE_PHONE","soft":true}.

`

const natsEnvironment = `  NATS_URL                the NATS server, as in nats://nats.acme.net:4222; several are separated by commas
  NATS_CREDS              the credentials file, if the server requires one
`
