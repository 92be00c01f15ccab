package symphony

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symphony-go/symphony/internal/limiter"
)

const (
	defaultConcurrency = 8
	maxConcurrency     = 4096
	aheadPerWorker     = 32 // updates that may be pulled and not yet reported
	jobsPerWorker      = 16 // of these, what keeps the workers busy while the caller deals with a result

	// A run starts with a few workers. Each success brings one more, which doubles
	// them with every round trip; so does a lull, in which no answer came at all.
	firstWorkers = 4
	lull         = 100 * time.Millisecond
)

// PresenceUpdate is what [Client.SetUserPresences] sets: the arguments of one
// [Client.SetUserPresence].
type PresenceUpdate struct {
	UserID   int64
	Category PresenceCategory
	Soft     bool
}

// PresenceResult is what became of a [PresenceUpdate]: one of Presence and Err is set.
type PresenceResult struct {
	Index    int // place in the source, from 0
	Update   PresenceUpdate
	Presence *V2Presence
	Err      error
}

// BulkOption sets how [Client.SetUserPresences] works.
type BulkOption func(*bulkRun)

// WithConcurrency sets how many calls are made at once; the default is 8, also for
// what is below 1, and the most is 4096.
func WithConcurrency(n int) BulkOption {
	return func(r *bulkRun) {
		if n >= 1 {
			r.concurrency = min(n, maxConcurrency)
		}
	}
}

// SetUserPresences sets the presence of many users, by [Client.SetUserPresence].
// Nothing is sent until the sequence is ranged, and ranging it again sends again.
//
//	for result := range client.SetUserPresences(ctx, slices.Values(updates)) {
//		if result.Err != nil {
//			log.Printf("update %d: %v", result.Index, result.Err)
//		}
//	}
//
// Every update that is pulled gives one result, in the order of completion; its
// Index is the update's place in the source. The updates of one user are applied in
// the order given, never two at once.
//
// The source runs on the caller's goroutine, and is pulled as results are consumed,
// at most 32 updates a worker ahead: memory does not grow with their number. While
// it blocks, no result is given.
//
// Breaking out of the loop cancels the calls under way. When ctx ends the source is
// pulled no further; what was pulled and not yet sent comes back with the context's
// error, and the sequence ends. So it does, with that error, after an
// [*UnauthorizedError], an error of the token provider, or a [*RateLimitError] of a call
// whose turn would come after ctx's deadline: no later call could fare better.
func (c *Client) SetUserPresences(ctx context.Context, updates iter.Seq[PresenceUpdate], opts ...BulkOption) iter.Seq[PresenceResult] {
	return func(yield func(PresenceResult) bool) {
		run := newBulkRun(ctx, c, opts)
		defer run.stop()
		if !run.goesOn() {
			return
		}
		for update := range updates {
			run.add(update)
			for run.isFull() || run.hasResult() {
				if !yield(run.next()) {
					return
				}
			}
			if !run.goesOn() {
				break
			}
		}
		for run.pending > 0 {
			if !yield(run.next()) {
				return
			}
		}
	}
}

// bulkRun is one ranging of a sequence. The caller's goroutine hands the updates to
// workers and collects the results; an update whose user has one with the workers
// waits here.
type bulkRun struct {
	client      *Client
	ctx         context.Context
	cancel      context.CancelFunc
	concurrency int

	jobs    chan *PresenceResult // to do; large enough for all that is pending
	results chan *PresenceResult // done; likewise
	workers sync.WaitGroup
	started int
	heard   time.Time             // when the last result came, or the last worker in a lull
	dead    atomic.Pointer[error] // why no further call could fare better
	broken  atomic.Pointer[any]   // what a call panicked with; nil in it where it ended its goroutine

	pulled  int
	pending int                         // pulled and not yet given as a result
	waiting map[int64][]*PresenceResult // by the users whose updates the workers have
}

