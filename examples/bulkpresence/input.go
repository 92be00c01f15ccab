package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/sheet"
)

// input is a sheet: a file, stdin, or made up.
type input struct {
	*sheet.Reader
	close       func() error
	rows        int    // -1 if not known beforehand
	fingerprint string // of a file's content; "" for stdin, which cannot be resumed
}

// Close closes the input.
func (in *input) Close() { _ = in.close() }

func openInput(ctx context.Context, s settings, stdin io.Reader) (*input, error) {
	none := func() error { return nil }
	switch s.input {
	case "-":
		return &input{Reader: stream(ctx, stdin), close: none, rows: -1}, nil
	case "":
		return &input{Reader: madeUp(s.users), close: none, rows: s.users, fingerprint: fmt.Sprintf("made up %d", s.users)}, nil
	}
	file, err := os.Open(s.input)
	if err != nil {
		return nil, inputError(err)
	}
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() && !info.IsDir() { // a pipe
		return &input{Reader: stream(ctx, file), close: file.Close, rows: -1}, nil
	}
	rows, fingerprint, err := scan(file)
	if err != nil {
		_ = file.Close()
		return nil, inputError(fmt.Errorf("%s: %w", s.input, err))
	}
	return &input{Reader: sheet.NewReader(file, columns), close: file.Close, rows: rows, fingerprint: fingerprint}, nil
}

func inputError(err error) error {
	return &symphony.InvalidArgumentError{Argument: "input", Reason: err.Error()}
}

// stream reads a sheet until the context ends, also while nothing comes.
func stream(ctx context.Context, from io.Reader) *sheet.Reader {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(writer, from)
		_ = writer.CloseWithError(err)
	}()
	return sheet.NewReader(reader, columns)
}

// scan counts the rows of a file, and makes a fingerprint of its content. A file that
// cannot be read to its end is found out here, before any presence is set.
func scan(file *os.File) (rows int, fingerprint string, err error) {
	hash := sha256.New()
	reader := sheet.NewReader(io.TeeReader(file, hash), columns)
	for {
		_, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, "", err
		}
		rows++
	}
	_, err = file.Seek(0, io.SeekStart)
	return rows, fmt.Sprintf("sha256 %x", hash.Sum(nil)), err
}

// madeUp is a sheet that puts n users into a meeting.
func madeUp(n int) *sheet.Reader {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d,IN_A_MEETING,false\n", i+1)
	}
	return sheet.NewReader(strings.NewReader(text.String()), columns)
}
