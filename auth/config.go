package auth

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/symphony-go/symphony"
)

// Config says where a pod is, and how to log in. Only the two login URLs have a
// default, which is derived from a PodURL that ends in /pod.
//
// Neither fmt, log/slog nor encoding/json shows the secrets of a Config or *Config, except
// where fmt calls no methods: for the verb %p, and in an unexported field of another struct.
type Config struct {
	PodURL         string           // base URL of the pod, https://acme.symphony.com/pod
	LoginURL       string           // for Key; default: PodURL with /login in place of /pod
	SessionAuthURL string           // for Certificate; default: PodURL with /sessionauth in place of /pod
	Username       string           // of the service user; with Key
	Key            crypto.Signer    // an RSA key; exactly one of Key, Certificate and SessionToken is needed
	Certificate    *tls.Certificate // with its private key
	SessionToken   string           // of a session opened elsewhere: the client cannot log in again
}

// NewClient returns a client that logs in with its first call. The options apply to the
// client and to its login. A Config that is incomplete or contradictory is an
// [*symphony.InvalidArgumentError], and nothing is sent.
func NewClient(config Config, opts ...symphony.Option) (*symphony.Client, error) {
	if err := config.check(fieldNames); err != nil {
		return nil, err
	}
	tokens, err := config.provider(opts)
	if err != nil {
		// The error may be about a login URL that was derived from a wrong PodURL.
		if _, podErr := symphony.NewClient(config.PodURL, symphony.NoSessionToken, opts...); podErr != nil {
			return nil, podErr
		}
		return nil, err
	}
	return symphony.NewClient(config.PodURL, tokens, opts...)
}

// provider returns the provider of a Config that is complete.
func (c Config) provider(opts []symphony.Option) (symphony.SessionTokenProvider, error) {
	switch {
	case c.Key != nil:
		return provider(NewRSA(c.loginURL(), c.Username, c.Key, opts...))
	case c.Certificate != nil:
		return provider(NewCertificate(c.sessionAuthURL(), *c.Certificate, opts...))
	}
	return symphony.StaticSessionToken(c.SessionToken), nil
}

// provider makes an interface of the result of a constructor, a nil one of an error.
func provider[P symphony.SessionTokenProvider](p P, err error) (symphony.SessionTokenProvider, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// loginURL returns "" if it is neither set nor can be derived.
func (c Config) loginURL() string { return cmp.Or(c.LoginURL, c.beside("/login")) }

func (c Config) sessionAuthURL() string { return cmp.Or(c.SessionAuthURL, c.beside("/sessionauth")) }

// beside returns the PodURL with another last segment in place of /pod.
func (c Config) beside(segment string) string {
	if base, ok := strings.CutSuffix(strings.TrimRight(c.PodURL, "/"), "/pod"); ok {
		return base + segment
	}
	return ""
}

// names are the names of the fields of a Config, where its values come from.
type names struct {
	source, podURL, loginURL, sessionAuthURL, username, key, certificate, sessionToken string
}

var fieldNames = names{"config", "PodURL", "LoginURL", "SessionAuthURL", "Username", "Key", "Certificate", "SessionToken"}

// check refuses a Config that is incomplete or contradictory.
func (c Config) check(n names) error {
	var credentials []string
	for _, credential := range []struct {
		name string
		set  bool
	}{{n.key, c.Key != nil}, {n.certificate, c.Certificate != nil}, {n.sessionToken, c.SessionToken != ""}} {
		if credential.set {
			credentials = append(credentials, credential.name)
		}
	}
	reason := ""
	switch {
	case c.PodURL == "":
		reason = n.podURL + " is not set; it looks like https://acme.symphony.com/pod"
	case strings.TrimSpace(c.PodURL) != c.PodURL:
		reason = n.podURL + " begins or ends with a blank or a line break; was it read from a file without trimming?"
	case len(credentials) == 0:
		reason = fmt.Sprintf("none of %s (with %s), %s and %s is set", n.key, n.username, n.certificate, n.sessionToken)
	case len(credentials) > 1:
		reason = "only one of " + strings.Join(credentials, " and ") + " can be used"
	case c.Key != nil && c.Username == "":
		reason = n.key + " needs " + n.username + ", the name of the service user"
	case c.Key != nil && c.loginURL() == "":
		reason = n.podURL + " does not end in /pod, so " + n.loginURL + " is needed too"
	case c.Certificate != nil && c.sessionAuthURL() == "":
		reason = n.podURL + " does not end in /pod, so " + n.sessionAuthURL + " is needed too"
	default:
		return nil
	}
	return &symphony.InvalidArgumentError{Argument: n.source, Reason: reason}
}

// String shows which fields are set, and no secret.
func (c Config) String() string {
	var fields []string
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, name+": "+value)
		}
	}
	add(fieldNames.podURL, shownURL(c.PodURL))
	add(fieldNames.loginURL, shownURL(c.LoginURL))
	add(fieldNames.sessionAuthURL, shownURL(c.SessionAuthURL))
	if c.Username != "" {
		add(fieldNames.username, fmt.Sprintf("%q", c.Username))
	}
	if c.Key != nil {
		add(fieldNames.key, "set")
	}
	if c.Certificate != nil {
		add(fieldNames.certificate, "set")
	}
	if c.SessionToken != "" {
		add(fieldNames.sessionToken, "set")
	}
	return "auth.Config{" + strings.Join(fields, ", ") + "}"
}

// shownURL returns a URL that may be shown, and "set" for one that may hold a secret.
func shownURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return ""
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "set"
	}
	return u.String()
}

// Format shows what String shows, for every verb.
func (c Config) Format(s fmt.State, _ rune) { fmt.Fprint(s, c.String()) }

// LogValue shows what String shows, for package log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String returns: package log/slog calls encoding/json for a Config
// within another value.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
