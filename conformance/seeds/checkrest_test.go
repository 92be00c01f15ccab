package seeds_test

import "time"

// tokenTime is how long after its turn a call may be sent, because its provider took so
// long: the next call may then follow sooner by that.
const tokenTime = 200 * time.Microsecond

// checkRate checks that the client never sends faster than its own limit.
func (c *checker) checkRate() {
	if c.plan.rate == 0 || len(c.clients) > 1 {
		return
	}
	late := tokenTime.Seconds()*c.plan.rate + 1e-3 // for rounding
	burst := max(1, c.plan.rate/10)
	level, last := burst, c.start
	for _, m := range c.log {
		if !m.limited {
			continue
		}
		level = min(burst, level+m.start.Sub(last).Seconds()*c.plan.rate) - 1
		if last = m.start; level < -late {
			c.report("rate", "faster than %v a second at %v", c.plan.rate, m.start.Sub(c.start))
			return
		}
	}
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
