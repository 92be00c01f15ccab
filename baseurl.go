package symphony

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// parseBaseURL checks the base URL. Its errors do not show the URL, which may hold a
// password.
func parseBaseURL(raw string, plaintext bool) (*url.URL, error) {
	refuse := func(reason string) (*url.URL, error) {
		return nil, &InvalidArgumentError{"podURL", reason + "; it looks like https://acme.symphony.com/pod"}
	}
	if strings.ContainsFunc(raw, unicode.IsSpace) {
		return refuse("it holds a blank or a line break")
	}
	// The path of a call begins with a slash. An escaped slash at the end stays.
	base, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil:
		return refuse("it is not a URL")
	case base.Scheme != "https" && base.Scheme != "http":
		return refuse("it does not begin with https:// (or http://)")
	case base.User != nil:
		return refuse("it holds user info, which a pod does not accept")
	case strings.Contains(raw, "?"):
		return refuse("it holds a query")
	case strings.Contains(raw, "#"):
		return refuse("it holds a fragment")
	case base.Hostname() == "":
		return refuse("it names no host")
	case !isPort(base.Port()):
		return refuse("its port is not between 1 and 65535")
	case base.Scheme == "http" && !plaintext && !isLoopback(base.Hostname()):
		return refuse("http:// would send the session token in clear text; use https://, or WithPlaintextHTTP on a trusted network")
	}
	return base, nil
}

// isPort reports whether a URL's port, which may be absent, can be dialled.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
