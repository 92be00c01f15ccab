package bdkconfig

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// Config is the content of a config.yaml. [Load] makes one. It is immutable and safe
// for concurrent use.
type Config struct {
	// Behind a pointer, so that no fmt verb prints a password or a key, not even of
	// a Config that is a field of something else.
	*config
}

type config struct {
	pod         server
	sessionAuth server
	retry       symphony.RetryPolicy
	roots       *x509.CertPool // nil for the system's
	bot, app    identity
	warnings    []string
}

// Load reads a config.yaml, or the same in JSON, and the keys, certificates and trust
// store that it names. A wrong value is an error with its key and line; see "Errors" in
// the package documentation.
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
	top := f.open(data)
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
	c.readIdentities(top)
	if err := f.nearMiss(); err != nil {
		return nil, err
	}
	if f.err != nil {
		return nil, f.err
	}
	c.warnings = f.warnings
	return &Config{c}, nil
}

// readIdentities reads the sections bot and app. The file needs one of them; an app
// that is wrong beside a bot is a warning.
func (c *config) readIdentities(top value) {
	f, host := top.file, top.at("host")
	bot, app := top.at("bot"), top.at("app")
	c.bot = bot.identity("username", c.sessionAuth, host)
	c.app = app.identity("appId", c.sessionAuth, host)
	switch {
	case f.err != nil:
	case bot.node == nil && app.node != nil:
		f.err = c.app.err
	case c.bot.err != nil:
		f.err = c.bot.err
	case app.node != nil && c.app.err != nil:
		f.warn(c.app.err)
	}
}

// NewClient returns a client of the pod that logs in as the bot with its first call:
// with the bot's key, or with its certificate if there is no key. Nothing is sent before
// that call. The options are for the client and for its login; they override those of
// the file.
func (c *Config) NewClient(opts ...symphony.Option) (*symphony.Client, error) {
	if c == nil || c.config == nil {
		return nil, errNotLoaded
	}
	podOpts := c.options(c.pod, opts)
	tokens, err := c.botTokens(podOpts, opts)
	if err != nil {
		return nil, err
	}
	return c.newClient(tokens, podOpts)
}

// NewClientWith returns a client of the pod with other session tokens than the bot's,
// such as those of a user of the app:
//
//	app, err := config.NewApp()
//	if err != nil {
//		return err
//	}
//	client, err := config.NewClientWith(app.User(7078106126503))
func (c *Config) NewClientWith(tokens symphony.SessionTokenProvider, opts ...symphony.Option) (*symphony.Client, error) {
	if c == nil || c.config == nil {
		return nil, errNotLoaded
	}
	return c.newClient(tokens, c.options(c.pod, opts))
}

func (c *config) newClient(tokens symphony.SessionTokenProvider, podOpts []symphony.Option) (*symphony.Client, error) {
	client, err := symphony.NewClient(c.pod.url("/pod"), tokens, podOpts...)
	if err != nil {
		return nil, c.pod.explain(err)
	}
	return client, nil
}

// NewApp returns the app of the file, which logs in on behalf of users: with the app's
// key, or with its certificate if there is no key. The options are for its logins; they
// override those of the file.
func (c *Config) NewApp(opts ...symphony.Option) (*auth.App, error) {
	if c == nil || c.config == nil {
		return nil, errNotLoaded
	}
	if c.app.err != nil {
		return nil, c.app.err
	}
	var app *auth.App
	var err error
	at := c.pod
	if c.app.key != nil {
		app, err = auth.NewApp(at.url("/login"), c.app.name, c.app.key, c.options(at, opts)...)
	} else {
		at = c.sessionAuth
		app, err = auth.NewCertificateApp(at.url("/sessionauth"), c.app.certificate, c.options(at, opts)...)
	}
	if err != nil {
		return nil, at.explain(err)
	}
	return app, nil
}

// Warnings returns what [Load] found wrong and ignored, such as a certificate
// of a trust store that cannot be used: lines of the same form as its errors. Load has
// logged them with [slog.Default].
func (c *Config) Warnings() []string {
	if c == nil || c.config == nil {
		return nil
	}
	return slices.Clone(c.warnings)
}

var errNotLoaded = errors.New("bdkconfig: the Config was not made by Load")

// botTokens returns the provider of the bot's session tokens. The login with a key is
// the pod's, and shares its connections.
func (c *config) botTokens(podOpts, opts []symphony.Option) (symphony.SessionTokenProvider, error) {
	if c.bot.err != nil {
		return nil, c.bot.err
	}
	if c.bot.key != nil {
		tokens, err := auth.NewRSA(c.pod.url("/login"), c.bot.name, c.bot.key, podOpts...)
		if err != nil {
			return nil, c.pod.explain(err)
		}
		return tokens, nil
	}
	tokens, err := auth.NewCertificate(c.sessionAuth.url("/sessionauth"), c.bot.certificate, c.options(c.sessionAuth, opts)...)
	if err != nil {
		return nil, c.sessionAuth.explain(err)
	}
	return tokens, nil
}

// options returns the options that the file sets for a server, followed by the caller's.
func (c *config) options(s server, opts []symphony.Option) []symphony.Option {
	return append(append(s.options(c.roots), symphony.WithRetryPolicy(c.retry)), opts...)
}
