package seeds_test

import (
	"context"
	"errors"
	"time"

	"github.com/symphony-go/symphony"
)

// checkCall checks what a single call returned against the pod's last response.
func (c *checker) checkCall(made *call) {
	sent := c.calls[made.callKey()]
	c.checkEnd(made.operation+" "+made.trace, made.ends, made.finish)
	whole := len(sent) > 0 && sent[len(sent)-1].status == 200 && sent[len(sent)-1].whole
	if whole != (made.err == nil) {
		c.report("acknowledged", "%s %s: %v, after %s", made.operation, made.trace, made.err, text(sent))
	}
	_, several := made.err.(interface{ Unwrap() []error })
	if api, ok := errors.AsType[*symphony.APIError](made.err); ok && !several && len(sent) > 0 && !errors.Is(api, context.DeadlineExceeded) &&
		api.StatusCode != sent[len(sent)-1].status {
		c.report("acknowledged", "%s %s: %v, after %s", made.operation, made.trace, made.err, text(sent))
	}
	if made.presence != nil && made.presence.UserID != made.user {
		c.report("acknowledged", "%s %s: the presence of %d and not of %d", made.operation, made.trace, made.presence.UserID, made.user)
	}
	if made.key != "" {
		if n := c.ledger[made.key]; n > 1 || n == 0 && made.err == nil {
			c.report("once", "%s %s: applied %d times: %v", made.operation, made.trace, n, made.err)
		}
	}
	reports := c.reports[made.callKey()]
	if len(reports) > 0 && !reports[len(reports)-1].Last && made.ends.IsZero() && !isShared(made.err) {
		c.report("observed", "%s %s: no last attempt in %s", made.operation, made.trace, reportsText(reports))
	}
	c.checkReturn(made, sent)
}

// checkReturn checks that a call takes no longer than its attempts, waits and logins.
func (c *checker) checkReturn(made *call, sent []*message) {
	const login = time.Minute
	most := time.Duration(len(sent)+1) * login
	for _, a := range c.reports[made.callKey()] {
		most += a.Queued + a.Duration + a.Backoff
	}
	if took := made.finish.Sub(made.start); took > most && made.ends.IsZero() {
		c.report("bounds", "%s %s took %v, more than %v", made.operation, made.trace, took, most)
	}
}
