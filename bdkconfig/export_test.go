package bdkconfig

import "net/http"

// Parse reads the content of a file with a name.
var Parse = parse

// Transport returns the transport of the pod's client.
func (c *Config) Transport() *http.Transport { return c.pod.transport(c.roots) }
