package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/symphony-go/symphony"
)

// report counts the rows of a run, shows its progress, and ends it with a summary.
type report struct {
	*bar
	traffic *traffic
	total   int // rows of the input; -1 if not known
	begin   time.Time

	rows      int // that were read
	set       int
	unchanged int
	skipped   int            // blank rows
	earlier   int            // done by earlier runs
	kinds     map[string]int // of failures
	badRows   int            // that were shown
}

const maxBadRows = 20 // to show

func newReport(stderr io.Writer, total int, traffic *traffic) *report {
	return &report{bar: newBar(stderr), traffic: traffic, total: total, begin: time.Now(), kinds: map[string]int{}}
}

// count counts a row, and shows how many are done.
func (r *report) count(rows *int) {
	*rows++
	p := progress{done: r.done(), rows: r.total, limit: r.traffic.rate()}
	p.perSecond = float64(r.done()-r.earlier-r.skipped) / time.Since(r.begin).Seconds()
	r.show(p)
}

func (r *report) failed(kind string) {
	n := r.kinds[kind]
	r.count(&n)
	r.kinds[kind] = n
}

// bad shows a row that is no update, if it is one of the first.
func (r *report) bad(line int, err error) {
	switch r.badRows++; {
	case r.badRows <= maxBadRows:
		r.say("line %d: %v", line, err)
	case r.badRows == maxBadRows+1:
		r.say("further rows that cannot be read are not shown")
	}
}

func (r *report) failures() (n int) {
	for _, of := range r.kinds {
		n += of
	}
	return n
}

func (r *report) done() int { return r.set + r.unchanged + r.failures() + r.skipped + r.earlier }

// left is how many rows are not done; of a stream, how many of those that were read.
func (r *report) left() int { return max(r.rows, r.total) - r.done() }

// summary ends a run. Its numbers add up to the rows.
func (r *report) summary(verb, failuresFile string, earlierFailures int) {
	r.clear()
	parts := []string{fmt.Sprintf("%d %s", r.set, verb)}
	add := func(n int, format string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	add(r.unchanged, "%d unchanged")
	parts = append(parts, r.failureText(failuresFile))
	add(r.skipped, "%d skipped (blank)")
	add(r.earlier, "%d done before")
	if earlierFailures > 0 {
		parts[len(parts)-1] += fmt.Sprintf(" (%d of these failed; see %s)", earlierFailures, failuresFile)
	}
	add(r.left(), "%d left")
	text := fmt.Sprintf("%d rows: %s; %d retries, %d responses 429, %v", max(r.rows, r.total), strings.Join(parts, ", "),
		r.traffic.retries.Load(), r.traffic.limited.Load(), time.Since(r.begin).Round(time.Millisecond))
	if limit := r.traffic.rate(); limit > 0 {
		text += fmt.Sprintf(", limited to %d a second", limit)
	}
	r.say("%s", text)
}

func (r *report) failureText(failuresFile string) string {
	if len(r.kinds) == 0 {
		return "none failed"
	}
	kinds := []string{}
	for _, kind := range slices.Sorted(maps.Keys(r.kinds)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", r.kinds[kind], kind))
	}
	text := fmt.Sprintf("%d failed (%s", r.failures(), strings.Join(kinds, ", "))
	if failuresFile != "" {
		text += "; see " + failuresFile
	}
	return text + ")"
}

// kind names an error in the summary.
func kind(err error) string {
	var apiErr *symphony.APIError
	var invalid *symphony.InvalidArgumentError
	var decode *symphony.DecodeError
	var network net.Error
	switch {
	case errors.Is(err, symphony.ErrUserNotFound):
		return "unknown e-mail address"
	case errors.Is(err, symphony.ErrLookupRejected):
		return "rejected e-mail address"
	case errors.As(err, &apiErr):
		return fmt.Sprintf("%d %s", apiErr.StatusCode, http.StatusText(apiErr.StatusCode))
	case errors.As(err, &invalid):
		return "invalid"
	case errors.As(err, &decode):
		return "unusable response"
	case errors.As(err, &network), errors.Is(err, io.EOF):
		return "network"
	}
	return "other"
}
