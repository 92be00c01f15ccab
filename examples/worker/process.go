package main

import (
	"context"
	"io"
	"os"
	"os/exec"
)

// process is a worker or a NATS server that runs as a process of its own.
type process struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	exited chan struct{}
}

// startProcess starts this program once more. It ends with this process: its stdin does.
func startProcess(ctx context.Context, name string, out io.Writer, args, env []string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, exited: make(chan struct{})}
	args = append(args, "-attached", "-name", name)
	p.cmd = exec.CommandContext(ctx, program, args...) //nolint:gosec // it is this program
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = out
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// end asks the worker to finish what it holds and to exit.
func (p *process) end() {
	_ = p.stdin.Close()
	<-p.exited
}

// kill ends the process without warning.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
