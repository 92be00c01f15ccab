package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/symphony-go/symphony"
)

// output is what a run leaves behind: the failures, as CSV, and until all is done a
// journal of the lines that are, so that an interrupted run can go on.
type output struct {
	failures     string
	failuresFile *os.File
	failuresCSV  *csv.Writer

	journal     string
	journalFile *os.File // nil for an input that cannot be resumed
	journalLine *bufio.Writer
	done        map[int]struct{} // by line number, of earlier runs

	err error // the first that writing met
}

// openOutput opens the journal, and reads it if an earlier run of the same input
// left one.
func openOutput(s settings, fingerprint string) (*output, error) {
	o := &output{failures: s.failures, journal: s.journal, done: map[int]struct{}{}}
	if fingerprint == "" {
		return o, nil
	}
	file, err := os.OpenFile(s.journal, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	o.journalFile, o.journalLine = file, bufio.NewWriter(file)
	fresh, err := o.read(fingerprint)
	if err == nil && fresh {
		_ = os.Remove(s.failures) // of an earlier run
		_, err = fmt.Fprintln(o.journalLine, fingerprint)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return o, nil
}

// read reads the journal of an earlier run, if there was one.
func (o *output) read(fingerprint string) (fresh bool, err error) {
	text, err := io.ReadAll(o.journalFile)
	if err != nil {
		return false, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1] // a last line that was cut off is not one
	if err := o.journalFile.Truncate(int64(len(whole))); err != nil {
		return false, err
	}
	if _, err := o.journalFile.Seek(0, io.SeekEnd); err != nil {
		return false, err
	}
	first, rest, _ := strings.Cut(string(whole), "\n")
	switch first {
	case "":
		return true, nil
	case fingerprint:
	default:
		return false, &symphony.InvalidArgumentError{
			Argument: "journal",
			Reason:   o.journal + " is of another input; delete it to start anew",
		}
	}
	for number := range strings.FieldsSeq(rest) {
		if number, err := strconv.Atoi(number); err == nil {
			o.done[number] = struct{}{}
		}
	}
	return false, nil
}

func (o *output) isDone(number int) bool {
	_, ok := o.done[number]
	return ok
}

// finish enters a line into the journal.
func (o *output) finish(number int) {
	if o.journalFile != nil {
		_, err := fmt.Fprintln(o.journalLine, number)
		o.note(err)
	}
}

// fail adds a line to the failures, with the reason behind the three columns, and
// then to the journal: it must be in one of them whatever happens.
func (o *output) fail(l line, reason error) {
	if o.failuresFile == nil && !o.openFailures() {
		return
	}
	record := append(append([]string{}, l.fields...), "", "")[:3]
	o.note(o.failuresCSV.Write(append(record, reason.Error())))
	o.failuresCSV.Flush()
	o.note(o.failuresCSV.Error())
	if o.err == nil {
		o.finish(l.number)
	}
}

// openFailures opens the file of failures when there is the first. A run that goes
// on adds to it.
func (o *output) openFailures() bool {
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if len(o.done) > 0 {
		mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	file, err := os.OpenFile(o.failures, mode, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		o.note(fmt.Errorf("failures: %w", err))
		return false
	}
	o.failuresFile, o.failuresCSV = file, csv.NewWriter(file)
	if info, err := file.Stat(); err == nil && info.Size() == 0 {
		o.note(o.failuresCSV.Write([]string{"user_id", "category", "soft", "reason"}))
	}
	return true
}

func (o *output) note(err error) {
	if o.err == nil {
		o.err = err
	}
}

// close writes what is left, and deletes the journal of a run that finished.
func (o *output) close(finished bool) error {
	if o.failuresFile != nil {
		o.failuresCSV.Flush()
		o.note(o.failuresCSV.Error())
		o.note(o.failuresFile.Close())
	}
	if o.journalFile != nil {
		o.note(o.journalLine.Flush())
		o.note(o.journalFile.Close())
		if finished && o.err == nil {
			o.note(os.Remove(o.journal)) //nolint:gosec // the caller names the file
		}
	}
	if o.err != nil {
		return errors.Join(errors.New("not all of the outcome is written"), o.err)
	}
	return nil
}
