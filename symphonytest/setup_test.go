package symphonytest_test

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// start starts a pod for a test.
type start func(opts ...symphonytest.Option) *symphonytest.Pod

// onEveryPod runs a test on pods of every kind. In a bubble a test must not run subtests.
func onEveryPod(t *testing.T, test func(*testing.T, start)) {
	t.Helper()
	t.Parallel()
	for _, kind := range []struct {
		name   string
		bubble bool
		opts   []symphonytest.Option
	}{
		{"loopback", false, nil},
		{"loopback with TLS", false, []symphonytest.Option{symphonytest.WithTLS()}},
		{"without network", false, []symphonytest.Option{symphonytest.WithoutNetwork()}},
		{"without network with HTTP2", false, []symphonytest.Option{symphonytest.WithoutNetwork(), symphonytest.WithTLS()}},
		{"in a bubble", true, []symphonytest.Option{symphonytest.WithoutNetwork()}},
		{"in a bubble with HTTP2", true, []symphonytest.Option{symphonytest.WithoutNetwork(), symphonytest.WithTLS()}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			run := func(t *testing.T) {
				test(t, func(opts ...symphonytest.Option) *symphonytest.Pod {
					t.Helper()
					return symphonytest.New(t, append(opts, kind.opts...)...)
				})
			}
			if kind.bubble {
				synctest.Test(t, run)
				return
			}
			run(t)
		})
	}
}

// speaksHTTP2 reports whether the connections of a pod are HTTP/2, where a reset is one
// of a stream.
func speaksHTTP2(t *testing.T, pod *symphonytest.Pod) bool {
	t.Helper()
	resp, err := pod.Client().Get(pod.URL())
	require.NoError(t, err)
	defer resp.Body.Close()
	pod.ClearRequests()
	return resp.ProtoMajor == 2
}

func user(id int64, activity symphonytest.Activity) symphonytest.Option {
	return symphonytest.WithUsers(symphonytest.User{ID: id, Activity: activity})
}

// newClient returns a client of a pod with a service user's session.
func newClient(t *testing.T, pod *symphonytest.Pod, opts ...symphony.Option) *symphony.Client {
	t.Helper()
	opts = append([]symphony.Option{symphony.WithHTTPClient(pod.Client())}, opts...)
	client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("admin")), opts...)
	require.NoError(t, err)
	return client
}

// request is sent by hand, as any client of a pod would.
type request struct {
	method string // POST if it is empty
	path   string // below /pod
	url    string // instead of path
	token  string
	body   string
	header map[string]string // for a body without one: Content-Type: application/json
	chunk  bool              // the length of the body is not known
	client *http.Client      // the pod's if it is nil
}

type response struct {
	status int
	header http.Header
	body   string
}

const jsonType = "application/json"

func (q request) send(t *testing.T, pod *symphonytest.Pod) (response, error) {
	t.Helper()
	resp, err := q.begin(t, pod)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, string(text)}, err
}

// begin sends the request and leaves the body of the response unread.
func (q request) begin(t *testing.T, pod *symphonytest.Pod) (*http.Response, error) {
	t.Helper()
	url, client := cmp.Or(q.url, pod.URL()+q.path), cmp.Or(q.client, pod.Client())
	var body io.Reader = strings.NewReader(q.body)
	if q.chunk {
		body = io.MultiReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), cmp.Or(q.method, http.MethodPost), url, body)
	if err != nil {
		return nil, err
	}
	if q.body != "" && q.header == nil {
		req.Header.Set("Content-Type", jsonType)
	}
	for name, value := range q.header {
		req.Header[name] = []string{value} // in the case given
	}
	if q.token != "" {
		req.Header["sessiontoken"] = []string{q.token}
	}
	return client.Do(req)
}

// mustSend sends a request that gets a response.
func (q request) mustSend(t *testing.T, pod *symphonytest.Pod) response {
	t.Helper()
	resp, err := q.send(t, pod)
	require.NoError(t, err)
	return resp
}

func (r response) decode(t *testing.T, out any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(r.body), out), r.body)
}

func (r response) presence(t *testing.T) (presence symphony.V2Presence) {
	t.Helper()
	require.Equal(t, 200, r.status, r.body)
	r.decode(t, &presence)
	return presence
}

const (
	setPath = "/v3/user/presence"
	ownPath = "/v2/user/presence"
	busy    = `{"category":"BUSY","userId":1}`
)

// setBusy makes user 1 busy and returns the response.
func setBusy(t *testing.T, pod *symphonytest.Pod, token string) response {
	t.Helper()
	return request{path: setPath, token: token, body: busy}.mustSend(t, pod)
}

// requireAPIError requires an error response of the API's shape.
func requireAPIError(t *testing.T, got response, status, code int, name string) {
	t.Helper()
	require.Equal(t, status, got.status, "%s: %s", name, got.body)
	require.Equal(t, jsonType, got.header.Get("Content-Type"), name)
	var body struct {
		Code    int
		Message string
	}
	got.decode(t, &body)
	require.Equal(t, code, body.Code, name)
	require.NotEmpty(t, body.Message, name)
}

// rsaKey is one key for all tests, and otherKey another.
var (
	rsaKey   = sync.OnceValue(newKey)
	otherKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// newCertificate returns a client certificate of no authority.
func newCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, rsaKey().Public(), rsaKey())
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: rsaKey(), Leaf: leaf}
}

// certified returns a client of a pod that shows a certificate.
func certified(t *testing.T, pod *symphonytest.Pod, certificate tls.Certificate) *http.Client {
	t.Helper()
	client := pod.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.TLSNextProto = nil // of the original, whose HTTP/2 connections show none
	transport.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	client.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	return client
}

// runTest runs a test within the example of that name. What package testing prints goes
// nowhere, and what the test prints belongs to the example.
func runTest(name string, test func(*testing.T)) {
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	silent, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	defer func() { _ = silent.Close() }()
	os.Stdout = silent
	var once sync.Once // with -count there are more runs
	testing.RunTests(regexp.MatchString, []testing.InternalTest{{Name: name, F: func(t *testing.T) {
		once.Do(func() {
			os.Stdout = stdout
			test(t)
			os.Stdout = silent
		})
	}}})
}
