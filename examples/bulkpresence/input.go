package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/symphony-go/symphony"
)

const maxLine = 1 << 20 // bytes of a line

// input is CSV: a file, stdin, or made up.
type input struct {
	io.Reader
	close       func() error
	total       int    // lines, -1 if not known beforehand
	fingerprint string // of a file's content; "" for stdin, which cannot be resumed
	err         error  // what ended the reading too early
}

// Close closes the input.
func (in *input) Close() { _ = in.close() }

func openInput(ctx context.Context, s settings, stdin io.Reader) (*input, error) {
	none := func() error { return nil }
	switch s.input {
	case "-":
		return &input{Reader: interruptible(ctx, stdin), close: none, total: -1}, nil
	case "":
		return &input{Reader: madeUp(s.users), close: none, total: s.users, fingerprint: fmt.Sprintf("made up %d", s.users)}, nil
	}
	file, err := os.Open(s.input)
	if err != nil {
		return nil, &symphony.InvalidArgumentError{Argument: "input", Reason: err.Error()}
	}
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() && !info.IsDir() { // a pipe
		return &input{Reader: interruptible(ctx, file), close: file.Close, total: -1}, nil
	}
	total, fingerprint, err := scan(file)
	if err != nil {
		_ = file.Close()
		return nil, &symphony.InvalidArgumentError{Argument: "input", Reason: s.input + ": " + err.Error()}
	}
	return &input{Reader: file, close: file.Close, total: total, fingerprint: fingerprint}, nil
}

// interruptible is a reader that ends with the context, also while nothing comes.
func interruptible(ctx context.Context, from io.Reader) io.Reader {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(writer, from)
		_ = writer.CloseWithError(err)
	}()
	return reader
}

// scan counts the lines of a file, and makes a fingerprint of its content.
func scan(file *os.File) (lines int, fingerprint string, err error) {
	hash := sha256.New()
	scanner := bufio.NewScanner(io.TeeReader(file, hash))
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		lines++
	}
	if err := scanner.Err(); err != nil {
		return 0, "", err
	}
	_, err = file.Seek(0, io.SeekStart)
	return lines, fmt.Sprintf("sha256 %x", hash.Sum(nil)), err
}

// madeUp is CSV that puts n users into a meeting.
func madeUp(n int) io.Reader {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d,IN_A_MEETING,false\n", i+1)
	}
	return strings.NewReader(text.String())
}

// line is a line of the input.
type line struct {
	number int // from 1
	fields []string
}

// source gives the updates of an input that are not done yet.
type source struct {
	ctx      context.Context
	input    *input
	output   *output
	report   *report
	sent     int
	lines    map[int]line // by the index of the update, until its result is there
	cutShort bool         // the client wanted no more
}

// take gives the line of an update that has its result.
func (s *source) take(index int) line {
	l := s.lines[index]
	delete(s.lines, index)
	return l
}

// updates is the iterator for SetUserPresences. A line that cannot be read is
// reported, and stops no other.
func (s *source) updates(yield func(symphony.PresenceUpdate) bool) {
	scanner := bufio.NewScanner(s.input)
	scanner.Buffer(nil, maxLine)
	for number := 1; scanner.Scan(); number++ {
		text := strings.TrimPrefix(scanner.Text(), "\ufeff")
		fields, update, err := parseLine(text)
		switch {
		case strings.TrimSpace(text) == "" || number == 1 && isHeader(fields):
			s.report.skipped()
		case s.output.isDone(number):
		case err != nil:
			s.report.bad(number, err)
			s.output.fail(line{number, fields}, err)
		default:
			s.lines[s.sent] = line{number, fields}
			s.sent++
			if !yield(update) {
				s.cutShort = true
				return
			}
		}
	}
	if err := scanner.Err(); err != nil && s.ctx.Err() == nil {
		s.input.err = &symphony.InvalidArgumentError{Argument: "input", Reason: err.Error()}
	}
}

func isHeader(fields []string) bool {
	return len(fields) > 0 && strings.EqualFold(strings.TrimSpace(fields[0]), "user_id")
}

// parseLine reads user_id,category,soft. Further columns are ignored: the file of
// failures has one.
func parseLine(text string) (fields []string, update symphony.PresenceUpdate, err error) {
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	if fields, err = reader.Read(); err != nil {
		return []string{text}, update, errors.New("this is not CSV")
	}
	if len(fields) < 2 {
		return fields, update, errors.New("user_id,category,soft are wanted, separated by commas")
	}
	if update.UserID, err = strconv.ParseInt(strings.TrimSpace(fields[0]), 10, 64); err != nil {
		return fields, update, fmt.Errorf("%.40q is not a user id", fields[0])
	}
	if update.Category, err = symphony.ParsePresenceCategory(fields[1]); err != nil {
		return fields, update, err
	}
	if len(fields) > 2 && strings.TrimSpace(fields[2]) != "" {
		if update.Soft, err = strconv.ParseBool(strings.ToLower(strings.TrimSpace(fields[2]))); err != nil {
			return fields, update, fmt.Errorf("%.40q is neither true nor false", fields[2])
		}
	}
	return fields, update, nil
}
