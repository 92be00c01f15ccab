package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/symphony-go/symphony"
)

// check returns what is wrong with a seed, each finding with the name of its property.
func (w *world) check() (findings []string) {
	w.pod.mu.Lock()
	defer w.pod.mu.Unlock()
	w.history.mu.Lock()
	defer w.history.mu.Unlock()
	c := &checker{world: w, calls: callsOf(w.log)}
	for _, r := range w.runs {
		c.checkRun(r)
	}
	for _, made := range w.history.calls {
		c.checkCall(made)
	}
	for user := range w.pod.users {
		c.checkUser(user)
	}
	for _, sent := range c.calls {
		c.checkRequests(sent)
		c.checkReports(sent)
	}
	c.checkUnsent()
	c.checkLogins()
	c.checkTokens()
	c.checkRate()
	c.checkRest()
	return c.findings
}

// checker checks a seed after it was played.
type checker struct {
	*world
	calls    map[callKey][]*message
	findings []string
}

func (c *checker) report(property, format string, args ...any) {
	c.findings = append(c.findings, property+": "+fmt.Sprintf(format, args...))
}

// callsOf groups requests by the call that they belong to.
func callsOf(log []*message) map[callKey][]*message {
	calls := map[callKey][]*message{}
	for _, m := range log {
		calls[m.call] = append(calls[m.call], m)
	}
	return calls
}

// checkRun checks that each item that was pulled has one result, and that nothing else has.
func (c *checker) checkRun(r *run) {
	for _, wrong := range r.wrong {
		c.report("results", "%s: %s", r.name, wrong)
	}
	sorted := slices.Sorted(slices.Values(r.indexes))
	for i, index := range sorted {
		if index < 0 || index >= r.pulled || i > 0 && index == sorted[i-1] {
			c.report("results", "%s: index %d of %d pulled items, in %v", r.name, index, r.pulled, r.indexes)
		}
	}
	if r.concurrency == 0 && !slices.IsSorted(r.indexes) {
		c.report("results", "%s: not in the order of the source: %v", r.name, r.indexes)
	}
	if r.stopped.IsZero() {
		if len(r.indexes) != r.pulled {
			c.report("results", "%s: %d results of %d pulled items", r.name, len(r.indexes), r.pulled)
		}
		if r.pulled < r.total && !endedBy(r.ends, r.finish) && !slices.ContainsFunc(r.errs, isShared) {
			c.report("results", "%s: ended after %d of %d items: %v", r.name, r.pulled, r.total, r.errs)
		}
	} else if r.finish.After(r.stopped) {
		c.report("bounds", "%s: went on for %v after the caller broke off", r.name, r.finish.Sub(r.stopped))
	}
	if !r.ends.IsZero() { // neither the source nor the loop know of the context
		r.ends = r.ends.Add(r.slow + time.Duration(len(r.indexes))*r.busy)
	}
	c.checkEnd(r.name, r.ends, r.finish)
}

func endedBy(ends, finish time.Time) bool { return !ends.IsZero() && !finish.Before(ends) }

// checkEnd checks that nothing goes on after a context's end.
func (c *checker) checkEnd(name string, ends, finish time.Time) {
	if !ends.IsZero() && finish.After(ends) {
		c.report("bounds", "%s: went on for %v after its context ended", name, finish.Sub(ends))
	}
}

// isShared reports whether every later call of a run would have failed with an error too.
func isShared(err error) bool {
	if err == nil {
		return false
	}
	limited, ok := errors.AsType[*symphony.RateLimitError](err)
	_, forbidden := errors.AsType[*symphony.ForbiddenError](err)
	return symphony.IsCredentialError(err) || strings.Contains(err.Error(), "session token") || forbidden ||
		ok && errors.Is(limited, context.DeadlineExceeded)
}

