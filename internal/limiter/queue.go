package limiter

import (
	"container/list"
	"time"
)

// Class is the kind of call that waits. A class goes before those after it.
type Class int

// The classes of calls. The three before each are for such calls that were refused once,
// twice, or more often.
const (
	Single  Class = 3 // a call made on its own
	Bulk    Class = 7 // a call of a bulk run
	classes       = 8
)

func (c Class) isBulk() bool { return c > Single }

// waiter is a call that waits for its turn.
type waiter struct {
	class   Class
	arrived time.Time
	place   *list.Element // nil when it has left the queue
	sent    time.Time     // when it got its turn
	ready   chan struct{} // closed then
}

// queue holds the waiting calls in order of arrival, one list for each class.
type queue [classes]list.List

func (q *queue) push(w *waiter) { w.place = q[w.class].PushBack(w) }

// remove reports whether the call was in the queue.
func (q *queue) remove(w *waiter) bool {
	if w.place == nil {
		return false
	}
	q[w.class].Remove(w.place)
	w.place = nil
	return true
}

// head returns the call whose turn is next, nil when no call waits.
func (q *queue) head() *waiter {
	for class := range q {
		if first := q[class].Front(); first != nil {
			return first.Value.(*waiter)
		}
	}
	return nil
}

// ahead returns the number of calls that go before one that arrives now.
func (q *queue) ahead(class Class) int {
	n := 0
	for i := range q[:class+1] {
		n += q[i].Len()
	}
	return n
}

func (q *queue) len() int { return q.ahead(classes - 1) }
