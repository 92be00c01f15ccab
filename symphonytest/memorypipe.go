package symphonytest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeSize is how much a pipe buffers before its writer has to wait for the reader, as
// with TCP. Without a buffer, two ends that both write first would wait for each other:
// a TLS server's session tickets meet an HTTP/2 client's preface.
const pipeSize = 64 << 10

// memoryPipe is one direction of a connection.
type memoryPipe struct {
	mu               sync.Mutex // guards what follows
	changed          sync.Cond  // is signalled after each change; its lock is mu
	data             []byte
	readerClosed     bool
	writerClosed     bool
	reset            bool // by the writer: the reader's next Read returns an error
	reading, writing pipeDeadline
}

// pipeDeadline is a deadline of the reader or the writer.
type pipeDeadline struct {
	timer   *time.Timer // nil without one
	expired bool
}

func newMemoryPipe() *memoryPipe {
	p := &memoryPipe{}
	p.changed.L = &p.mu
	return p
}

func (p *memoryPipe) read(out []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.readerClosed:
			return 0, net.ErrClosed
		case p.reset:
			return 0, syscall.ECONNRESET
		case p.reading.expired:
			return 0, os.ErrDeadlineExceeded
		case len(p.data) > 0:
			n := copy(out, p.data)
			p.data = p.data[n:]
			p.changed.Broadcast()
			return n, nil
		case p.writerClosed:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

func (p *memoryPipe) write(in []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.writerClosed:
			return n, net.ErrClosed
		case p.readerClosed:
			return n, syscall.EPIPE
		case p.writing.expired:
			return n, os.ErrDeadlineExceeded
		case n == len(in):
			return n, nil
		}
		if room := pipeSize - len(p.data); room > 0 {
			part := in[n:min(n+room, len(in))]
			p.data = append(p.data, part...)
			n += len(part)
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

// closeRead closes the reader's end.
func (p *memoryPipe) closeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readerClosed, p.data = true, nil
	p.reading.stop()
	p.changed.Broadcast()
}

// closeWrite closes the writer's end. The reader can still read what was written, unless
// the connection is reset.
func (p *memoryPipe) closeWrite(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writerClosed, p.reset = true, reset
	p.writing.stop()
	p.changed.Broadcast()
}

// setDeadline sets the deadline d, which is one of p; the zero time means none.
func (p *memoryPipe) setDeadline(d *pipeDeadline, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.stop()
	*d = pipeDeadline{}
	defer p.changed.Broadcast()
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.expired = true
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if d.timer == timer { // else another deadline has been set meanwhile
			d.expired = true
			p.changed.Broadcast()
		}
	})
	d.timer = timer
}

func (d *pipeDeadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
