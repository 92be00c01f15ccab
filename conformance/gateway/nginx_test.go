//go:build unix

package gateway_test

import (
	"bytes"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/conformance/internal/server"
	"github.com/symphony-go/symphony/symphonytest"
)

// setup is what differs between the gateways of the tests.
type setup struct {
	Upstream string // host and port; a port without a listener if empty
	HTTP1    bool   // no HTTP/2
	Global   string // directives of the block http
	Server   string // directives of the block server
	Location string // directives of the location that leads to the pod
}

var config = template.Must(template.New("").Parse(`
daemon off;
{{if .Root}}user root root;{{end}}
worker_processes 2;
pid nginx.pid;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	{{.Global}}
	upstream pod {
		server {{.Upstream}};
		keepalive 16;
	}
	server {
		listen {{.Address}} ssl {{if not .HTTP1}}http2{{end}};
		ssl_certificate server.pem;
		ssl_certificate_key server.key;
		ssl_client_certificate ca.pem;
		{{.Server}}
		location / {
			proxy_pass http://pod;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $host;
			{{.Location}}
		}
	}
}
`))

// gateway is nginx in front of a pod.
type gateway struct {
	address string
	ca      *authority
}

// start starts nginx.
func start(t *testing.T, s setup) *gateway {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx, err = exec.LookPath("/usr/sbin/nginx") // not in every user's PATH
	}
	if err != nil {
		t.Skip("gateway: skipped, nginx is not installed; .ci/run does that where it may")
	}
	g := &gateway{server.FreeAddress(t), newAuthority(t)}
	if s.Upstream == "" {
		s.Upstream = server.FreeAddress(t)
	}
	dir := t.TempDir()
	g.ca.write(t, dir)
	var text bytes.Buffer
	require.NoError(t, config.Execute(&text, struct {
		setup
		Address string
		Root    bool
	}{s, g.address, os.Geteuid() == 0}))
	path := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	server.Run(t, g.address, nginx, "-p", dir, "-c", path, "-e", "stderr")
	return g
}

// transport is one that trusts the gateway's authority, and notes what comes back.
func (g *gateway) transport(t *testing.T) *transport {
	t.Helper()
	base := symphony.NewTransport()
	base.TLSClientConfig.RootCAs = x509.NewCertPool()
	base.TLSClientConfig.RootCAs.AddCert(g.ca.certificate)
	t.Cleanup(base.CloseIdleConnections)
	return &transport{Transport: base, statuses: map[int]int{}, protocols: map[string]int{}}
}

// client is a client of the pod behind the gateway, which does not wait long before it
// tries again.
func (g *gateway) client(t *testing.T, transport http.RoundTripper, token string, attempts int, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	client, err := symphony.NewClient("https://"+g.address+"/pod", symphony.StaticSessionToken(token), append([]symphony.Option{
		symphony.WithHTTPClient(&http.Client{Transport: transport}),
		symphony.WithRetryPolicy(symphony.RetryPolicy{MaxAttempts: attempts, MinBackoff: time.Millisecond, MaxBackoff: 50 * time.Millisecond, MaxRetryAfter: 5 * time.Second}),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

// transport notes what comes back.
type transport struct {
	*http.Transport

	mu        sync.Mutex // guards what follows
	statuses  map[int]int
	protocols map[string]int
	errors    []error
	on        func(status int) // called for each response
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.errors = append(t.errors, err)
		return nil, err
	}
	t.statuses[response.StatusCode]++
	t.protocols[response.Proto]++
	if t.on != nil {
		t.on(response.StatusCode)
	}
	return response, nil
}

// newPod starts a pod with users from 1 to n, and returns its host and port too.
func newPod(t *testing.T, n int64) (pod *symphonytest.Pod, address string) {
	t.Helper()
	pod = symphonytest.NewPod()
	t.Cleanup(pod.Close)
	for id := range n {
		pod.AddUser(symphonytest.User{ID: id + 1})
	}
	at, err := url.Parse(pod.URL())
	require.NoError(t, err)
	return pod, at.Host
}
