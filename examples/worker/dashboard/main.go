// Command dashboard draws the panels of a dashboard of a client's metrics, from the files
// that a worker writes with -metrics.
//
//	go run ./examples/worker -metrics /tmp/metrics
//	go run ./examples/worker/dashboard -o examples/worker/dashboard.svg /tmp/metrics.*
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run is the program.
func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("dashboard", flag.ContinueOnError)
	flags.SetOutput(stderr)
	output := flags.String("o", "dashboard.svg", "the SVG `file` to write")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() == 0:
		fmt.Fprintln(stderr, "dashboard: name the files that a worker wrote with -metrics")
		return 2
	}
	if err := drawFiles(*output, flags.Args()); err != nil {
		fmt.Fprintln(stderr, "dashboard:", err)
		return 1
	}
	return 0
}

// drawFiles draws the metrics in files.
func drawFiles(output string, names []string) error {
	var all []*series
	for _, name := range names {
		file, err := os.Open(name) //nolint:gosec // the user names it
		if err != nil {
			return err
		}
		found, err := readSeries(file)
		_ = file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, found...)
	}
	panels, err := newPanels(newWindows(all))
	if err != nil {
		return err
	}
	picture, err := panels.svg()
	if err != nil {
		return err
	}
	return os.WriteFile(output, picture, 0o644) //nolint:gosec // a picture is for everyone
}
