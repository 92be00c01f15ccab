//go:build unix

package gateway_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/symphony-go/symphony/conformance/internal/server"
)

// entrance is the way to a pod, which can be closed and opened again: then the pod
// seems to have been restarted.
type entrance struct {
	address, pod string
	forwarding   sync.WaitGroup

	mu       sync.Mutex // guards what follows
	listener net.Listener
	conns    []net.Conn
}

// open opens an entrance to the pod at an address.
func open(t *testing.T, pod string) *entrance {
	t.Helper()
	e := &entrance{address: server.FreeAddress(t), pod: pod}
	e.open(t)
	t.Cleanup(func() {
		e.close()
		e.forwarding.Wait()
	})
	return e
}

func (e *entrance) open(t *testing.T) {
	listener, err := net.Listen("tcp", e.address)
	if !assert.NoError(t, err) { // on whatever goroutine
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listener = listener
	e.forwarding.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			e.forwarding.Go(func() { e.forward(conn) })
		}
	})
}

// close closes the entrance, and breaks off what is under way.
func (e *entrance) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.listener.Close()
	for _, conn := range e.conns {
		_ = conn.Close()
	}
	e.conns = nil
}

// forward joins a connection to one with the pod, until either ends.
func (e *entrance) forward(from net.Conn) {
	to, err := net.Dial("tcp", e.pod)
	if err != nil {
		_ = from.Close()
		return
	}
	e.mu.Lock()
	e.conns = append(e.conns, from, to)
	e.mu.Unlock()
	e.forwarding.Go(func() { e.pipe(to, from) })
	e.pipe(from, to)
}

func (e *entrance) pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}
