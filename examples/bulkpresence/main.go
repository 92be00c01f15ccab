// Command bulkpresence sets the presence of many users from CSV.
//
//	go run ./examples/bulkpresence                   # 2,000 users of a pod in memory, which takes 200 calls a second
//	go run ./examples/bulkpresence updates.csv       # user_id,category,soft
//	other-program | go run ./examples/bulkpresence - # from stdin
//
// It shows its progress, and the pace that the client keeps once the pod has answered
// 429. The updates that fail go to a CSV file that can be fed back
// in, with the reason in a further column. After Ctrl-C the same command goes on
// where it stopped. It finds its pod as setpresence does.
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
	"path/filepath"
	"syscall"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
	"github.com/symphony-go/symphony/symphonytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are what the flags say.
type settings struct {
	config   string
	input    string // a file, "-" for stdin, "" for generated updates
	failures string
	journal  string
	users    int
	workers  int
	podRate  float64
}

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return cli.ExitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "bulkpresence: %v\n", err)
		return cli.ExitUsage
	}
	switch err := setAll(ctx, s, getenv, stdin, stderr); {
	case errors.Is(err, errSomeFailed): // the summary says which
		return cli.ExitFailed
	case err != nil:
		fmt.Fprintf(stderr, "bulkpresence: %v\n", err)
		return cli.ExitCode(ctx, err)
	}
	return cli.ExitOK
}

var errSomeFailed = errors.New("some updates failed")

// parse reads the flags. What belongs to an input is named after it.
func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bulkpresence", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: bulkpresence [flags] [FILE.csv | -]\n\nThe columns are user_id,category,soft; soft may be left out, and so may the header.")
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.ExitCodes)
	}
	flags.StringVar(&s.config, "config", "", "the config.yaml of a BDK bot, a `file`")
	flags.StringVar(&s.failures, "failures", "", "the CSV `file` for the updates that fail (default FILE.failed.csv)")
	flags.StringVar(&s.journal, "journal", "", "the `file` that remembers what is done, until all is (default FILE.journal)")
	flags.IntVar(&s.users, "users", 2000, "how many updates to make up when there is no FILE")
	flags.IntVar(&s.workers, "workers", 8, "how many calls to make at once")
	flags.Float64Var(&s.podRate, "pod-rate", 200, "how many calls a second the pod in memory takes, a tenth of them at once; 0 for any number")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 1 {
		return s, fmt.Errorf("more than one input: %q", flags.Args())
	}
	s.input = flags.Arg(0)
	name := s.input
	if name == "" || name == "-" {
		name = "bulkpresence"
	}
	if s.failures == "" {
		s.failures = name + ".failed.csv"
	}
	if s.journal == "" {
		s.journal = name + ".journal"
	}
	if same(s.failures, s.input) || same(s.journal, s.input) || same(s.journal, s.failures) {
		return s, errors.New("the input, the failures and the journal are to be three different files")
	}
	if s.users < 0 {
		return s, fmt.Errorf("-users %d is below 0", s.users)
	}
	if s.podRate < 0 {
		return s, fmt.Errorf("-pod-rate %v is below 0", s.podRate)
	}
	return s, nil
}

// same reports whether two names are those of one file.
func same(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// setAll sets all presences of the input, and ends with a summary. Its error is what
// stopped it.
func setAll(ctx context.Context, s settings, getenv func(string) string, stdin io.Reader, stderr io.Writer) error {
	in, err := openInput(ctx, s, stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := openOutput(s, in.fingerprint)
	if err != nil {
		return err
	}
	traffic := new(traffic)
	program := cli.Program{
		Name: "bulkpresence", Config: s.config, Getenv: getenv, Stderr: stderr,
		Options:  []symphony.Option{symphony.WithLogger(slog.New(traffic))},
		Embedded: []symphonytest.Option{symphonytest.WithUsers(madeUpUsers(s.users)...), symphonytest.WithRequestLog(0)},
		Describe: fmt.Sprintf("%d users", s.users),
	}
	if s.podRate > 0 {
		program.Embedded = append(program.Embedded, symphonytest.WithRateLimit(s.podRate, int(s.podRate/10)))
		program.Describe += fmt.Sprintf(", which takes %v calls a second", s.podRate)
	}
	connection, err := program.Connect()
	if err != nil {
		return errors.Join(err, out.close(false))
	}
	defer connection.Close()

	report := newReport(stderr, in.total, len(out.done), traffic)
	stopped := send(ctx, connection.Client, s.workers, in, out, report)
	finished := stopped == nil && ctx.Err() == nil && in.err == nil
	err = errors.Join(stopped, in.err, out.close(finished))
	report.summary(s)
	if !finished && in.fingerprint != "" {
		fmt.Fprintln(stderr, "bulkpresence: stopped; the same command goes on from here")
	}
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", ctx.Err())
	}
	if err == nil && report.failures() > 0 {
		err = errSomeFailed
	}
	return err
}

// send sets the presences that are not done yet. It stops at what would fail for all
// others too; what was applied by then is still noted.
func send(ctx context.Context, client *symphony.Client, workers int, in *input, out *output, report *report) (stopped error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	source := &source{ctx: ctx, input: in, output: out, report: report, lines: map[int]line{}}
	var doubtful []failure // of the update, or of the login: that shows in whether the run goes on
	fail := func(f failure) {
		report.failed(kind(f.err))
		out.fail(f.line, f.err)
	}
	for result := range client.SetUserPresences(ctx, source.updates, symphony.WithConcurrency(workers)) {
		line := source.take(result.Index)
		switch {
		case result.Err == nil:
			report.set()
			out.finish(line.number)
		case stopped != nil || ctx.Err() != nil && errors.Is(result.Err, ctx.Err()):
			// Not done, and no failure of its own.
		case isFinal(result.Err):
			stopped = result.Err
			cancel()
		case isOfUpdate(result.Err):
			fail(failure{line, result.Err})
		default:
			doubtful = append(doubtful, failure{line, result.Err})
		}
		if out.err != nil && stopped == nil {
			stopped = errors.New("the outcome cannot be written")
			cancel()
		}
	}
	if stopped != nil || ctx.Err() != nil {
		return stopped
	}
	if len(doubtful) > 0 && source.cutShort {
		return doubtful[0].err // the client gave up: it gets no session token
	}
	for _, f := range doubtful {
		fail(f)
	}
	return nil
}

// failure is an update that failed.
type failure struct {
	line line
	err  error
}

// isFinal reports whether an error would be that of every other update.
func isFinal(err error) bool {
	var forbidden *symphony.ForbiddenError
	var unauthorized *symphony.UnauthorizedError
	return errors.As(err, &forbidden) || errors.As(err, &unauthorized) || errors.Is(err, symphony.ErrNoSessionToken)
}

// isOfUpdate reports whether an error is surely one of the update itself: the login
// has other paths.
func isOfUpdate(err error) bool {
	var apiErr *symphony.APIError
	var decode *symphony.DecodeError
	var invalid *symphony.InvalidArgumentError
	const path = "/v3/user/presence"
	return errors.As(err, &apiErr) && apiErr.Path == path || errors.As(err, &decode) && decode.Path == path || errors.As(err, &invalid)
}

// madeUpUsers are the users of the embedded pod.
func madeUpUsers(n int) []symphonytest.User {
	users := make([]symphonytest.User, n)
	for i := range users {
		users[i].ID = int64(i) + 1
	}
	return users
}
