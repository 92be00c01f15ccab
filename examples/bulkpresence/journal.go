package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/symphony-go/symphony"
)

// journal records which rows are done until all are done, so that the same command continues
// a run that was interrupted or killed. Each row is written as soon as it is done. A nil
// journal records nothing.
type journal struct {
	file   *os.File
	done   map[int]struct{} // the rows of earlier runs, by their lines
	failed int              // how many of them failed
}

const failedMark = "failed"

// openJournal opens a journal, and reads it if an earlier run of the same input left it.
func openJournal(path, fingerprint string) (*journal, error) {
	file, err := openLocked(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &journal{file: file, done: map[int]struct{}{}}
	if err := j.read(fingerprint); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// openLocked opens a file that no other run may use meanwhile.
func openLocked(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
		if err != nil {
			return nil, err
		}
		locked, err := lock(file)
		if err == nil && !locked {
			err = &symphony.InvalidArgumentError{Argument: path, Reason: "another run is using this file; wait for its end"}
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if sameFile(path, file) {
			return file, nil
		}
		_ = file.Close() // the other run ended, and deleted it
	}
}

func sameFile(path string, file *os.File) bool {
	named, err := os.Stat(path)
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && os.SameFile(named, opened)
}

// read reads what an earlier run left, or begins a journal. A last line without an end was
// cut off, and is removed.
func (j *journal) read(fingerprint string) error {
	text, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	if err := j.file.Truncate(int64(len(text))); err != nil {
		return err
	}
	if _, err := j.file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	if first == "" {
		return j.write(fingerprint)
	}
	if first != fingerprint {
		return &symphony.InvalidArgumentError{
			Argument: "journal", Reason: j.file.Name() + " is of another input; delete it to begin again",
		}
	}
	for entry := range strings.Lines(rest) {
		line, mark, _ := strings.Cut(strings.TrimSpace(entry), " ")
		number, err := strconv.Atoi(line)
		if err != nil {
			return &symphony.InvalidArgumentError{Argument: "journal", Reason: fmt.Sprintf("%s has the entry %.40q; delete it to begin again", j.file.Name(), entry)}
		}
		j.done[number] = struct{}{}
		if mark == failedMark {
			j.failed++
		}
	}
	return nil
}

// resumed reports whether an earlier run has done rows.
func (j *journal) resumed() bool { return j != nil && len(j.done) > 0 }

// failures is how many rows of earlier runs failed.
func (j *journal) failures() int {
	if j == nil {
		return 0
	}
	return j.failed
}

func (j *journal) isDone(line int) bool {
	if j == nil {
		return false
	}
	_, done := j.done[line]
	return done
}

// finish enters a row that is done.
func (j *journal) finish(line int) error { return j.write(strconv.Itoa(line)) }

// fail enters a row that is done because it failed.
func (j *journal) fail(line int) error { return j.write(strconv.Itoa(line) + " " + failedMark) }

func (j *journal) write(entry string) error {
	if j == nil {
		return nil
	}
	_, err := j.file.WriteString(entry + "\n")
	return err
}

// close keeps the journal for the next run, or deletes it if all rows are done.
func (j *journal) close(allDone bool) error {
	switch {
	case j == nil:
		return nil
	case allDone:
		return remove(j.file)
	}
	return j.file.Close()
}
