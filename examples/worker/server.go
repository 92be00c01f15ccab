package main

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsServer is a NATS server in this process, on loopback, with its data in a directory
// of its own.
type natsServer struct {
	server *server.Server
	port   int
	dir    string
	users  []*server.User // who may connect; none for anyone
}

func startNATS(users ...*server.User) (*natsServer, error) {
	dir, err := os.MkdirTemp("", "presence-worker-")
	if err != nil {
		return nil, err
	}
	n := &natsServer{port: server.RANDOM_PORT, dir: dir, users: users}
	if err := n.start(); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *natsServer) start() error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: n.port, JetStream: true, StoreDir: n.dir, NoSigs: true, NoLog: true, Users: n.users,
	})
	if err != nil {
		return err
	}
	n.server = s
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		return errors.New("the NATS server does not start")
	}
	n.port = s.Addr().(*net.TCPAddr).Port
	return nil
}

func (n *natsServer) url() string { return n.server.ClientURL() }

// restart stops the server, and starts it again with the same port and data.
func (n *natsServer) restart() error {
	n.stop()
	return n.start()
}

func (n *natsServer) stop() {
	if n.server != nil {
		n.server.Shutdown()
		n.server.WaitForShutdown()
	}
}

// Close stops the server, and deletes its data.
func (n *natsServer) Close() {
	n.stop()
	_ = os.RemoveAll(n.dir)
}
