//go:build unix

// Package server runs other projects' servers during a test.
package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const patience = 2 * time.Minute // for a start on a busy machine

// Ports that systems do not assign to outgoing connections, which could take a port before
// a server does.
const (
	firstPort = 20_000
	ports     = 10_000
)

var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(ports)) }

// FreeAddress returns an address of loopback at which nothing listens, a different one each
// time.
func FreeAddress(t *testing.T) string {
	t.Helper()
	for {
		address := net.JoinHostPort("127.0.0.1", fmt.Sprint(firstPort+nextPort.Add(1)%ports))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
		require.ErrorIs(t, err, syscall.EADDRINUSE)
	}
}

// Run starts a program and waits until it listens at an address. It ends with the
// test, and its output is logged if the test fails.
func Run(t *testing.T, address, program string, args ...string) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	require.NoError(t, err)
	command := exec.Command(program, args...) //nolint:gosec,noctx // the test names the program, and ends it
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end it with its children
	require.NoError(t, command.Start())
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it does not listen"))
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		end(command.Process.Pid, ended)
		if text, _ := os.ReadFile(output.Name()); t.Failed() {
			t.Logf("%s:\n%s", program, text)
		}
		_ = output.Close()
	})
	require.NoError(t, listening(ctx, address, ended), "starting %s", program)
}

// end ends a group of processes, in good order if it can.
func end(group int, ended <-chan struct{}) {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(patience):
	}
	_ = syscall.Kill(-group, syscall.SIGKILL) // what is left of it
	<-ended
}

// listening waits until something listens at an address.
func listening(ctx context.Context, address string, ended <-chan struct{}) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
