package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// childEnv holds, as JSON, what a process of this program does in place of main.
const childEnv = "SYMPHONY_BENCHMARKS_CHILD"

// task is what a child does: one of its fields is set.
type task struct {
	Serve *serving
	Bulk  *bulkTask
}

// isChild does the task of a child, and reports whether this process is one.
func isChild() bool {
	text := os.Getenv(childEnv)
	if text == "" {
		return false
	}
	var t task
	err := json.Unmarshal([]byte(text), &t)
	switch {
	case err != nil:
	case t.Serve != nil:
		err = t.Serve.run(os.Stdin, os.Stdout)
	case t.Bulk != nil:
		err = t.Bulk.run(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
	return true
}

// child is a process of this program. It replies in lines of JSON.
type child struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startChild(ctx context.Context, t task) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program) //nolint:gosec // it is this program
	command.Env = append(os.Environ(), childEnv+"="+string(text))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &child{command, in, bufio.NewReader(out)}, command.Start()
}

// reply reads the next line.
func (c *child) reply(out any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("a child ended early: %w", errors.Join(err, c.end()))
	}
	return json.Unmarshal(line, out)
}

// end closes the child's standard input, at which a server ends, and waits for it.
func (c *child) end() error {
	_ = c.in.Close()
	return c.command.Wait()
}
