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

// What a user shows whom the pod does not show.
const (
	inactive symphony.PresenceCategory = "(inactive)" // no longer listed
	unknown  symphony.PresenceCategory = "(unknown)"  // not or no longer at the pod
)

// change is a user who shows another category than at the last poll.
type change struct {
	user     int64
	at       time.Time                 // of the poll that noticed it
	from, to symphony.PresenceCategory // from is "" at first sight
	since    time.Time                 // when it was set, zero if that is not known
}

// watcher polls, which is how a program learns of changes since the presence feeds are
// retired.
type watcher struct {
	client *symphony.Client
	ids    []int64       // who is asked for, the next one first; none for all users
	every  time.Duration // from the end of a poll to the next
	polled func()        // called after each poll, before the wait

	shown map[int64]symphony.PresenceCategory // by user, at the last poll
}

// changes gives the changes of category until the context ends. An error does not end
// it, and the next poll goes on, unless the error would be the same for ever or nobody
// is left to ask for: then it is the last thing given. It is to be ranged once.
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

// pollEach asks for one user after the other. An error ends the poll, so that a pod in
// trouble is not asked once more for each user; the next poll begins with the user
// after, so that one who always fails keeps nobody from their turn. A user whom the pod
// does not know is not asked for again.
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
		presence.UserID = id // which the pod may leave out
		if !w.saw(*presence, yield) {
			return 0, false
		}
	}
	return w.every, len(w.ids) > 0
}

// pollAll lists all users. Who was listed before and is no longer is not active, which
// only a listing that came to its end can tell.
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

// saw gives a change if the presence is one. The timestamp of a user who is offline is
// the time of the query, and says nothing of the user.
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

// lost gives what a user comes to whom the pod does not know, and why.
func (w *watcher) lost(id int64, err error, yield func(change, error) bool) bool {
	return w.saw(symphony.V2Presence{UserID: id, Category: unknown}, yield) && yield(change{}, err)
}

// failed gives an error, and says whether to poll again and when: not before the pod
// wants it.
func (w *watcher) failed(ctx context.Context, err error, yield func(change, error) bool) (wait time.Duration, ok bool) {
	if ctx.Err() != nil {
		return 0, false // which is no failure of the pod
	}
	if !yield(change{}, err) || isFinal(err) {
		return 0, false
	}
	if apiErr, ok := errors.AsType[*symphony.APIError](err); ok {
		return max(w.every, apiErr.RetryAfter), true
	}
	return w.every, true
}

// isFinal reports whether an error would be that of every further poll: the
// credentials are refused, the certificate is not trusted, or there is no such call at
// the base URL.
func isFinal(err error) bool {
	return symphony.IsCredentialError(err) || cli.IsCertificateError(err) ||
		errors.As(err, new(*symphony.ForbiddenError)) ||
		errors.As(err, new(*symphony.NotFoundError)) ||
		errors.As(err, new(*symphony.InvalidArgumentError))
}
