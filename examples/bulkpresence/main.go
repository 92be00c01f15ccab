// Command bulkpresence sets the presence of many users from CSV.
//
//	go run ./examples/bulkpresence                   # 2,000 users of a pod in memory, which accepts 200 calls a second
//	go run ./examples/bulkpresence updates.csv       # user_id or email, category, soft
//	other-program | go run ./examples/bulkpresence - # from stdin
//
// It reads spreadsheets as people save them: see package sheet. Every row is set, skipped
// because it is blank, or written with the reason to a CSV file of failures, which can be
// used as input; the summary counts them all. After Ctrl-C, or if it was killed, the same
// command continues where it stopped. It shows its progress and, once the pod has responded
// with 429, the rate to which the client limits itself.
//
// -dry-run prints who would change, from what to what, and sets nothing. -only-changes
// leaves out users who show the category already. It finds its pod as setpresence does.
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
	"github.com/symphony-go/symphony/symphonytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return cli.ExitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "bulkpresence: %v\n", err)
		return cli.ExitUsage
	}
	switch err := setAll(ctx, s, getenv, stdin, stdout, stderr); {
	case errors.Is(err, errSomeFailed): // the summary says which
		return cli.ExitFailed
	case err != nil:
		fmt.Fprintf(stderr, "bulkpresence: %v\n", cli.Explain(err))
		return cli.ExitCode(ctx, err)
	}
	return cli.ExitOK
}

var errSomeFailed = errors.New("some rows failed")

// setAll sets the presences of all rows, and ends with a summary. Its error is what stopped
// it.
func setAll(ctx context.Context, s settings, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	in, err := openInput(ctx, s, stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	traffic := new(traffic)
	connection, err := connect(s, getenv, stderr, traffic)
	if err != nil {
		return err
	}
	defer connection.Close()
	traffic.limits = connection.Client.Limits
	outcome, err := openOutcome(s, in, newReport(stderr, in.rows, traffic))
	if err != nil {
		return err
	}
	source := &source{
		ctx: ctx, input: in, outcome: outcome, lookup: connection.Client.UsersByEmail, dryRun: s.dryRun,
		pending: map[int]row{}, pulled: func() {},
	}
	if s.dryRun || s.onlyChanges {
		source.shown, err = newPresences(ctx, connection.Client, in.rows)
	}
	switch {
	case err != nil:
	case s.dryRun:
		err = preview(source, stdout)
	default:
		err = send(ctx, connection.Client, s.workers, source)
	}
	return finish(ctx, s, source, err)
}

func connect(s settings, getenv func(string) string, stderr io.Writer, traffic *traffic) (cli.Connection, error) {
	program := cli.Program{
		Name: "bulkpresence", Config: s.config, Getenv: getenv, Stderr: stderr,
		Options:  []symphony.Option{traffic.option()},
		Embedded: []symphonytest.Option{symphonytest.WithUsers(madeUpUsers(s.users)...), symphonytest.WithRequestLog(0)},
		Describe: fmt.Sprintf("%d users", s.users),
	}
	if s.podRate > 0 {
		program.Embedded = append(program.Embedded, symphonytest.WithRateLimit(s.podRate, int(s.podRate/10)))
		program.Describe += fmt.Sprintf(", which accepts %v calls a second", s.podRate)
	}
	if s.podAtOnce > 0 {
		program.Embedded = append(program.Embedded, symphonytest.WithConcurrencyLimit(s.podAtOnce, time.Second))
		program.Describe += fmt.Sprintf(", which handles %d calls at the same time", s.podAtOnce)
	}
	return program.Connect()
}

// openOutcome opens the journal of an input that can be resumed. A dry run writes no file.
func openOutcome(s settings, in *input, report *report) (*outcome, error) {
	o := &outcome{report: report, input: in.Reader}
	if s.dryRun {
		return o, nil
	}
	if in.fingerprint != "" {
		var err error
		if o.journal, err = openJournal(s.journal, in.fingerprint); err != nil {
			return nil, err
		}
	}
	o.failures = &failures{path: s.failures, resumed: o.journal.resumed()}
	if o.journal.resumed() {
		report.say("continuing: %d rows are done", len(o.journal.done))
	} else if o.journal != nil {
		_ = os.Remove(s.failures) // of an earlier input
	}
	return o, nil
}

// finish closes the files, prints the summary, and returns why the run is not a success, if
// it is not.
func finish(ctx context.Context, s settings, source *source, stopped error) error {
	outcome, report := source.outcome, source.outcome.report
	if stopped == nil && ctx.Err() == nil && report.left() != 0 {
		stopped = inputError(fmt.Errorf("it changed while it was read: %d rows are not accounted for", report.left()))
	}
	allDone := stopped == nil && ctx.Err() == nil
	earlierFailures := outcome.journal.failures()
	if report.set == 0 {
		stopped = cli.ExplainForbidden(stopped)
	}
	err := errors.Join(stopped, outcome.close(allDone))
	verb, failuresFile := "set", s.failures
	if s.dryRun {
		verb, failuresFile = "would be set", ""
	}
	report.summary(verb, failuresFile, earlierFailures)
	switch {
	case !allDone && outcome.journal != nil:
		report.say("stopped; the same command continues from here")
	case allDone && err == nil && report.failures()+earlierFailures > 0:
		return errSomeFailed
	}
	if err == nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
	return err
}

// madeUpUsers are the users of the embedded pod.
func madeUpUsers(n int) []symphonytest.User {
	users := make([]symphonytest.User, n)
	for i := range users {
		id := int64(i) + 1
		users[i] = symphonytest.User{ID: id, EmailAddress: fmt.Sprintf("user%d@example.com", id)}
	}
	return users
}
