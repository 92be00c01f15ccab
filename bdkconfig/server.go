package bdkconfig

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/symphony-go/symphony"
)

// server says where a part of the API is, and how to connect to it.
type server struct {
	scheme            string
	schemePlace       string // where the file has it
	host              string
	port              int // 0 for the scheme's
	context           string
	proxy             *url.URL // nil for the one of the environment
	headers           []symphony.Option
	connectionTimeout time.Duration // 0 for the SDK's
	readTimeout       time.Duration // 0 for the SDK's
}

// with returns the server with the settings of a section of the file in place of its own.
func (s server) with(section value) server {
	if scheme := section.at("scheme"); scheme.node != nil {
		s.scheme, s.schemePlace = scheme.scheme(), scheme.place()
	}
	s.host = cmp.Or(section.at("host").hostName(), s.host)
	s.port = cmp.Or(section.at("port").port(), s.port)
	if context := section.at("context"); context.node != nil {
		s.context = context.path()
	}
	s.proxy = cmp.Or(section.at("proxy").proxy(), s.proxy)
	if headers := section.at("defaultHeaders"); headers.node != nil {
		s.headers = headers.headers()
	}
	s.connectionTimeout = cmp.Or(section.at("connectionTimeout").millis(), s.connectionTimeout)
	s.readTimeout = cmp.Or(section.at("readTimeout").millis(), s.readTimeout)
	return s
}

func (v value) scheme() string {
	scheme := v.text()
	if scheme != "https" && scheme != "http" {
		v.fail("it is neither https nor http")
	}
	return scheme
}

func (v value) port() int { return v.number(1, 65535, "a port (1 to 65535)") }

var hostName = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.-]*$`)

// hostName returns a host name or IP address, without brackets.
func (v value) hostName() string {
	host := v.text()
	if strings.Contains(host, ":") {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if host != "" && !hostName.MatchString(host) && net.ParseIP(host) == nil {
		v.fail("it is not a host name such as acme.symphony.com; scheme, port and path (context) have keys of their own")
	}
	return host
}

// path returns a path without a slash at its end.
func (v value) path() string {
	path := strings.Trim(v.text(), "/")
	if path == "" {
		return ""
	}
	path = "/" + path
	if _, err := url.Parse(path); err != nil || strings.ContainsAny(path, "?#\\") || strings.ContainsFunc(path, unicode.IsSpace) {
		v.fail("it is not a path such as /gateway")
	}
	return path
}

// proxy returns the URL of a proxy, with its credentials, nil if there is none.
func (v value) proxy() *url.URL {
	if v.node == nil {
		return nil
	}
	host, port := v.at("host"), v.at("port")
	_ = host.required() + port.required()
	proxy := &url.URL{Scheme: "http", Host: net.JoinHostPort(host.hostName(), strconv.Itoa(port.port()))}
	username, password := v.at("username"), v.at("password").text()
	if password != "" {
		_ = username.required()
	}
	if username.text() != "" {
		proxy.User = url.UserPassword(username.text(), password)
	}
	return proxy
}

// headerName is a token of RFC 9110.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// hopByHop are the headers of RFC 9110 that are between two neighbours only, and not
// for a client's user to set.
var hopByHop = regexp.MustCompile(`(?i)^(Connection|Keep-Alive|Proxy-.*|TE|Trailer|Transfer-Encoding|Upgrade)$`)

// headers returns the options for defaultHeaders.
func (v value) headers() []symphony.Option {
	var options []symphony.Option
	known := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(v.fields())) {
		if !headerName.MatchString(name) {
			v.fail("a name in it is not the name of a header")
			continue
		}
		field := v.at(name)
		if key := http.CanonicalHeaderKey(name); known[key] {
			field.fail("it is there twice: case does not matter in the name of a header")
		} else {
			known[key] = true
		}
		if hopByHop.MatchString(name) {
			field.warn("it is not sent: the connection's own headers are set by the SDK")
			continue
		}
		option := symphony.WithHeader(name, field.text())
		if strings.EqualFold(name, "User-Agent") {
			option = symphony.WithUserAgent(field.text())
		}
		// The option itself knows which headers it takes; the error shows no value.
		if err := check(option); err != nil {
			field.fail("%w", err)
		}
		options = append(options, option)
	}
	return options
}

// url returns the URL of one of the server's APIs.
func (s server) url(path string) string {
	host := s.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if s.port != 0 {
		host += ":" + strconv.Itoa(s.port)
	}
	return s.scheme + "://" + host + s.context + path
}

// explain returns an error of package symphony with the place of what it is about: of
// the addresses that a file may have, it refuses only those with the scheme http.
func (s server) explain(err error) error {
	if invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err); ok && strings.HasSuffix(invalid.Argument, "URL") {
		return fmt.Errorf("bdkconfig: %s: %w", s.schemePlace, err)
	}
	return fmt.Errorf("bdkconfig: %w", err)
}

// options returns the options for a client of the server, on a transport of its own.
func (s server) options(roots *x509.CertPool) []symphony.Option {
	options := append(slices.Clip(s.headers), symphony.WithHTTPClient(&http.Client{Transport: s.transport(roots)}))
	if s.readTimeout > 0 {
		options = append(options, symphony.WithAttemptTimeout(s.readTimeout))
	}
	return options
}

func (s server) transport(roots *x509.CertPool) *http.Transport {
	transport := symphony.NewTransport()
	transport.TLSClientConfig.RootCAs = roots
	if s.proxy != nil {
		transport.Proxy = http.ProxyURL(s.proxy)
	}
	if s.connectionTimeout > 0 {
		dialer := &net.Dialer{Timeout: s.connectionTimeout, KeepAlive: 30 * time.Second}
		transport.DialContext = dialer.DialContext
		transport.TLSHandshakeTimeout = s.connectionTimeout
	}
	return transport
}
