package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// audit compares the pod's state and its log of requests with what the people did.
type audit struct {
	events      int // that the service accepted
	changed     int // episodes that showed ON_THE_PHONE
	reverted    int // of these, episodes after which the previous presence was restored
	left        int // of these, episodes in which the user chose another presence
	stuck       int // of these, episodes after which ON_THE_PHONE remained
	overwritten int // choices of users that the service replaced
	lost        int // events that did not have their effect, or not in time
}

func (a audit) String() string {
	return fmt.Sprintf("events %d, changed %d, reverted %d, left to the user %d, stuck %d, overwritten %d, lost %d",
		a.events, a.changed, a.reverted, a.left, a.stuck, a.overwritten, a.lost)
}

// faults returns how much the service did wrong.
func (a audit) faults() int { return a.stuck + a.overwritten + a.lost }

// set is a presence that the pod has set.
type set struct {
	at       time.Time
	category symphony.PresenceCategory
	own      bool // by the user, not by the service
}

// newAudit audits a rehearsal. At expiry, and not before, the service took calls without an
// end for ended.
func newAudit(actors []*actor, pod *symphonytest.Pod, expiry time.Time) audit {
	var a audit
	sets := setsByUser(actors, pod.Requests())
	for _, actor := range actors {
		a.events += actor.events
		a.person(actor, sets[actor.user.ID], expiry)
	}
	return a
}

// setsByUser returns what the pod has set, in order. The request of the service names the
// user, that of a user is known by its session token.
func setsByUser(actors []*actor, requests []symphonytest.Request) map[int64][]set {
	owners := map[string]int64{}
	for _, actor := range actors {
		owners[actor.token] = actor.user.ID
	}
	sets := map[int64][]set{}
	for _, request := range requests {
		if request.Method != http.MethodPost || request.Status != http.StatusOK {
			continue
		}
		var body struct {
			Category symphony.PresenceCategory
			UserID   int64
		}
		_ = json.Unmarshal(request.Body, &body)
		switch request.Path {
		case "/v3/user/presence":
			sets[body.UserID] = append(sets[body.UserID], set{request.Time, body.Category, false})
		case "/v2/user/presence":
			userID := owners[request.Header.Get("Sessiontoken")]
			sets[userID] = append(sets[userID], set{request.Time, body.Category, true})
		}
	}
	return sets
}

// person audits the episodes of one person, and then what they show.
func (a *audit) person(actor *actor, sets []set, expiry time.Time) {
	before := a.faults()
	shows := cmp.Or(actor.user.Category, symphony.PresenceAvailable)
	for i, e := range actor.episodes {
		if e.kind == forgotten {
			e.ended = expiry
		}
		end := expiry.Add(time.Hour)
		if i+1 < len(actor.episodes) {
			end = actor.episodes[i+1].started
		}
		if e.chooses != "" {
			shows = e.chooses
		}
		own := a.episode(e, within(sets, e.began, end), shows, expiry)
		shows = cmp.Or(own, shows)
		if a.faults() > before {
			return // what follows may be a consequence
		}
	}
	switch actor.shows() {
	case shows:
	case symphony.PresenceOnThePhone:
		a.stuck++
	default:
		a.overwritten++
	}
}

func within(sets []set, from, to time.Time) []set {
	return slices.DeleteFunc(slices.Clone(sets), func(s set) bool { return s.at.Before(from) || !s.at.Before(to) })
}

// episode audits an episode of a person who showed a category before it. It returns what
// they chose during it, or "".
func (a *audit) episode(e *episode, sets []set, before symphony.PresenceCategory, expiry time.Time) (own symphony.PresenceCategory) {
	var shown, restored, early, overwritten bool
	var last symphony.PresenceCategory // set by the service
	for _, s := range sets {
		switch {
		case s.own:
			own = s.category
			continue
		case own != "":
			overwritten = true
		case s.category == symphony.PresenceOnThePhone && s.at.Before(e.overlapped) || e.kind == brief:
			shown = true
		}
		last = s.category
		restored = last != symphony.PresenceOnThePhone
		early = early || restored && s.at.Before(e.ended)
	}
	lateRestore := restored && e.kind != forgotten && !sets[len(sets)-1].at.Before(expiry)
	if shown {
		a.changed++
	}
	switch {
	case e.kind == reversed:
		if len(sets) > 0 {
			a.lost++
		}
	case overwritten:
		a.overwritten++
	case !shown && e.kind != brief, early, lateRestore:
		a.lost++
	case !shown: // it was over before it could show
	case own != "":
		a.left++
	case !restored:
		a.stuck++
	case last != before:
		a.overwritten++
	default:
		a.reverted++
	}
	return own
}
