package symphony

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// timeouts bound the attempts of a client. All may take the same time, so the one that
// began first is due first, and a single timer waits for it. A timer for each attempt
// costs a tenth of a call, because the runtime wakes a thread when one is set.
type timeouts struct {
	after time.Duration

	mu    sync.Mutex
	ring  bounded // next is the oldest attempt under way, previous the newest; itself when there is none
	armed bool    // the timer is running; it is not stopped when the last attempt ends
}

// bounded is the context of an attempt, which ends when it is due.
type bounded struct {
	context.Context
	cancel         context.CancelCauseFunc
	due            time.Time
	previous, next *bounded
}

// Deadline is when the attempt is due.
func (b *bounded) Deadline() (time.Time, bool) { return b.due, true }

// Err is that of a deadline when the attempt was due.
func (b *bounded) Err() error {
	err := b.Context.Err()
	if cause := context.Cause(b.Context); err != nil && errors.Is(cause, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}

func newTimeouts(after time.Duration) *timeouts {
	t := &timeouts{after: after}
	t.ring.previous, t.ring.next = &t.ring, &t.ring
	return t
}

// start gives the context of an attempt that begins now; the attempt is to end it.
func (t *timeouts) start(ctx context.Context) *bounded {
	b := &bounded{due: time.Now().Add(t.after)}
	b.Context, b.cancel = context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	b.previous, b.next = t.ring.previous, &t.ring
	b.previous.next, b.next.previous = b, b
	if !t.armed {
		t.armed = true
		time.AfterFunc(t.after, t.expire)
	}
	return b
}

// end ends the context of an attempt.
func (t *timeouts) end(b *bounded) {
	t.mu.Lock()
	b.previous.next, b.next.previous = b.next, b.previous
	t.mu.Unlock()
	b.cancel(nil)
}

// expire ends the attempts that are due, and waits for the next one.
func (t *timeouts) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for b := t.ring.next; b != &t.ring; b = b.next {
		if left := time.Until(b.due); left > 0 {
			time.AfterFunc(left, t.expire)
			return
		}
		b.cancel(context.DeadlineExceeded)
	}
	t.armed = false
}

// attemptTimeoutError is an attempt that took too long.
type attemptTimeoutError struct {
	after time.Duration
	cause error // what the transport made of it
}

// newAttemptTimeoutError takes what the transport made of it. That its context was
// cancelled is how it was told, and is not to be taken for the caller's.
func newAttemptTimeoutError(after time.Duration, cause error) *attemptTimeoutError {
	if errors.Is(cause, context.Canceled) {
		cause = nil
	}
	return &attemptTimeoutError{after, cause}
}

func (e *attemptTimeoutError) Error() string   { return fmt.Sprintf("no answer within %v", e.after) }
func (e *attemptTimeoutError) Timeout() bool   { return true }
func (e *attemptTimeoutError) Temporary() bool { return true }
func (e *attemptTimeoutError) Unwrap() []error {
	if e.cause == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.cause}
}
