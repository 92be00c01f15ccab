package symphonytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symphony-go/symphony"
)

// server is an HTTP server on loopback or in memory, and an HTTP client that reaches it.
type server struct {
	origin  string // "https://127.0.0.1:8443"
	client  *http.Client
	http    *http.Server
	cancel  context.CancelFunc // ends the context of every request
	running sync.WaitGroup     // what accepts and serves connections
}

// newServer starts a server.
func newServer(c config, handler http.Handler) *server {
	listener, host, transport := listen(c.noNetwork)
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{origin: "http://" + host, client: &http.Client{Transport: transport}, cancel: cancel}
	s.http = &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.count,
		ErrorLog:          log.New(io.Discard, "", 0), // faults are intended
		Protocols:         &http.Protocols{},
		ReadHeaderTimeout: time.Hour, // a test may take its time
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(c.tls)
	serve := s.http.Serve
	if c.tls || c.noNetwork {
		s.origin = "https://" + host
		certificate := newCertificate(host)
		s.http.TLSConfig = &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{certificate},
			ClientAuth:   tls.RequestClientCert,
		}
		roots := x509.NewCertPool()
		roots.AddCert(certificate.Leaf)
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	s.running.Go(func() { _ = serve(listener) }) // until Close
	return s
}

// Close stops the pod. Requests in flight end: their contexts are cancelled and their
// connections closed. When Close returns, the pod serves no connection. It may be called
// more than once.
func (s *server) Close() {
	s.cancel()
	_ = s.http.Close()
	s.client.CloseIdleConnections()
	s.running.Wait()
}

// count keeps track of the connections that are served.
func (s *server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.running.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.running.Done()
	}
}

// noNetworkHost is the host of a pod without a network. Whoever dials it reads in the
// error what is missing. Its first label is longer than DNS allows, so that the lookup
// fails without asking a name server.
const noNetworkHost = "pod%d-has-no-network-and-is-reached-only-by-the-HTTP-client-from-pod.Client.invalid"

// Package net makes a channel at the first lookup of the process. If that were in a
// synctest bubble, such as one where a client without pod.Client() dials noNetworkHost, the
// next lookup outside of the bubble would end the process. PreferGo: no name server is asked.
func init() {
	_, _ = (&net.Resolver{PreferGo: true}).LookupHost(context.Background(), fmt.Sprintf(noNetworkHost, 0))
}

// noNetworkPods numbers the pods without a network, so that no two have the same host.
var noNetworkPods atomic.Int64

// listen returns a listener, the host for its URL, and a transport that reaches it.
func listen(noNetwork bool) (_ net.Listener, host string, _ *http.Transport) {
	transport := symphony.NewTransport()
	if !noNetwork {
		listener := listenOnLoopback()
		return listener, listener.Addr().String(), transport
	}
	host = fmt.Sprintf(noNetworkHost, noNetworkPods.Add(1))
	listener := listenInMemory(memoryAddr(host + ":443"))
	transport.Proxy = nil
	transport.TLSHandshakeTimeout = 0 // no network is slow, but a machine with many tests may be
	transport.DialContext = listener.DialContext
	return listener, host, transport
}

func listenOnLoopback() net.Listener {
	var errs []error
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		listener, err := net.Listen("tcp", address) //nolint:noctx // a listener outlives the call that makes it
		if err == nil {
			return listener
		}
		errs = append(errs, err)
	}
	panic(fmt.Sprintf("symphonytest: cannot listen on loopback: %v", errors.Join(errs...)))
}
