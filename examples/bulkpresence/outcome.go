package main

import (
	"errors"

	"github.com/symphony-go/symphony/examples/internal/sheet"
)

// outcome records what becomes of the rows. Each row that is read is skipped, done before,
// unchanged, set or failed, and is counted once; or it is left for the next run.
type outcome struct {
	report   *report
	journal  *journal  // nil remembers nothing
	failures *failures // nil for a dry run, which writes no file
	input    *sheet.Reader
	err      error // the first error of a write
}

// unreadable is the kind of failure of a row that is no update.
const unreadable = "unreadable"

// failure is a row that failed.
type failure struct {
	row
	err error
}

func (o *outcome) read() { o.report.rows++ }

func (o *outcome) skipped() { o.report.count(&o.report.skipped) }

// isDone reports whether an earlier run has done a row, and counts it.
func (o *outcome) isDone(line int) bool {
	done := o.journal.isDone(line)
	if done {
		o.report.count(&o.report.earlier)
	}
	return done
}

func (o *outcome) set(r row) {
	o.note(o.journal.finish(r.line))
	o.report.count(&o.report.set)
}

func (o *outcome) unchanged(r row) {
	o.note(o.journal.finish(r.line))
	o.report.count(&o.report.unchanged)
}

// failed adds a row to the failures, and then to the journal: if the run is killed between
// the two, the next run handles the row again.
func (o *outcome) failed(kind string, f failure) {
	switch {
	case o.failures == nil:
		o.report.say("line %d: %v", f.line, f.err)
	case kind == unreadable:
		o.report.bad(f.line, f.err)
	}
	if o.failures != nil {
		o.note(o.failures.add(f.row, o.input.Has("email"), f.err))
	}
	if o.err == nil {
		o.note(o.journal.fail(f.line))
	}
	o.report.failed(kind)
}

func (o *outcome) note(err error) {
	if o.err == nil {
		o.err = err
	}
}

// close closes the files, and deletes the journal if all rows are done.
func (o *outcome) close(allDone bool) error {
	if o.failures != nil {
		o.note(o.failures.close())
	}
	o.note(o.journal.close(allDone && o.err == nil))
	if o.err != nil {
		return errors.Join(errors.New("not all of the outcome is written"), o.err)
	}
	return nil
}
