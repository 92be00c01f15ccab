package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"
)

const canned = `{"category":"BUSY","userId":7078106126503,"timestamp":1533928483800}`

// serving is the task of a server. It prints its target, and then, after each line that it
// reads, how many connections it has accepted.
type serving struct {
	Latency time.Duration
	HTTP2   bool
}

func (s serving) run(in io.Reader, out io.Writer) error {
	var connections atomic.Int64
	start := s.http1
	if s.HTTP2 {
		start = s.http2
	}
	address, err := start(&connections)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	if err := encoder.Encode(address); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := encoder.Encode(connections.Load()); err != nil {
			return err
		}
	}
	return nil
}

// http2 is a real server, with TLS.
func (s serving) http2(connections *atomic.Int64) (target, error) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(s.Latency)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, canned)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients may break off a handshake that they do not need
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	return target{URL: server.URL + "/pod", Certificate: server.Certificate().Raw}, nil
}

// http1 is a server that allocates nothing for a request, so that the machine has its
// time for the client.
func (s serving) http1(connections *atomic.Int64) (target, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return target{}, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go s.serve(conn)
		}
	}()
	return target{URL: fmt.Sprintf("http://%v/pod", listener.Addr())}, nil
}

// serve responds to the requests of a connection, which come one after the other.
func (s serving) serve(conn net.Conn) {
	defer conn.Close()
	response := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(canned), canned)
	request := make([]byte, 0, 8<<10)
	for {
		n, err := conn.Read(request[len(request):cap(request)])
		if err != nil {
			return
		}
		request = request[:len(request)+n]
		whole, err := isWhole(request)
		if err != nil {
			return
		}
		if !whole {
			continue
		}
		request = request[:0]
		if s.Latency > 0 {
			time.Sleep(s.Latency)
		}
		if _, err := conn.Write(response); err != nil {
			return
		}
	}
}

var (
	headerEnd     = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
)

// isWhole reports whether a request has arrived with its body. It must have a Content-Length.
func isWhole(request []byte) (bool, error) {
	end := bytes.Index(request, headerEnd)
	if end < 0 {
		return false, nil
	}
	_, value, ok := bytes.Cut(request[:end+2], contentLength)
	if !ok {
		return false, errors.New("no Content-Length")
	}
	value, _, _ = bytes.Cut(value, headerEnd[:2])
	length, err := strconv.Atoi(string(value))
	return len(request) >= end+len(headerEnd)+length, err
}

// server is a serving child.
type server struct {
	*child
	target target
}

func startServer(ctx context.Context, s serving) (*server, error) {
	c, err := startChild(ctx, task{Serve: &s})
	if err != nil {
		return nil, err
	}
	started := &server{child: c}
	if err := c.reply(&started.target); err != nil {
		return nil, err
	}
	started.target.Token = "a-session-token"
	return started, nil
}

// connections is how many the server has accepted.
func (s *server) connections() (n int64, err error) {
	if _, err := fmt.Fprintln(s.in); err != nil {
		return 0, err
	}
	err = s.reply(&n)
	return n, err
}