// checkCall checks what a single call returned against the pod's last response.
func (c *checker) checkCall(made *call) {
	sent := c.calls[made.callKey()]
	c.checkEnd(made.operation+" "+made.trace, made.ends, made.finish)
	whole := len(sent) > 0 && sent[len(sent)-1].status == 200 && sent[len(sent)-1].whole
	if whole != (made.err == nil) {
		c.report("acknowledged", "%s %s: %v, after %s", made.operation, made.trace, made.err, text(sent))
	}
	_, several := made.err.(interface{ Unwrap() []error }) //nolint:errorlint // only the error itself
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

// checkUser checks the order of a user's writes, and what they left behind.
func (c *checker) checkUser(user int64) {
	var order []callKey
	var last *message
	for _, m := range c.log {
		if m.user != user {
			continue
		}
		key := m.call
		if last != nil && m.start.Before(last.end) {
			c.report("order", "user %d: two requests at a time: %s", user, text([]*message{last, m}))
		}
		if last = m; len(order) > 0 && order[len(order)-1] == key {
			continue
		}
		if slices.Contains(order, key) {
			c.report("order", "user %d: the attempts of two calls mix: %v", user, order)
		}
		order = append(order, key)
	}
	var sent [][]*message
	for _, key := range order {
		if c.calls[key][0].isWrite() {
			sent = append(sent, c.calls[key])
		}
	}
	writes := c.writes[user]
	if !explains(writes, sent) {
		c.report("order", "user %d: %s do not explain %s", user, writesText(writes), text(slices.Concat(sent...)))
	}
	c.checkState(user, writes)
}

// explains reports whether the calls that the pod received are those of the writes, in
// their order, and ended as the writes did.
func explains(writes []*write, sent [][]*message) bool {
	if len(writes) == 0 {
		return len(sent) == 0
	}
	w := writes[0]
	if w.outcome != succeeded && explains(writes[1:], sent) {
		return true // it was never sent
	}
	if len(sent) == 0 || w.outcome == unneeded || sent[0][0].category != w.category {
		return false
	}
	last := sent[0][len(sent[0])-1]
	acknowledged := last.status == 200 && last.whole
	applied := slices.ContainsFunc(sent[0], func(m *message) bool { return m.applied })
	switch {
	case w.outcome == succeeded && (!acknowledged || !applied), w.outcome == failed && acknowledged:
		return false
	}
	return explains(writes[1:], sent[1:])
}

// checkState checks that a user's state is that of the last write that succeeded, or of a
// later one that may have been applied.
func (c *checker) checkState(user int64, writes []*write) {
	for i, w := range writes {
		if w.outcome == unneeded && i > 0 && writes[i-1].outcome == succeeded && writes[i-1].category == w.reverts {
			c.report("state", "user %d: %s still stood, and was not reverted: %s", user, w.reverts, writesText(writes))
		}
	}
	state := c.pod.users[user].category
	for _, w := range slices.Backward(writes) {
		if w.category == state && w.outcome != unneeded {
			return
		}
		if w.outcome == succeeded {
			c.report("state", "user %d: %s, after %s", user, state, writesText(writes))
			return
		}
	}
	if !strings.HasPrefix(string(state), "BEFORE") {
		c.report("state", "user %d: %s, after %s", user, state, writesText(writes))
	}
}

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
	for _, made := range c.history.calls {
		if len(c.reports[made.callKey()]) == 0 {
			c.report("observed", "%s %s is not reported", made.operation, made.trace)
		}
	}
}

// checkLogins checks that no login begins before the pod has rejected the token of the one
// before, and that no two of a kind run at the same time.
func (c *checker) checkLogins() {
	type login struct {
		begin, end time.Time
		issued     string
	}
	logins := map[string][]login{}
	var order []callKey
	for _, m := range c.log {
		if !m.limited && !slices.Contains(order, m.call) {
			order = append(order, m.call)
		}
	}
	for _, key := range order {
		sent := c.calls[key]
		last := sent[len(sent)-1]
		made := login{begin: sent[0].start, end: last.end}
		if last.whole && last.status == 200 {
			made.issued = last.issued
		}
		for _, before := range logins[key.operation] {
			if made.begin.Before(before.end) {
				c.report("logins", "%s: two at the same time", key.operation)
			}
			if before.issued != "" && !c.rejected(before.issued, made.begin) {
				c.report("logins", "%s: at %v, and %s was not rejected", key.operation, made.begin.Sub(c.start), before.issued)
			}
		}
		logins[key.operation] = append(logins[key.operation], made)
	}
}

// checkTokens checks that no request carries a token when a newer one is there.
func (c *checker) checkTokens() {
	var newest session
	var since time.Time // when the newest session's token arrived
	for _, m := range slices.SortedStableFunc(slices.Values(c.log), func(a, b *message) int { return a.end.Compare(b.end) }) {
		if s := c.issued[m.issued]; m.issued != "" && s.kind == "user" && m.status == 200 && m.whole {
			newest, since = s, m.end
			continue
		}
		if s := c.issued[m.token]; m.limited && m.start.After(since) && s.since.Before(newest.since) {
			c.report("logins", "an old token, after %v: %s", since, text([]*message{m}))
		}
	}
}

// rejected reports whether the pod returned 401 to a token before a time.
func (c *checker) rejected(token string, at time.Time) bool {
	return slices.ContainsFunc(c.log, func(m *message) bool {
		return m.token == token && m.status == 401 && !m.end.After(at)
	})
}

// checkRate checks that the client never sends faster than its own limit.
func (c *checker) checkRate() {
	if c.plan.rate == 0 || len(c.clients) > 1 {
		return
	}
	const rounding = 1e-3
	burst := max(1, c.plan.rate/10)
	level, last := burst, c.start
	for _, m := range c.log {
		if !m.limited || c.loggedIn(m.start) {
			continue
		}
		level = min(burst, level+m.start.Sub(last).Seconds()*c.plan.rate) - 1
		if last = m.start; level < -rounding {
			c.report("rate", "faster than %v a second at %v", c.plan.rate, m.start.Sub(c.start))
			return
		}
	}
}

// loggedIn reports whether a login ended at a time: the calls that waited for its token
// are then sent together, because their turns have come before.
func (c *checker) loggedIn(at time.Time) bool {
	return slices.ContainsFunc(c.log, func(m *message) bool { return !m.limited && m.end.Equal(at) })
}

// checkRest checks that nothing is left.
func (c *checker) checkRest() {
	for _, limits := range c.limits {
		if limits.Waiting != 0 || limits.InFlight != 0 {
			c.report("rest", "%+v", limits)
		}
	}
	for _, stack := range c.goroutines {
		c.report("rest", "a goroutine is left: %s", stack)
	}
}
