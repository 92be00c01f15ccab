package symphony

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symphony-go/symphony/internal/limiter"
)

const (
	defaultConcurrency = 8
	maxConcurrency     = 4096
	aheadPerWorker     = 32 // items that may be pulled and have no result yet
	queuedPerWorker    = 16 // of these, items that wait for a worker while the caller handles a result

	// A run starts with a few workers. Each response starts one more, which doubles
	// their number with every round trip. If no response arrives for quietTime, the
	// calls are slow, and the number is doubled too.
	firstWorkers = 4
	quietTime    = 100 * time.Millisecond
)

// PresenceUpdate is one update of [Client.SetUserPresences] or [Client.ChangeUserPresences]:
// the arguments of [Client.SetUserPresence].
type PresenceUpdate struct {
	UserID   int64
	Category PresenceCategory
	Soft     bool
}

// PresenceResult is the result of one [PresenceUpdate]. Exactly one of Presence and
// Err is set.
type PresenceResult struct {
	Index    int // position in the source, from 0
	Update   PresenceUpdate
	Presence *V2Presence
	Err      error
}

// BulkOption configures a bulk run, such as [Client.SetUserPresences].
type BulkOption func(*bulkSettings)

type bulkSettings struct {
	concurrency int
}

// WithConcurrency sets how many calls a bulk run makes at the same time. The default
// is 8, which a value below 1 also means. The maximum is 4096.
func WithConcurrency(n int) BulkOption {
	return func(s *bulkSettings) {
		if n < 1 {
			n = defaultConcurrency
		}
		s.concurrency = min(n, maxConcurrency)
	}
}

// SetUserPresences sets the presence of many users. It calls
// [Client.SetUserPresence] for each update, several at the same time. Nothing is sent
// until the sequence is ranged over. Ranging over it again sends the updates again.
//
//	for result := range client.SetUserPresences(ctx, slices.Values(updates)) {
//		if result.Err != nil {
//			log.Printf("update %d: %v", result.Index, result.Err)
//		}
//	}
//
// Every update that is pulled from the source yields exactly one result, in the order
// of completion; Index is the update's position in the source. The updates of one user
// are applied in the order of the source, never two at the same time. An attempt that
// timed out may still reach the pod after the user's next update.
//
// The source runs on the caller's goroutine. It is pulled as results are consumed, at
// most 32 updates per worker ahead, so memory does not grow with the number of updates.
// While the source blocks, no result is yielded.
//
// Breaking out of the loop cancels the calls in flight and waits until they have
// ended. When ctx ends, nothing more is pulled; updates that were pulled but not sent
// come back with the context's error, and the sequence ends. It ends in the same way
// after an error that every later call would share: one for which [IsCredentialError]
// reports true, any other error of the token provider, and the [*RateLimitError] of a call
// whose turn would have come after ctx's deadline.
//
// A nil ctx or source is an [*InvalidArgumentError] in a single result.
func (c *Client) SetUserPresences(ctx context.Context, updates iter.Seq[PresenceUpdate], opts ...BulkOption) iter.Seq[PresenceResult] {
	return runBulk(ctx, updates, opts, bulkTask[PresenceUpdate, PresenceResult]{
		source: "updates",
		userID: func(update PresenceUpdate) int64 { return update.UserID },
		call: func(ctx context.Context, update PresenceUpdate, _ func() error) (PresenceResult, error) {
			presence, err := c.setUserPresence(ctx, update.UserID, update.Category, update.Soft, limiter.Bulk)
			return PresenceResult{Presence: presence}, err
		},
		complete: func(result *PresenceResult, index int, update PresenceUpdate, err error) {
			result.Index, result.Update, result.Err = index, update, err
		},
	})
}

// bulkTask is what a bulk run does with the items of its source.
type bulkTask[Item, Result any] struct {
	source string           // the name of the argument, for errors
	userID func(Item) int64 // the items of one user are handled one after another

	// call handles one item. If it makes several API calls, it calls ended before the
	// second and each later one. If ended returns an error, the run has ended, and call
	// returns that error.
	call func(ctx context.Context, item Item, ended func() error) (Result, error)

	// complete sets the fields of a result that call does not set.
	complete func(result *Result, index int, item Item, err error)
}

