package symphonytest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// memoryListener is a net.Listener without a network. It behaves like TCP, but blocks
// on channels and condition variables only, as a testing/synctest bubble needs.
type memoryListener struct {
	addr   memoryAddr
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

// memoryAddr is a host and port.
type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

func listenInMemory(addr memoryAddr) *memoryListener {
	return &memoryListener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return l.addr }

// DialContext connects to the listener, and to nothing else.
func (l *memoryListener) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	if !strings.EqualFold(addr, l.addr.String()) {
		return nil, l.dialError(fmt.Errorf("the client of a pod reaches nothing but that pod, and not %s", addr))
	}
	if err := ctx.Err(); err != nil {
		return nil, l.dialError(err)
	}
	up, down := newMemoryPipe(), newMemoryPipe()
	server := &memoryConn{addr: l.addr, in: up, out: down}
	select {
	case l.conns <- server:
		return &memoryConn{addr: l.addr, in: down, out: up}, nil
	case <-l.closed:
		return nil, l.dialError(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case <-ctx.Done():
		return nil, l.dialError(ctx.Err())
	}
}

func (l *memoryListener) dialError(err error) error {
	return &net.OpError{Op: "dial", Net: l.addr.Network(), Addr: l.addr, Err: err}
}

// memoryConn is one end of a connection.
type memoryConn struct {
	addr    memoryAddr
	in, out *memoryPipe

	abortive atomic.Bool // Close resets the connection
	close    sync.Once
}

func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

func (c *memoryConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// wrap wraps an error of a pipe as package net does.
func (c *memoryConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // a reader returns it as it is
		return err
	}
	return &net.OpError{Op: op, Net: c.addr.Network(), Addr: c.addr, Err: err}
}

// SetLinger does what it does for a [net.TCPConn]: after SetLinger(0), Close resets the
// connection.
func (c *memoryConn) SetLinger(seconds int) error {
	c.abortive.Store(seconds == 0)
	return nil
}

func (c *memoryConn) Close() error {
	c.close.Do(func() {
		c.in.closeRead()
		c.out.closeWrite(c.abortive.Load())
	})
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr  { return c.addr }
func (c *memoryConn) RemoteAddr() net.Addr { return c.addr }

func (c *memoryConn) SetDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reading, t)
	c.out.setDeadline(&c.out.writing, t)
	return nil
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reading, t)
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writing, t)
	return nil
}
