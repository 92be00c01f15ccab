package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/symphony-go/symphony/examples/internal/cli"
)

// settings are what the flags say.
type settings struct {
	config      string
	input       string // a file, "-" for stdin, "" for generated updates
	failures    string
	journal     string
	dryRun      bool
	onlyChanges bool
	users       int
	workers     int
	podRate     float64
	podAtOnce   int
}

// parse reads the flags. What belongs to an input is named after it.
func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bulkpresence", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
		fmt.Fprint(stderr, cli.Environment, cli.ExitCodes)
	}
	flags.StringVar(&s.config, "config", "", "log in with the config.yaml `file` of a BDK bot")
	flags.StringVar(&s.failures, "failures", "", "the CSV `file` for the rows that fail (default FILE.failed.csv)")
	flags.StringVar(&s.journal, "journal", "", "the `file` that records the finished rows until all are finished (default FILE.journal)")
	flags.BoolVar(&s.dryRun, "dry-run", false, "print who would change, from what to what; set nothing, write no file")
	flags.BoolVar(&s.onlyChanges, "only-changes", false, "read the presences first, and send only what differs; users who show AWAY or OFFLINE are always sent")
	flags.IntVar(&s.users, "users", 2000, "how many updates to make up when there is no FILE")
	flags.IntVar(&s.workers, "workers", 8, "how many calls to make at once")
	flags.Float64Var(&s.podRate, "pod-rate", 200, "how many calls a second the pod in memory accepts, a tenth of them at once; 0 for any number")
	flags.IntVar(&s.podAtOnce, "pod-concurrency", 0, "how many calls the pod in memory handles at the same time; 0 for any number")
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
		return s, errors.New("the input, the failures and the journal must be three different files")
	}
	if s.users < 0 {
		return s, fmt.Errorf("-users %d is below 0", s.users)
	}
	if s.podRate < 0 {
		return s, fmt.Errorf("-pod-rate %v is below 0", s.podRate)
	}
	if s.podAtOnce < 0 {
		return s, fmt.Errorf("-pod-concurrency %d is below 0", s.podAtOnce)
	}
	return s, nil
}

const usage = `Usage: bulkpresence [flags] [FILE.csv | -]

The columns are user_id or email, category, and soft (true, false, 1 or 0), which may be left out. Their
order is that of the header; without a header it is user_id,category,soft. Blank rows are skipped.

`

// same reports whether two names mean the same file.
func same(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
