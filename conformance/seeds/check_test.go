package seeds_test

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
	for _, made := range w.made {
		c.checkCall(made)
	}
	for user, writes := range w.writes {
		c.checkUser(user, writes)
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
