package symphonyotel

import (
	"strings"
	"sync"

	"github.com/symphony-go/symphony"
)

const maxOperations = 100 // of a program's own

// operations bounds the values of symphony.operation, whatever Do is called with.
type operations struct {
	mu    sync.RWMutex
	names map[string]bool // the operations of Do, guarded by mu
}

// of returns the operation of an attempt.
func (o *operations) of(a symphony.Attempt) string {
	if a.Route != "" {
		return a.Operation
	}
	if path, ok := strings.CutPrefix(a.Operation, a.Method+" "); ok && strings.HasPrefix(path, "/") || a.Operation == "" {
		return "Do" // without an Operation
	}
	o.mu.RLock()
	known, full := o.names[a.Operation], len(o.names) >= maxOperations
	o.mu.RUnlock()
	if !known && !full {
		known = o.add(a.Operation)
	}
	if !known {
		return "_OTHER"
	}
	return a.Operation
}

// add reports whether there was room for an operation.
func (o *operations) add(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names == nil {
		o.names = map[string]bool{}
	}
	if len(o.names) < maxOperations {
		o.names[name] = true
	}
	return o.names[name]
}
