// Command worker takes presence updates from a NATS JetStream stream and applies them, in
// any number of processes: no update is lost, and each user's updates are applied in order.
//
//	go run ./examples/worker                                    # a rehearsal, all of it on this machine
//	NATS_URL=nats://nats.acme.net go run ./examples/worker      # a worker, of the pod that the environment names
//	… | NATS_URL=… go run ./examples/worker -role producer      # publishes the updates on stdin
//
// Without NATS_URL it starts a NATS server and a pod of its own, a producer and three
// worker processes; it kills one of the workers, restarts NATS, makes the pod fail now and
// then, and at the end compares what the pod received with what was published. With -replicas 3
// there are three NATS servers, two of which are killed. A worker finds its pod as
// setpresence does.
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

	"github.com/nats-io/nats.go"

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
	if s.attached {
		ctx = untilEnd(ctx, stdin)
	}
	switch {
	case s.role == serverRole:
		err = serveNode(ctx, getenv(nodeEnv))
	case s.natsURL == "":
		err = rehearse(ctx, s, out)
	case s.role == producer:
		err = produce(ctx, s, stdin, out)
	default:
		err = work(ctx, s, getenv, out)
	}
	if err == nil {
		return cli.ExitOK
	}
	out.say("%v", cli.Explain(err))
	return exitCode(ctx, err)
}

// exitCode is cli.ExitCode, which does not know the errors of NATS.
func exitCode(ctx context.Context, err error) int {
	switch {
	case errors.Is(err, errBroken), errors.Is(err, errDeleted):
		return cli.ExitFailed
	case errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return cli.ExitForbidden
	}
	return cli.ExitCode(ctx, err)
}

// untilEnd returns a context that ends with stdin.
func untilEnd(ctx context.Context, stdin io.Reader) context.Context {
	ctx, end := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		end()
	}()
	return ctx
}

// work is the role of a worker.
func work(ctx context.Context, s settings, getenv func(string) string, out *screen) error {
	if s.config == "" && getenv("SYMPHONY_POD_URL") == "" {
		return &symphony.InvalidArgumentError{Argument: "environment", Reason: "NATS_URL is set, and SYMPHONY_POD_URL is not"}
	}
	meters, err := newMeters(s.metrics)
	if err != nil {
		return err
	}
	program := cli.Program{Name: s.name, Config: s.config, Getenv: getenv, Stderr: out, Options: meters.options(s.ackWait)}
	connection, err := program.Connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := meters.observe(connection.Client); err != nil {
		return err
	}
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
