package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/symphony-go/symphony"
)

// report tells how far a run is: with a bar on a terminal, in lines elsewhere.
type report struct {
	stderr  io.Writer
	bar     *progressbar.ProgressBar // nil elsewhere than on a terminal
	traffic *traffic
	total   int // -1 if not known
	before  int // done by earlier runs
	begin   time.Time
	shown   time.Time
	good    int
	badLine int
	kinds   map[string]int // failures
}

func newReport(stderr io.Writer, total, before int, traffic *traffic) *report {
	r := &report{stderr: stderr, traffic: traffic, total: total, before: before, begin: time.Now(), shown: time.Now(), kinds: map[string]int{}}
	if before > 0 {
		fmt.Fprintf(stderr, "bulkpresence: going on, %d lines are done already\n", before)
	}
	if file, ok := stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		r.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(stderr), progressbar.OptionSetDescription("presences"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("presences"),
			progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		_ = r.bar.Add(before)
	}
	return r
}

func (r *report) set() {
	r.good++
	r.step()
}

func (r *report) failed(kind string) {
	r.kinds[kind]++
	r.step()
}

// skipped is a header or an empty line.
func (r *report) skipped() {
	if r.total > 0 {
		r.total--
	}
	if r.bar != nil && r.total > 0 {
		r.bar.ChangeMax(r.total)
	}
}

// bad reports a line that is no update.
func (r *report) bad(number int, err error) {
	r.say("line %d: %v", number, err)
	r.badLine++
	r.step()
}

// say prints a line beside the bar.
func (r *report) say(format string, args ...any) {
	if r.bar != nil {
		_ = r.bar.Clear()
	}
	fmt.Fprintf(r.stderr, "bulkpresence: "+format+"\n", args...)
}

func (r *report) done() int { return r.good + r.failures() }

func (r *report) failures() int {
	failures := r.badLine
	for _, n := range r.kinds {
		failures += n
	}
	return failures
}

// step moves the bar, or prints a line every second.
func (r *report) step() {
	if r.bar != nil {
		r.bar.Describe("presences" + r.traffic.found())
		_ = r.bar.Add(1)
		return
	}
	if time.Since(r.shown) < time.Second {
		return
	}
	r.shown = time.Now()
	rate := float64(r.done()) / time.Since(r.begin).Seconds()
	if r.total < 0 {
		r.say("%d done, %.0f a second%s", r.done(), rate, r.traffic.found())
		return
	}
	left := r.total - r.before - r.done()
	r.say("%d of %d done, %.0f a second, %v left%s", r.before+r.done(), r.total, rate,
		time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second), r.traffic.found())
}

// summary ends a run.
func (r *report) summary(s settings) {
	if r.bar != nil {
		_ = r.bar.Finish()
	}
	failed := []string{}
	for _, kind := range slices.Sorted(maps.Keys(r.kinds)) {
		failed = append(failed, fmt.Sprintf("%d %s", r.kinds[kind], kind))
	}
	if r.badLine > 0 {
		failed = append(failed, fmt.Sprintf("%d unreadable", r.badLine))
	}
	text := "none failed"
	if len(failed) > 0 {
		text = "failed: " + strings.Join(failed, ", ") + " (see " + s.failures + ")"
	}
	fmt.Fprintf(r.stderr, "bulkpresence: %d set, %s; %d retries, %d answers 429, %v%s\n", r.good, text,
		r.traffic.retries.Load(), r.traffic.limited.Load(), time.Since(r.begin).Round(time.Millisecond), r.traffic.found())
}

// kind names an error in the summary.
func kind(err error) string {
	var apiErr *symphony.APIError
	var invalid *symphony.InvalidArgumentError
	var decode *symphony.DecodeError
	switch {
	case errors.As(err, &apiErr):
		return fmt.Sprintf("%d %s", apiErr.StatusCode, http.StatusText(apiErr.StatusCode))
	case errors.As(err, &invalid):
		return "invalid"
	case errors.As(err, &decode):
		return "unusable answer"
	}
	return "network"
}

// traffic is a log handler that counts what the client says of its attempts.
type traffic struct {
	retries, limited atomic.Int64
	pace             atomic.Uint64 // of the last attempt, calls a second; 0 if the pod has shown no limit
}

// found tells the pace that the client has found the pod to bear.
func (t *traffic) found() string {
	if pace := t.pace.Load(); pace > 0 {
		return fmt.Sprintf(", pace %d a second", pace)
	}
	return ""
}

// Enabled takes every record.
func (t *traffic) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup are not used by the client.
func (t *traffic) WithAttrs([]slog.Attr) slog.Handler { return t }

// WithGroup gives the same handler.
func (t *traffic) WithGroup(string) slog.Handler { return t }

// Handle counts an attempt that is tried again, and one that was answered with 429.
func (t *traffic) Handle(_ context.Context, record slog.Record) error {
	if record.Level == slog.LevelWarn {
		t.retries.Add(1)
		return nil // the attempt has had its own line
	}
	pace := 0.
	for attr := range record.Attrs {
		switch {
		case attr.Key == "status" && attr.Value.Int64() == http.StatusTooManyRequests:
			t.limited.Add(1)
		case attr.Key == "pace":
			pace = attr.Value.Float64()
		}
	}
	t.pace.Store(uint64(math.Round(pace)))
	return nil
}
