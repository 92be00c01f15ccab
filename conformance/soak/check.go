package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// history is all that is known of a user in a round.
type history struct {
	before   symphony.PresenceCategory
	updates  []*update // in the order in which they were given
	requests []request // in the order in which the pod received them
	after    symphony.PresenceCategory
}

// request is a request that the pod received.
type request struct {
	category symphony.PresenceCategory
	status   int // 0 when the response was cut off
}

// findings are what is wrong with a round.
type findings struct {
	lost     []string // updates that the client reports as done, and the pod has not done
	disorder []string // updates that came before an earlier update of the same user
}

// add adds what was found elsewhere.
func (f *findings) add(more findings) {
	f.lost = append(f.lost, more.lost...)
	f.disorder = append(f.disorder, more.disorder...)
}

// check compares what a client says of a user's updates with what the pod received,
// and with the state that it is in.
func (h *history) check(user int64, f *findings) {
	newest, succeeded := -1, map[int]bool{}
	for _, r := range h.requests {
		i := h.index(r.category)
		if i < newest || i < 0 {
			f.disorder = append(f.disorder, fmt.Sprintf("user %d: a request with %s out of its turn", user, r.category))
		}
		newest = max(newest, i)
		succeeded[i] = succeeded[i] || r.status == http.StatusOK
	}
	for i, u := range h.updates {
		if u.outcome == done && !succeeded[i] {
			f.lost = append(f.lost, fmt.Sprintf("user %d: %s is reported as done, but the pod did not return 200", user, u.Category))
		}
	}
	h.checkState(user, f)
}

// checkState checks the pod's state: the presence of the last update that is done, or of
// a later update that failed.
func (h *history) checkState(user int64, f *findings) {
	last := -1 // the state before
	for i, u := range h.updates {
		if u.outcome == done {
			last = i
		}
	}
	i := h.index(h.after)
	switch {
	case last < 0 && h.after == h.before:
	case i >= 0 && i == last:
	case i > last && h.updates[i].outcome == failed:
	case i >= 0 && i < last:
		f.disorder = append(f.disorder, fmt.Sprintf("user %d: %s stands, and %s was done after it", user, h.after, h.updates[last].Category))
	default:
		f.lost = append(f.lost, fmt.Sprintf("user %d: %s stands, which no update explains", user, h.after))
	}
}

// index is the place of the update with a category, -1 without one.
func (h *history) index(category symphony.PresenceCategory) int {
	return slices.IndexFunc(h.updates, func(u *update) bool { return u.Category == category })
}

// check checks a round at a pod that is at rest, and knows the users' presences before.
func (r *round) check(pod *symphonytest.Pod, before map[int64]symphony.PresenceCategory, received []symphonytest.Request) findings {
	histories := make(map[int64]*history, len(before))
	for user, category := range before {
		state, _ := pod.User(user)
		histories[user] = &history{before: category, after: state.Category}
	}
	for _, lane := range r.lanes {
		for _, u := range lane {
			h := histories[u.UserID]
			h.updates = append(h.updates, u)
		}
	}
	for _, entry := range received {
		var set symphony.V2Presence
		if json.Unmarshal(entry.Body, &set) != nil || histories[set.UserID] == nil {
			continue // a login
		}
		h := histories[set.UserID]
		h.requests = append(h.requests, request{set.Category, entry.Status})
	}
	var f findings
	for _, user := range slices.Sorted(maps.Keys(histories)) {
		histories[user].check(user, &f)
	}
	return f
}
