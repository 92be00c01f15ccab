package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// process is a worker that runs as a process of its own.
type process struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	exited chan struct{}
}

// startWorker starts this program once more. It ends with this process: its stdin does.
func (r *rehearsal) startWorker(ctx context.Context, name, token string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program, "-role", "worker", "-attached", "-name", name, //nolint:gosec // it is this program
		"-partitions", strconv.Itoa(r.partitions), "-ack-wait", r.ackWait.String())
	p.cmd.Env = append(os.Environ(), "NATS_URL="+r.natsURL, "NATS_CREDS=",
		"SYMPHONY_POD_URL="+r.pod.URL(), "SYMPHONY_SESSION_TOKEN="+token)
	p.cmd.Stderr = r.out
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

// end has the worker finish what it holds.
func (p *process) end() {
	_ = p.stdin.Close()
	<-p.exited
}

// kill ends the worker without warning.
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