func newBulkRun(ctx context.Context, client *Client, opts []BulkOption) *bulkRun {
	r := &bulkRun{client: client, concurrency: defaultConcurrency, waiting: map[int64][]*PresenceResult{}}
	for _, opt := range opts {
		if opt != nil {
			opt(r)
		}
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.jobs = make(chan *PresenceResult, aheadPerWorker*r.concurrency)
	r.results = make(chan *PresenceResult, aheadPerWorker*r.concurrency)
	return r
}

// stop ends what is under way, and waits until it has ended.
func (r *bulkRun) stop() {
	r.cancel()
	close(r.jobs)
	r.workers.Wait()
}

// goesOn reports whether there is any use in further updates.
func (r *bulkRun) goesOn() bool { return r.ctx.Err() == nil && r.dead.Load() == nil }

func (r *bulkRun) hasResult() bool { return len(r.results) > 0 }

// isFull reports whether there is no use in pulling further for now. What waits for its
// user's last update keeps no worker busy.
func (r *bulkRun) isFull() bool {
	return len(r.jobs) >= jobsPerWorker*r.concurrency || r.pending == cap(r.jobs)
}

// add takes an update from the source.
func (r *bulkRun) add(update PresenceUpdate) {
	job := &PresenceResult{Index: r.pulled, Update: update}
	r.pulled++
	r.pending++
	queue, busy := r.waiting[update.UserID]
	if busy {
		r.waiting[update.UserID] = append(queue, job)
		return
	}
	r.waiting[update.UserID] = nil
	r.jobs <- job
	switch {
	case r.started < firstWorkers:
		r.start(1)
	case r.started < r.concurrency && time.Since(r.heard) >= lull: // the source is slower than that
		r.startInLull()
	}
}

// next waits for a result, and lets the user's next update go.
func (r *bulkRun) next() PresenceResult {
	result := r.wait()
	if broken := r.broken.Load(); broken != nil {
		r.breakOff(*broken)
	}
	r.pending--
	user := result.Update.UserID
	if queue := r.waiting[user]; len(queue) > 0 {
		r.waiting[user] = queue[1:]
		r.jobs <- queue[0]
	} else {
		delete(r.waiting, user)
	}
	if result.Err == nil {
		r.start(1)
	}
	return *result
}

func (r *bulkRun) wait() *PresenceResult {
	for r.started < r.concurrency {
		select {
		case result := <-r.results:
			r.heard = time.Now()
			return result
		case <-time.After(lull):
			r.startInLull()
		}
	}
	return <-r.results
}

func (r *bulkRun) startInLull() {
	r.heard = time.Now()
	r.start(r.started)
}

// start starts more workers, as long as there is something to do for them.
func (r *bulkRun) start(more int) {
	for ; more > 0 && r.started < r.concurrency && len(r.jobs) > 0; more-- {
		r.started++
		r.workers.Go(r.work)
	}
}

// work is one worker.
func (r *bulkRun) work() {
	called := false
	defer func() {
		if called { // and it did not return: a transport or a provider panicked, or ended the goroutine
			broken := recover()
			r.broken.Store(&broken)
			r.results <- new(PresenceResult)
		}
	}()
	for job := range r.jobs {
		called = true
		job.Presence, job.Err = r.set(job.Update)
		called = false
		r.results <- job
	}
}

// breakOff ends the caller's goroutine as a call ended its worker's.
func (r *bulkRun) breakOff(broken any) {
	if broken == nil {
		runtime.Goexit()
	}
	panic(broken)
}

func (r *bulkRun) set(update PresenceUpdate) (*V2Presence, error) {
	if dead := r.dead.Load(); dead != nil {
		return nil, *dead
	}
	presence, err := r.client.setUserPresence(r.ctx, update.UserID, update.Category, update.Soft, limiter.Bulk)
	if endsRun(err) {
		r.dead.CompareAndSwap(nil, &err)
	}
	return presence, err
}
