package bdkconfig_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/symphonytest"
)

// proxy is a proxy that opens tunnels, and notes who asks for which.
type proxy struct {
	*httptest.Server
	mu      sync.Mutex // guards what follows
	tunnels []string
}

func startProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		username, password, _ := request.BasicAuth()
		p.mu.Lock()
		p.tunnels = append(p.tunnels, r.Method+" "+r.Host+" "+username+":"+password)
		p.mu.Unlock()
		target, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer target.Close()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(target, conn) }()
		_, _ = io.Copy(conn, target)
	}))
	t.Cleanup(p.Close)
	return p
}

// The pod is reached through one proxy, and the login through another, with headers
// of its own.
func TestProxiesAndHeaders(t *testing.T) {
	t.Parallel()
	bot := newCertificate("bot", nil)
	pod := start(t, symphonytest.WithTLS(), symphonytest.WithServiceUsers(
		symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: bot.Leaf}))
	global, special := startProxy(t), startProxy(t)
	client := newClient(t, `
host: 127.0.0.1
port: $PORT
proxy: {host: 127.0.0.1, port: $GLOBAL, username: svc, password: "p@ss:/w"}
defaultHeaders: {Connection: Keep-Alive, X-A: pod, X-B: pod}
sessionAuth:
  proxy: {host: localhost, port: $SPECIAL}
  defaultHeaders: {X-A: login}
ssl: {trustStorePath: $ROOTS}
bot: {certificate: {path: $PEM}}`,
		"$PORT", port(t, pod.URL()), "$GLOBAL", port(t, global.URL), "$SPECIAL", port(t, special.URL),
		"$ROOTS", write(t, "roots.pem", podPEM(t, pod)), "$PEM", write(t, "bot.pem", pairPEM(t, bot)))
	require.NoError(t, set(t, client))

	host := "127.0.0.1:" + port(t, pod.URL())
	require.Equal(t, []string{"CONNECT " + host + " :"}, special.tunnels)
	require.Equal(t, []string{"CONNECT " + host + " svc:p@ss:/w"}, global.tunnels)
	requests := pod.Requests()
	require.Len(t, requests, 2)
	require.Equal(t, "login", requests[0].Header.Get("X-A"))
	require.Empty(t, requests[0].Header.Get("X-B"), "the headers are replaced as a whole")
	require.Equal(t, "pod", requests[1].Header.Get("X-A"))
}

func TestProxyErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	client := newClient(t, `
host: acme.symphony.com
proxy: {host: 127.0.0.1, port: 1, username: svc, password: $SECRET}
retry: {maxAttempts: 1}
bot: {username: bot, privateKey: {path: $PATH}}`, "$SECRET", secret, "$PATH", write(t, "key.pem", keyPEM()))
	err := set(t, client)
	require.ErrorContains(t, err, "proxyconnect")
	require.NotContains(t, err.Error(), secret)
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"::1", "[::1]"} {
		proxy := startProxy(t)
		client := newClient(t, `
{host: '$HOST', port: 1, retry: {maxAttempts: 1}, proxy: {host: 127.0.0.1, port: $PROXY},
bot: {username: bot, privateKey: {path: $PATH}}}`, "$HOST", host, "$PROXY", port(t, proxy.URL), "$PATH", write(t, "key.pem", keyPEM()))
		require.Error(t, set(t, client))
		require.Equal(t, []string{"CONNECT [::1]:1 :"}, proxy.tunnels)
	}
}
