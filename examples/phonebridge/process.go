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

// process is the service as a process of its own.
type process struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	address string
	exited  chan struct{}
	err     error // how it exited
}

// startProcess starts this program once more and waits until it listens. It ends with this
// process, because its stdin does.
func startProcess(ctx context.Context, logFile string, args, env []string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // it is in the directory of the rehearsal
	if err != nil {
		return nil, err
	}
	p := &process{exited: make(chan struct{})}
	// It is killed by kill or by the end of its stdin, not by a context.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, args...) //nolint:gosec // it is this program
	p.cmd.Env = append(os.Environ(), env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	address := make(chan string, 1)
	go func() {
		copyLog(log, stderr, address)
		_ = log.Close()
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	select {
	case p.address = <-address:
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("the service did not start (%w); its log is %s", p.err, logFile)
	}
}

// copyLog copies a log and reports the address that the service listens on.
func copyLog(to io.Writer, from io.Reader, address chan<- string) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = fmt.Fprintln(to, lines.Text())
		var record struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &record) == nil && record.Msg == "listening" {
			address <- record.Address
		}
	}
}

// end asks the service to end, and waits for it.
func (p *process) end() error {
	_ = p.stdin.Close()
	<-p.exited
	return p.err
}

// kill ends the service without warning, by SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}
