// Command phonebridge sets presences during telephone calls: a telephone system posts
// events, and people in a call show ON_THE_PHONE until it ends.
//
//	go run ./examples/phonebridge                      # a rehearsal, all of it on this machine
//	PHONEBRIDGE_SECRET=… SYMPHONY_POD_URL=… phonebridge # the service
//
// The rehearsal starts a pod and the service, and plays a telephone system with 200 people.
// It kills the service at random moments, stops the pod for 10 s, and compares the pod's
// state at the end with the expected one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/symphony-go/symphony"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "phonebridge: %v\n", err)
		return exitUsage
	}
	config, configured, err := configure(&s, getenv)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "phonebridge: %v (-h lists the variables)\n", err)
		return exitUsage
	case !configured:
		return exitCode(ctx, rehearse(ctx, s.seed, stdout, stderr))
	}
	if s.attached {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			end()
		}()
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	err = serve(ctx, s, config, log)
	if _, ok := errors.AsType[*symphony.InvalidArgumentError](err); ok {
		fmt.Fprintf(stderr, "phonebridge: %v\n", err)
		return exitUsage
	}
	if err != nil {
		log.Error("the service has failed", "error", err)
		return exitFailed
	}
	return exitOK
}

// exitCode is that of a rehearsal.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}
