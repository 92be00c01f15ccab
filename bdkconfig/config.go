package bdkconfig

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// Config is what a config.yaml says. [Load] makes one. It is immutable and safe for
// concurrent use.
type Config struct {
	// Behind a pointer, so that no fmt verb prints a password or a key, also not of
	// a Config that is a field of something else.
	*config
}

// config is what a Config is made of.
type config struct {
	pod         server
	sessionAuth server
	retry       symphony.RetryPolicy
	roots       *x509.CertPool // nil for the system's
	username    string
	key         *rsa.PrivateKey // nil for a login with the certificate
	certificate tls.Certificate
}

// Load reads a config.yaml, or the same in JSON, and the key, certificate and trust
// store that it names. A wrong value is an error with its key and line.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("bdkconfig: %w", err)
	}
	return parse(path, data)
}

// parse reads the content of a file with a name.
func parse(name string, data []byte) (*Config, error) {
	f := &file{name: name}
	top := f.parse(data)
	global := server{scheme: "https"}.with(top)
	c := &config{
		pod:         global.with(top.at("pod")),
		sessionAuth: global.with(top.at("sessionAuth")),
		retry:       top.at("retry").retryPolicy(),
		roots:       top.at("ssl").material("trustStore").roots(),
	}
	if c.pod.host == "" {
		top.at("host").fail("it is missing, and so is pod.host")
	}
	c.readBot(top.at("bot"))
	if c.key == nil && c.sessionAuth.host == "" {
		top.at("host").fail("it is missing, and so is sessionAuth.host")
	}
	if f.err != nil {
		return nil, f.err
	}
	return &Config{c}, nil
}

// readBot reads who logs in, and with what: the key, if there is one.
func (c *config) readBot(bot value) {
	if key := bot.material("privateKey"); key.node != nil {
		c.key = key.rsaKey()
		c.username = bot.at("username").required()
		return
	}
	certificate := bot.material("certificate")
	if certificate.node == nil {
		bot.fail("it has neither a privateKey nor a certificate, with a path or content")
		return
	}
	c.certificate = certificate.keyPair()
}

// NewClient gives a client of the pod that logs in by itself: with the bot's key, or
// its certificate if there is no key. Nothing is sent before the first call. The
// options are for the client and for its login; they come after those of the file
// and so override them.
func (c *Config) NewClient(opts ...symphony.Option) (*symphony.Client, error) {
	if c == nil || c.config == nil {
		return nil, errors.New("bdkconfig: the Config was not made by Load")
	}
	podOpts := append(c.options(c.pod), opts...)
	tokens, err := c.login(podOpts, opts)
	if err != nil {
		return nil, err
	}
	client, err := symphony.NewClient(c.pod.url("/pod"), tokens, podOpts...)
	if err != nil {
		return nil, c.pod.explain(err)
	}
	return client, nil
}

// login is the provider of session tokens. The login with a key is the pod's, and
// shares its connections.
func (c *config) login(podOpts, opts []symphony.Option) (symphony.SessionTokenProvider, error) {
	if c.key != nil {
		tokens, err := auth.NewRSA(c.pod.url("/login"), c.username, c.key, podOpts...)
		if err != nil {
			return nil, c.pod.explain(err)
		}
		return tokens, nil
	}
	tokens, err := auth.NewCertificate(c.sessionAuth.url("/sessionauth"), c.certificate,
		append(c.options(c.sessionAuth), opts...)...)
	if err != nil {
		return nil, c.sessionAuth.explain(err)
	}
	return tokens, nil
}

// options are those that the file makes of a server.
func (c *config) options(s server) []symphony.Option {
	return append(s.options(c.roots), symphony.WithRetryPolicy(c.retry))
}