// runBulk handles the items of a source, several at the same time, as
// [Client.SetUserPresences] documents.
func runBulk[Item, Result any](ctx context.Context, source iter.Seq[Item], opts []BulkOption, task bulkTask[Item, Result]) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		if err := checkSource(ctx, source, task.source); err != nil {
			var result Result
			task.complete(&result, 0, *new(Item), err)
			yield(result)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		run := newBulkRun(ctx, task, opts)
		defer run.wait()
		defer cancel()
		if run.isOver() {
			return
		}
		for item := range source {
			run.add(item)
			for run.isFull() || run.hasResult() {
				if !yield(run.next()) {
					return
				}
			}
			if run.isOver() {
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

// bulkRun is one loop over a bulk sequence. The caller's goroutine queues jobs for
// the workers and collects their results. A job waits here while an earlier job of its
// user is with the workers.
type bulkRun[Item, Result any] struct {
	task        bulkTask[Item, Result]
	ctx         context.Context
	concurrency int

	queue      chan *bulkJob[Item, Result] // has room for all pending jobs
	done       chan *bulkJob[Item, Result] // likewise
	workers    sync.WaitGroup
	started    int                   // workers
	quietSince time.Time             // when the last result arrived, or the workers were last doubled
	end        atomic.Pointer[error] // the error that ended the run
	panicked   atomic.Pointer[any]   // the value that a call panicked with, or nil for runtime.Goexit

	pulled  int
	pending int                                // pulled, and no result yielded yet
	waiting map[int64][]*bulkJob[Item, Result] // by user; a user with a job at the workers has an entry
}

// bulkJob is one item of the source, and the result of its call.
type bulkJob[Item, Result any] struct {
	index  int
	item   Item
	result Result
	err    error
}

func newBulkRun[Item, Result any](ctx context.Context, task bulkTask[Item, Result], opts []BulkOption) *bulkRun[Item, Result] {
	settings := bulkSettings{concurrency: defaultConcurrency}
	for _, opt := range opts {
		if opt != nil {
			opt(&settings)
		}
	}
	ahead := aheadPerWorker * settings.concurrency
	return &bulkRun[Item, Result]{
		task:        task,
		ctx:         ctx,
		concurrency: settings.concurrency,
		queue:       make(chan *bulkJob[Item, Result], ahead),
		done:        make(chan *bulkJob[Item, Result], ahead),
		waiting:     map[int64][]*bulkJob[Item, Result]{},
		quietSince:  time.Now(),
	}
}

// wait ends the workers, and waits for the calls in flight.
func (r *bulkRun[Item, Result]) wait() {
	ended := context.Canceled // jobs that are still queued are not started
	r.end.CompareAndSwap(nil, &ended)
	close(r.queue)
	r.workers.Wait()
}

// isOver reports whether the source is pulled no further.
func (r *bulkRun[Item, Result]) isOver() bool { return r.ctx.Err() != nil || r.ended() != nil }

// ended returns the error that ended the run, nil before.
func (r *bulkRun[Item, Result]) ended() error {
	if err := r.end.Load(); err != nil {
		return *err
	}
	return nil
}

func (r *bulkRun[Item, Result]) hasResult() bool { return len(r.done) > 0 }

// isFull reports whether the workers have enough jobs for now. Jobs that wait for an
// earlier job of their user do not count: no worker can take them yet.
func (r *bulkRun[Item, Result]) isFull() bool {
	return len(r.queue) >= queuedPerWorker*r.concurrency || r.pending == cap(r.queue)
}

// add takes an item from the source.
func (r *bulkRun[Item, Result]) add(item Item) {
	job := &bulkJob[Item, Result]{index: r.pulled, item: item}
	r.pulled++
	r.pending++
	user := r.task.userID(item)
	if jobs, busy := r.waiting[user]; busy {
		r.waiting[user] = append(jobs, job)
		return
	}
	r.waiting[user] = nil
	r.queue <- job
	switch {
	case r.started < firstWorkers:
		r.start(1)
	case r.started < r.concurrency && time.Since(r.quietSince) >= quietTime: // the source is slow
		r.double()
	}
}

// next waits for a result, and queues the next job of its user.
func (r *bulkRun[Item, Result]) next() Result {
	job := r.receive()
	if value := r.panicked.Load(); value != nil {
		repanic(*value)
	}
	r.pending--
	user := r.task.userID(job.item)
	if jobs := r.waiting[user]; len(jobs) > 0 {
		r.waiting[user] = jobs[1:]
		r.queue <- jobs[0]
	} else {
		delete(r.waiting, user)
	}
	if podKeepsUp(job.err) {
		r.start(1)
	}
	r.task.complete(&job.result, job.index, job.item, job.err)
	return job.result
}

func (r *bulkRun[Item, Result]) receive() *bulkJob[Item, Result] {
	for r.started < r.concurrency {
		select {
		case job := <-r.done:
			r.quietSince = time.Now()
			return job
		case <-time.After(quietTime):
			r.double()
		}
	}
	return <-r.done
}

// podKeepsUp reports whether a call shows that the pod takes more calls at the same
// time. Every response does, except 429 and 5xx.
func podKeepsUp(err error) bool {
	if response, ok := errors.AsType[*APIError](err); ok {
		return response.StatusCode != http.StatusTooManyRequests && response.StatusCode < 500
	}
	return err == nil || is[*DecodeError](err)
}

func (r *bulkRun[Item, Result]) double() {
	r.quietSince = time.Now()
	r.start(r.started)
}

// start starts up to n more workers, as long as there are jobs for them.
func (r *bulkRun[Item, Result]) start(n int) {
	for ; n > 0 && r.started < r.concurrency && len(r.queue) > 0; n-- {
		r.started++
		r.workers.Go(r.work)
	}
}

// work is one worker.
func (r *bulkRun[Item, Result]) work() {
	calling := false
	defer func() {
		if calling { // the call did not return: a transport or a token provider panicked, or ended the goroutine
			value := recover()
			r.panicked.Store(&value)
			r.done <- new(bulkJob[Item, Result])
		}
	}()
	for job := range r.queue {
		calling = true
		job.result, job.err = r.call(job.item)
		calling = false
		r.done <- job
	}
}

// call handles an item, unless the run has ended.
func (r *bulkRun[Item, Result]) call(item Item) (result Result, err error) {
	if err := r.ended(); err != nil {
		return result, err
	}
	result, err = r.task.call(r.ctx, item, r.ended)
	if endsRun(err) {
		r.end.CompareAndSwap(nil, &err)
	}
	return result, err
}

// repanic ends the caller's goroutine in the way a call ended its worker's.
func repanic(value any) {
	if value == nil {
		runtime.Goexit()
	}
	panic(value)
}
