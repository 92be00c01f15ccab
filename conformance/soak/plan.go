package main

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

const (
	users    = 400
	bulkRuns = 2 // of a round, each for a third of the users
	callers  = 8 // of a round, who make single calls for the other users
)

// outcome is what became of an update.
type outcome int

const (
	unsent outcome = iota
	done           // the pod returned 200
	failed         // the pod may have done it or not
)

// update is a step in the presence of a user. The steps of one user are sent one after
// the other.
type update struct {
	symphony.PresenceUpdate
	outcome outcome
}

// round is a part of a run, after which the pod is at rest and is looked at. A plan with
// the same seed and number is the same.
type round struct {
	lanes  [][]*update          // what is sent one after the other; a user is in one lane only
	faults []symphonytest.Fault // that the pod's requests meet, in this order
	expiry int                  // all sessions end after so many results
}

// planRound plans the nth round. A user never has the same category twice in a round and the
// round before it, so the category of a request, or of the pod's state, identifies its update.
func planRound(seed, n uint64) *round {
	random := rand.New(rand.NewPCG(seed, n))
	categories := symphony.PresenceCategories()
	if half := len(categories) / 2; n%2 == 0 {
		categories = categories[:half]
	} else {
		categories = categories[half:]
	}
	r := &round{lanes: make([][]*update, bulkRuns+callers)}
	total := 0
	for lane := range r.lanes {
		r.lanes[lane] = planLane(random, lane, categories)
		total += len(r.lanes[lane])
	}
	r.faults = planFaults(random, total)
	r.expiry = total/4 + random.IntN(total/4) // no call meets two of them: there is a new session before the next round
	return r
}

// laneOf is the lane of a user.
func laneOf(user int64) int {
	if third := int(user % 3); third < bulkRuns {
		return third
	}
	return bulkRuns + int(user/3)%callers
}

// planLane plans the updates of a lane's users, one user's in between another's.
func planLane(random *rand.Rand, lane int, categories []symphony.PresenceCategory) []*update {
	var order []int64 // whose turn it is
	for user := int64(1); user <= users; user++ {
		if laneOf(user) == lane {
			order = append(order, slices.Repeat([]int64{user}, random.IntN(len(categories)+1))...)
		}
	}
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	left := map[int64][]int{}
	updates := make([]*update, len(order))
	for i, user := range order {
		if len(left[user]) == 0 {
			left[user] = random.Perm(len(categories))
		}
		category := categories[left[user][0]]
		left[user] = left[user][1:]
		updates[i] = &update{PresenceUpdate: symphony.PresenceUpdate{UserID: user, Category: category, Soft: random.IntN(2) == 0}}
	}
	return updates
}

// planFaults plans what goes wrong with about one request in eight.
func planFaults(random *rand.Rand, requests int) []symphonytest.Fault {
	var faults []symphonytest.Fault
	for n := 0; n < requests; {
		sound := 1 + random.IntN(14)
		faults = append(faults, symphonytest.Fault{Times: sound}, planFault(random))
		n += sound + 1
	}
	return faults
}

// planFault draws a fault. The two faults that slow down all calls are rare: a delay that is
// longer than an attempt may be, and a 429, after which the client searches for the limit.
func planFault(random *rand.Rand) symphonytest.Fault {
	switch n := random.IntN(200); {
	case n < 1:
		return symphonytest.Fault{Delay: time.Hour}
	case n < 2:
		return planStatus(random, http.StatusTooManyRequests)
	case n < 40:
		return symphonytest.Fault{Reset: true}
	case n < 80:
		return symphonytest.Fault{CutBody: true}
	case n < 100:
		return symphonytest.Fault{Status: http.StatusGatewayTimeout, CutBody: true, Body: "<html><title>504</title></html>"}
	case n < 120:
		return symphonytest.Fault{Delay: time.Duration(random.IntN(20)) * time.Millisecond}
	default:
		statuses := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}
		return planStatus(random, statuses[random.IntN(len(statuses))])
	}
}

// planStatus draws a response with a status, with or without Retry-After. Real pods ask for
// whole seconds; the client accepts fractions.
func planStatus(random *rand.Rand, status int) symphonytest.Fault {
	fault := symphonytest.Fault{Status: status, Header: http.Header{}}
	if random.IntN(2) == 0 {
		fault.Header.Set("Retry-After", strconv.FormatFloat(0.01*float64(1+random.IntN(5)), 'f', 2, 64))
	}
	return fault
}
