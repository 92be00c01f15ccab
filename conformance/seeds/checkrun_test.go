package seeds_test

import (
	"slices"
	"time"
)

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
