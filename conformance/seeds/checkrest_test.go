package seeds_test

// checkRate checks that the client never sends faster than its own limit.
func (c *checker) checkRate() {
	if c.plan.rate == 0 || len(c.clients) > 1 {
		return
	}
	const rounding = 1e-3
	burst := max(1, c.plan.rate/10)
	level, last := burst, c.start
	for _, m := range c.log {
		if !m.limited {
			continue
		}
		level = min(burst, level+m.start.Sub(last).Seconds()*c.plan.rate) - 1
		if last = m.start; level < -rounding {
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
