package main

import (
	"sync"
	"time"
)

// queue holds the people whose presence has yet to follow their calls. A person is in it
// once, and is worked on by one worker at a time.
type queue struct {
	limit int // of people; beyond it no new events are accepted

	mu      sync.Mutex // guards what follows
	changed *sync.Cond
	entries map[person]*entry
	ready   []person // in the order of their arrival
	closed  bool
}

// entry is a person in the queue.
type entry struct {
	running  bool
	again    bool // something happened while it was running
	failures int  // in a row
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit, entries: map[person]*entry{}}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// hasRoom reports whether a person is in the queue or fits into it.
func (q *queue) hasRoom(p person) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.entries[p] != nil || len(q.entries) < q.limit
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.entries)
}

// add puts people into the queue, whatever its limit: it holds for new events only.
func (q *queue) add(people ...person) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range people {
		switch e := q.entries[p]; {
		case e == nil:
			q.entries[p] = &entry{}
			q.push(p)
		case e.running:
			e.again = true
		}
	}
}

// push makes a person ready for a worker. The caller holds mu.
func (q *queue) push(p person) {
	q.ready = append(q.ready, p)
	q.changed.Signal()
}

// next returns a person for a worker, which must call done or retry. It waits for one,
// and returns false when the queue has been closed.
func (q *queue) next() (person, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && !q.closed {
		q.changed.Wait()
	}
	if q.closed {
		return "", false
	}
	p := q.ready[0]
	q.ready = q.ready[1:]
	q.entries[p].running = true
	return p, true
}

// done takes a person out of the queue, unless something has happened in the meantime.
func (q *queue) done(p person) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.entries[p].again {
		delete(q.entries, p)
		return
	}
	q.entries[p] = &entry{}
	q.push(p)
}

// retry makes a person ready again after a delay, which depends on how often in a row
// they have failed.
func (q *queue) retry(p person, delay func(failures int) time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[p]
	*e = entry{failures: e.failures + 1}
	time.AfterFunc(delay(e.failures), func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.push(p)
	})
}

// close ends the workers. Those who are left are found in the store by the next process.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}
