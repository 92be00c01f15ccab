package openapi_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

const description = "../presence.openapi.yaml"

// load reads the description, for a pod at an origin such as https://127.0.0.1:8443.
func load(t *testing.T, origin string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(description)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	servers := doc.Servers
	for _, path := range doc.Paths.Map() {
		servers = append(servers, path.Servers...)
	}
	for _, server := range servers {
		server.URL, server.Variables = strings.Replace(server.URL, "https://{host}", origin, 1), nil
	}
	return doc
}

// watch is a proxy in front of a pod that holds what passes it to the description. It
// forwards all of it, and keeps what is wrong.
type watch struct {
	server *httptest.Server
	doc    *openapi3.T
	router routers.Router
	proxy  *httputil.ReverseProxy
	tally  *tally
}

// tally is what watches have seen.
type tally struct {
	mu        sync.Mutex // guards what follows
	problems  []string
	requests  map[string]int // by operation
	responses map[string]int // by operation and status, "setUserPresence 200"
}

func newTally() *tally { return &tally{requests: map[string]int{}, responses: map[string]int{}} }

func (c *tally) problem(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *tally) request(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[operation]++
}

func (c *tally) response(operation string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.responses[fmt.Sprint(operation, " ", status)]++
}

// found returns what was wrong since it was last asked.
func (c *tally) found() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.problems
	c.problems = nil
	return found
}

// newWatch starts a proxy. It shows the pod the certificate that a client showed to it,
// which must be this one.
func newWatch(t *testing.T, tally *tally, pod *symphonytest.Pod, certificate tls.Certificate) *watch {
	t.Helper()
	w := &watch{tally: tally}
	w.server = httptest.NewUnstartedServer(w)
	w.server.EnableHTTP2 = true
	w.server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert}
	w.server.StartTLS()
	t.Cleanup(w.server.Close)

	var err error
	w.doc = load(t, w.server.URL)
	w.router, err = gorillamux.NewRouter(w.doc)
	require.NoError(t, err)
	target, err := url.Parse(pod.URL())
	require.NoError(t, err)
	plain := pod.Client().Transport.(*http.Transport)
	certified := plain.Clone()
	certified.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	t.Cleanup(certified.CloseIdleConnections)
	w.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if len(r.TLS.PeerCertificates) > 0 {
				return certified.RoundTrip(r)
			}
			return plain.RoundTrip(r)
		}),
		ModifyResponse: w.check,
	}
	return w
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// client is an HTTP client that trusts the proxy.
func (w *watch) client(t *testing.T) *http.Client {
	t.Helper()
	transport := symphony.NewTransport()
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AddCert(w.server.Certificate())
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

type routeKey struct{}

// ServeHTTP checks a request and forwards it.
func (w *watch) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	route, params, err := w.router.FindRoute(r)
	if err != nil {
		w.tally.problem("%s %s: %v", r.Method, r.URL, err)
		w.proxy.ServeHTTP(rw, r)
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: params,
		Route:      route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:                hasSessionToken,
			RejectWhenRequestBodyNotSpecified: true,
			SkipSettingDefaults:               true,
		},
	}
	w.tally.request(route.Operation.OperationID)
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		w.tally.problem("request %s: %v", route.Operation.OperationID, err)
	}
	w.surplus(route, r)
	w.proxy.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), routeKey{}, input)))
}

func hasSessionToken(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if header := input.SecurityScheme.Name; input.RequestValidationInput.Request.Header.Get(header) == "" {
		return fmt.Errorf("no header %s", header)
	}
	return nil
}

// surplus finds what a request has and the description has not, which the validation
// lets pass.
func (w *watch) surplus(route *routers.Route, r *http.Request) {
	operation := route.Operation
	for name := range r.URL.Query() {
		if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			w.tally.problem("request %s: the parameter %s is not described", operation.OperationID, name)
		}
	}
	if operation.RequestBody == nil && r.Header.Get("Content-Type") != "" {
		w.tally.problem("request %s: a Content-Type without a body", operation.OperationID)
	}
	if operation.Security != nil && len(*operation.Security) == 0 && r.Header.Get("sessionToken") != "" {
		w.tally.problem("request %s: a session token, which it does not need", operation.OperationID)
	}
	if shown := len(r.TLS.PeerCertificates) > 0; shown != (operation.OperationID == "loginWithCertificate") {
		w.tally.problem("request %s: client certificate: %t", operation.OperationID, shown)
	}
}

// check records what is wrong with a response.
func (w *watch) check(response *http.Response) error {
	request, ok := response.Request.Context().Value(routeKey{}).(*openapi3filter.RequestValidationInput)
	if !ok {
		return nil // the request is a problem already
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request,
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Body:                   response.Body,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	operation := request.Route.Operation.OperationID
	if err := openapi3filter.ValidateResponse(response.Request.Context(), input); err != nil {
		w.tally.problem("response %d of %s: %v", response.StatusCode, operation, err)
	}
	response.Body = input.Body
	w.tally.response(operation, response.StatusCode)
	return nil
}
