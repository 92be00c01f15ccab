package seeds_test

import (
	"slices"
	"strings"
)

// checkUser checks the order of a user's writes, and what they left behind.
func (c *checker) checkUser(user int64, writes []*write) {
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
	if !explains(writes, sent) {
		c.report("order", "user %d: %s do not explain %s", user, writesText(writes), text(slices.Concat(sent...)))
	}
	if _, ok := c.users[user]; ok {
		c.checkState(user, writes)
	}
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
	state := c.users[user].category
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
