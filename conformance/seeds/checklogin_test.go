package seeds_test

import (
	"slices"
	"time"
)

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
		path := sent[0].path
		last := sent[len(sent)-1]
		made := login{begin: sent[0].start, end: last.end}
		if last.whole && last.status == 200 {
			made.issued = last.issued
		}
		for _, before := range logins[path] {
			if made.begin.Before(before.end) {
				c.report("logins", "%s: two at the same time", path)
			}
			if before.issued != "" && !c.rejected(before.issued, made.begin) {
				c.report("logins", "%s: at %v, and %s was not rejected", path, made.begin.Sub(c.start), before.issued)
			}
		}
		logins[path] = append(logins[path], made)
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
