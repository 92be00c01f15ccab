package seeds_test

import (
	"math/rand/v2"
	"sync"
	"testing/synctest"
	"time"
)

// simulate plays a seed and returns what the checker finds.
func simulate(seed uint64, planted planted) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	plan := drawPlan(seed, random)
	w := &world{
		plan:    plan,
		pod:     drawPod(seed, random, plan.tick),
		history: newHistory(),
		planted: planted,
		checked: make(chan struct{}),
	}
	if planted.world != nil {
		planted.world(w)
	}
	if err := w.connect(); err != nil {
		return []string{err.Error()}
	}
	var callers sync.WaitGroup
	for n := range w.callers {
		c := newCaller(w, n)
		callers.Go(c.play)
	}
	callers.Wait()
	synctest.Wait()
	for _, client := range w.clients {
		w.limits = append(w.limits, client.Limits())
	}
	w.goroutines = strangers("auth.(*session).run", "auth.guard") // a login outlasts the call that needs it
	<-time.After(2 * time.Minute)
	w.goroutines = append(w.goroutines, strangers()...)
	if planted.played != nil {
		planted.played(w)
	}
	findings := w.check()
	close(w.checked)
	return findings
}
