package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/symphony-go/symphony/symphonytest"
)

// published is an update that NATS has stored.
type published struct {
	update
	sequence uint64 // its number in the stream
}

// audit is the pod's record of requests, compared with what was published.
type audit struct {
	published   int
	applied     int // updates that the pod took at least once
	dead        int // updates on the stream of dead letters
	redelivered int // deliveries after the first
	twice       int // applied again, by a later delivery of the same update
	unexplained int // applied again without one
	lost        int // neither applied nor dead-lettered
	outOfOrder  int // applied after a newer one of the same user
}

// applications is what the pod took of one update.
type applications struct {
	update    update
	last      uint64 // the last delivery that the pod took
	delivered uint64 // the last delivery at all
	taken     bool
}

// newAudit compares. Dead letters are given by their numbers in the stream.
func newAudit(updates []published, requests []symphonytest.Request, deadLetters map[uint64]bool) audit {
	a := audit{published: len(updates)}
	bySequence := map[uint64]*applications{}
	for _, p := range updates {
		bySequence[p.sequence] = &applications{update: p.update}
	}
	newest := map[int64]uint64{} // the newest update that each user shows
	for _, request := range requests {
		sequence, delivery, sent := sentBy(request)
		one, ok := bySequence[sequence]
		if !ok || one.update.UserID != sent.UserID || one.update.Category != sent.Category {
			continue // it was never published: the update that should have been applied is lost
		}
		one.delivered = max(one.delivered, delivery)
		if request.Status != http.StatusOK {
			continue
		}
		switch {
		case one.taken && delivery > one.last:
			a.twice++
		case one.taken:
			a.unexplained++
		}
		one.taken, one.last = true, delivery
		if sequence < newest[sent.UserID] {
			a.outOfOrder++
		}
		newest[sent.UserID] = max(newest[sent.UserID], sequence)
	}
	for sequence, one := range bySequence {
		switch {
		case one.taken:
			a.applied++
		case deadLetters[sequence]:
			a.dead++
		default:
			a.lost++
		}
		a.redelivered += int(max(one.delivered, 1) - 1) //nolint:gosec // a handful
	}
	return a
}

// sentBy reads a request: which delivery of which message it was, and what it sent.
func sentBy(request symphonytest.Request) (sequence, delivery uint64, sent update) {
	_, numbers, _ := strings.Cut(request.Header.Get("X-Trace-Id"), streamName+"-")
	_, _ = fmt.Sscanf(numbers, "%d-%d", &sequence, &delivery)
	_ = json.Unmarshal(request.Body, &sent)
	return sequence, delivery, sent
}

func (a audit) String() string {
	return fmt.Sprintf("%d published: applied %d, redelivered %d, applied twice %d, dead-lettered %d, lost %d, out of order %d",
		a.published, a.applied, a.redelivered, a.twice, a.dead, a.lost, a.outOfOrder)
}

// err is the failure of a rehearsal.
func (a audit) err() error {
	if a.lost > 0 || a.outOfOrder > 0 || a.unexplained > 0 {
		return fmt.Errorf("%w: lost %d, out of order %d, applied twice without a redelivery %d", errBroken, a.lost, a.outOfOrder, a.unexplained)
	}
	return nil
}
