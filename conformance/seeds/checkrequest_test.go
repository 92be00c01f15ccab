package seeds_test

import (
	"slices"
	"time"
)

// checkRequests checks how often a call was sent.
func (c *checker) checkRequests(sent []*message) {
	most := c.policy.MaxAttempts
	if sent[0].call.operation == "Once" {
		most = 1
	}
	if rejected := slices.IndexFunc(sent, func(m *message) bool { return m.status == 401 }); rejected == most-1 && sent[0].limited {
		most++
	}
	if len(sent) > most {
		c.report("requests", "%d and not %d: %s", len(sent), most, text(sent))
	}
	for i, m := range sent[1:] {
		if sent[i].status == 401 && m.token == sent[i].token && m.token != "" {
			c.report("requests", "sent again with the token that was rejected: %s", text(sent))
		}
	}
}

// checkReports checks what the observers were told of a call that was sent.
func (c *checker) checkReports(sent []*message) {
	reports := c.reports[sent[0].call]
	lasts := 0
	for i, a := range reports {
		if i >= len(sent) || a.Number != i+1 || a.StatusCode != sent[i].status {
			c.report("observed", "attempts %s of %s", reportsText(reports), text(sent))
			return
		}
		if a.Last {
			lasts++
		}
		if a.Duration > c.attemptTimeout {
			c.report("bounds", "an attempt of %v: %s", a.Duration, text(sent))
		}
		if a.Backoff > c.longestBackoff() {
			c.report("bounds", "a backoff of %v: %s", a.Backoff, text(sent))
		}
		if a.Queued > longestQueue {
			c.report("bounds", "%v in the queue: %s", a.Queued, text(sent))
		}
	}
	if len(reports) != len(sent) {
		c.report("observed", "attempts %s of %s", reportsText(reports), text(sent))
	}
	if lasts > 1 || lasts == 1 && !reports[len(reports)-1].Last || lasts == 0 && isDone(sent[len(sent)-1]) {
		c.report("observed", "%d of %s are the last: %s", lasts, reportsText(reports), text(sent))
	}
}

// longestQueue is the longest that a call may wait for the limiter here.
const longestQueue = time.Minute

// longestBackoff is the longest wait between two attempts.
func (c *checker) longestBackoff() time.Duration {
	p := c.policy
	spread := time.Duration(float64(p.MaxRetryAfter) * float64(p.MaxAttempts+1) / 4)
	return max(p.MaxBackoff, p.MaxRetryAfter) + p.MinBackoff + spread
}

// isDone reports whether a response decides a call. After any other the call may end while
// it waits for its next attempt.
func isDone(m *message) bool { return m.status == 200 && m.whole || m.status == 404 }

// checkUnsent checks that a call that was not sent is reported once.
func (c *checker) checkUnsent() {
	for key, reports := range c.reports {
		if len(c.calls[key]) == 0 && (len(reports) != 1 || reports[0].Number != 0 || !reports[0].Last) {
			c.report("observed", "%v was not sent, and reported as %s", key, reportsText(reports))
		}
	}
	for _, made := range c.made {
		if len(c.reports[made.callKey()]) == 0 {
			c.report("observed", "%s %s is not reported", made.operation, made.trace)
		}
	}
}
