package seeds_test

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// bulk is how a caller ranges over the results of a run.
type bulk[Item, Result any] struct {
	run      *run
	items    []Item
	patience int                                               // results after which the caller breaks off; 0 for never
	pulled   func(index int, item Item)                        // called for an item before it is pulled
	take     func(Result) (index int, wrong string, err error) // checks a result
}

// source yields the items, and notes how they are pulled.
func (b *bulk[Item, Result]) source() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for i, item := range b.items {
			if !b.run.ends.IsZero() && time.Now().After(b.run.ends) {
				b.run.wrong = append(b.run.wrong, "pulled after the context ended")
			}
			if b.run.slow > 0 {
				<-time.After(b.run.slow)
			}
			b.run.pulled++
			if b.pulled != nil {
				b.pulled(i, item)
			}
			if b.run.pulled-len(b.run.indexes) > b.run.ahead {
				b.run.wrong = append(b.run.wrong, "pulled too far ahead")
			}
			if !yield(item) {
				return
			}
		}
	}
}

// consume ranges over the results.
func (b *bulk[Item, Result]) consume(c *caller, results iter.Seq[Result]) {
	for result := range results {
		if c.planted.drops(len(b.run.indexes)) {
			continue
		}
		index, wrong, err := b.take(result)
		b.run.indexes = append(b.run.indexes, index)
		b.run.errs = append(b.run.errs, err)
		if wrong != "" {
			b.run.wrong = append(b.run.wrong, fmt.Sprintf("result %d: %s", index, wrong))
		}
		if b.run.busy > 0 {
			<-time.After(b.run.busy)
		}
		if len(b.run.indexes) == b.patience {
			b.run.stopped = time.Now()
			break
		}
	}
	b.run.finish = time.Now()
	c.addRun(b.run)
}

// newBulk draws how a run goes.
func newBulk[Item, Result any](c *caller, name string, items []Item) (*bulk[Item, Result], context.Context, func()) {
	ctx, ends, cancel := c.newContext()
	concurrency := []int{1, 1, 2, 3, 4, 6, 8, 16}[c.random.IntN(8)]
	b := &bulk[Item, Result]{items: items}
	b.run = &run{name: name, total: len(items), concurrency: concurrency, ahead: 32 * concurrency, ends: ends}
	if c.random.IntN(4) == 0 {
		b.run.slow = c.tick.draw(c.random, 200*time.Millisecond)
	}
	if c.random.IntN(8) == 0 {
		b.run.busy = c.tick.draw(c.random, 50*time.Millisecond)
	}
	if c.random.IntN(5) == 0 {
		b.patience = 1 + c.random.IntN(len(items)+1)
	}
	return b, ctx, cancel
}
