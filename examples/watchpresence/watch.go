package main

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// The categories of users whose presence the pod does not return.
const (
	inactive symphony.PresenceCategory = "(inactive)" // no longer listed
	unknown  symphony.PresenceCategory = "(unknown)"  // not or no longer at the pod
)

// change says that a user shows another category than at the last poll.
type change struct {
	user     int64
	at       time.Time                 // of the poll that noticed it
	from, to symphony.PresenceCategory // from is "" if the user was not seen before
	since    time.Time                 // when it was set, zero if that is not known
}

// watcher finds changes by polling, because the presence feeds are deprecated.
type watcher struct {
	client *symphony.Client
	ids    []int64       // users to poll, the next one first; none for all users
	every  time.Duration // from the end of a poll to the next
	polled func()        // called after each poll, before the wait

	shown map[int64]symphony.PresenceCategory // by user id, at the last poll
}

// changes yields the changes of category until the context ends. An error is yielded too,
// and polling continues, unless every later poll would fail in the same way or no user is
// left: then the sequence ends. It can be ranged once.
func (w *watcher) changes(ctx context.Context) iter.Seq2[change, error] {
	return func(yield func(change, error) bool) {
		poll := w.pollEach
		if len(w.ids) == 0 {
			poll = w.pollAll
		}
		w.shown = map[int64]symphony.PresenceCategory{}
		for {
			wait, ok := poll(ctx, yield)
			if !ok {
				return
			}
			w.polled()
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// pollEach reads the presences of the users, one after the other. An error ends the poll,
// so that a pod that fails does not get a request for each user. The next poll begins with
// the next user, so that a user whose read always fails does not block the others. A user
// whom the pod does not know is not read again.
func (w *watcher) pollEach(ctx context.Context, yield func(change, error) bool) (wait time.Duration, ok bool) {
	for range len(w.ids) {
		id := w.ids[0]
		w.ids = w.ids[1:]
		presence, err := w.client.GetUserPresence(ctx, id, false)
		if errors.As(err, new(*symphony.NotFoundError)) {
			if !w.lost(id, err, yield) {
				return 0, false
			}
			continue
		}
		w.ids = append(w.ids, id)
		if err != nil {
			return w.failed(ctx, err, yield)
		}
		presence.UserID = id // the pod may leave it out
		if !w.saw(*presence, yield) {
			return 0, false
		}
	}
	return w.every, len(w.ids) > 0
}

// pollAll lists all users. A user who was listed before and is not listed any more is
// inactive; only a complete listing shows that.
func (w *watcher) pollAll(ctx context.Context, yield func(change, error) bool) (wait time.Duration, ok bool) {
	missing := maps.Clone(w.shown)
	for presence, err := range w.client.AllPresences(ctx) {
		if err != nil {
			return w.failed(ctx, err, yield)
		}
		delete(missing, presence.UserID)
		if presence.UserID != 0 && !w.saw(presence, yield) {
			return 0, false
		}
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		if !w.saw(symphony.V2Presence{UserID: id, Category: inactive}, yield) {
			return 0, false
		}
	}
	return w.every, true
}

// saw yields a change if the category differs from the last one. The timestamp of an
// offline user is not used, because it is the time of the query.
func (w *watcher) saw(presence symphony.V2Presence, yield func(change, error) bool) bool {
	from := w.shown[presence.UserID]
	if from == presence.Category {
		return true
	}
	w.shown[presence.UserID] = presence.Category
	c := change{user: presence.UserID, at: time.Now(), from: from, to: presence.Category}
	if c.to != symphony.PresenceOffline {
		c.since = presence.Timestamp.Time
	}
	return yield(c, nil)
}

// lost yields the change of a user whom the pod does not know, and the error.
func (w *watcher) lost(id int64, err error, yield func(change, error) bool) bool {
	return w.saw(symphony.V2Presence{UserID: id, Category: unknown}, yield) && yield(change{}, err)
}

// failed yields an error. It returns whether to poll again, and after which wait: at least
// the Retry-After of the response.
func (w *watcher) failed(ctx context.Context, err error, yield func(change, error) bool) (wait time.Duration, ok bool) {
	if ctx.Err() != nil {
		return 0, false // not a failure of the pod
	}
	if !yield(change{}, err) || isFinal(err) {
		return 0, false
	}
	if apiErr, ok := errors.AsType[*symphony.APIError](err); ok {
		return max(w.every, apiErr.RetryAfter), true
	}
	return w.every, true
}

// isFinal reports whether every later poll would fail with the same error: the credentials
// are refused, the certificate is not trusted, or the base URL has no such call.
func isFinal(err error) bool {
	return symphony.IsCredentialError(err) || cli.IsCertificateError(err) ||
		errors.As(err, new(*symphony.ForbiddenError)) ||
		errors.As(err, new(*symphony.NotFoundError)) ||
		errors.As(err, new(*symphony.InvalidArgumentError))
}
