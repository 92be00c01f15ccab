package seeds_test

import (
	"context"
	"net/http"
	"time"

	"github.com/symphony-go/symphony"
)

// single makes one call.
func (c *caller) single() {
	ctx, ends, cancel := c.newContext()
	defer cancel()
	made := &call{start: time.Now(), ends: ends, trace: string(c.name("TRACE")), user: c.user()}
	ctx = symphony.ContextWithTraceID(ctx, made.trace)
	switch c.random.IntN(4) {
	case 0:
		made.operation = "SetUserPresence"
		c.setOne(ctx, made)
	case 1:
		made.operation = "GetUserPresence"
		made.presence, made.err = c.client.GetUserPresence(ctx, made.user, true)
	default:
		made.operation, made.key = "Once", made.trace
		c.sendOnce(ctx, made)
	}
	made.finish = time.Now()
	c.addCall(made)
}

func (c *caller) setOne(ctx context.Context, made *call) {
	w := c.intend(made.user, c.name("SET"))
	made.presence, made.err = c.client.SetUserPresence(ctx, made.user, w.category, c.random.IntN(2) == 0)
	w.outcome = outcomeOf(made.err)
}

// sendOnce makes a call that may be sent only once.
func (c *caller) sendOnce(ctx context.Context, made *call) {
	made.user = 0
	var entry struct {
		Key string `json:"key"`
	}
	made.err = c.client.Do(ctx, symphony.Request{
		Method:    http.MethodPost,
		Path:      "/v1/ledger",
		Body:      map[string]string{"key": made.key},
		Operation: made.operation,
	}, &entry)
}
