package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

const nodeEnv = "NATS_NODE" // the node of a process, in JSON

// node is a server of a cluster.
type node struct {
	Name        string
	Port        int
	ClusterPort int
	Routes      string // to all servers
	Dir         string
}

// cluster is several NATS servers on loopback, each a process of its own that can be killed.
type cluster struct {
	ctx     context.Context // of the processes
	out     *screen
	dir     string
	nodes   []node
	servers []*process
	killed  int
}

func startCluster(ctx context.Context, size int, out *screen) (*cluster, error) {
	dir, err := os.MkdirTemp("", "presence-worker-")
	if err != nil {
		return nil, err
	}
	c := &cluster{ctx: ctx, out: out, dir: dir}
	ports, err := freePorts(ctx, 2*size)
	if err != nil {
		return nil, err
	}
	var routes []string
	for _, port := range ports[size:] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	for i := range size {
		name := fmt.Sprintf("server-%d", i+1)
		c.nodes = append(c.nodes, node{name, ports[i], ports[size+i], strings.Join(routes, ","), filepath.Join(dir, fmt.Sprint(i))})
		process, err := c.start(c.nodes[i])
		if err != nil {
			c.Close()
			return nil, err
		}
		c.servers = append(c.servers, process)
	}
	return c, nil
}

// freePorts returns ports that nothing listens on.
func freePorts(ctx context.Context, n int) (ports []int, err error) {
	for range n {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }() // when all are known
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func (c *cluster) start(n node) (*process, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	return startProcess(c.ctx, n.Name, c.out, []string{"-role", serverRole}, []string{nodeEnv + "=" + string(text)})
}

// url is that of all servers.
func (c *cluster) url() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", n.Port))
	}
	return strings.Join(urls, ",")
}

// restart kills one of the servers, the next with each call, and starts it again.
func (c *cluster) restart() error {
	i := c.killed % len(c.nodes)
	c.killed++
	c.servers[i].kill()
	c.out.say("%s is killed", c.nodes[i].Name)
	process, err := c.start(c.nodes[i])
	if err == nil {
		c.servers[i] = process
	}
	return err
}

// Close kills the servers, and deletes their data.
func (c *cluster) Close() {
	for _, process := range c.servers {
		process.kill()
	}
	_ = os.RemoveAll(c.dir)
}

// serveNode is the role of a server of a cluster.
func serveNode(ctx context.Context, text string) error {
	var n node
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return fmt.Errorf("%s: %w", nodeEnv, err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, JetStream: true, StoreDir: n.Dir, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "rehearsal", Host: "127.0.0.1", Port: n.ClusterPort},
		Routes:  server.RoutesFromStr(n.Routes),
	})
	if err != nil {
		return err
	}
	s.Start()
	<-ctx.Done()
	s.Shutdown()
	return nil
}
