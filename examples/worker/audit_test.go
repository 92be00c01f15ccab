package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	request := func(sequence, delivery, status int, user int64, category symphony.PresenceCategory) symphonytest.Request {
		return symphonytest.Request{
			Header: http.Header{"X-Trace-Id": {fmt.Sprintf("PRESENCE-%d-%d", sequence, delivery)}},
			Body:   fmt.Appendf(nil, `{"category":%q,"userId":%d}`, category, user),
			Status: status,
		}
	}
	updates := []published{
		{update{UserID: 1, Category: "BUSY"}, 1},
		{update{UserID: 2, Category: "BUSY"}, 2},
		{update{UserID: 1, Category: "AWAY"}, 3},
	}
	busy, other, away := request(1, 1, 200, 1, "BUSY"), request(2, 1, 200, 2, "BUSY"), request(3, 1, 200, 1, "AWAY")
	for _, test := range []struct {
		name     string
		requests []symphonytest.Request
		dead     map[uint64]bool
		want     audit
		broken   bool
	}{
		{"all well", []symphonytest.Request{busy, other, away}, nil, audit{applied: 3}, false},
		{"users need not wait for one another", []symphonytest.Request{busy, away, other}, nil, audit{applied: 3}, false},
		{"retried in one delivery", []symphonytest.Request{request(1, 1, 500, 1, "BUSY"), busy, other, away}, nil, audit{applied: 3}, false},
		{"redelivered", []symphonytest.Request{request(1, 1, 500, 1, "BUSY"), request(1, 2, 200, 1, "BUSY"), other, away}, nil, audit{applied: 3, redelivered: 1}, false},
		{"applied twice by a redelivery", []symphonytest.Request{busy, request(1, 2, 200, 1, "BUSY"), other, away}, nil, audit{applied: 3, redelivered: 1, twice: 1}, false},
		{"applied twice for no reason", []symphonytest.Request{busy, busy, other, away}, nil, audit{applied: 3, unexplained: 1}, true},
		{"applied late by an earlier delivery", []symphonytest.Request{request(1, 2, 200, 1, "BUSY"), busy, other, away}, nil, audit{applied: 3, redelivered: 1, unexplained: 1}, true},
		{"dead-lettered", []symphonytest.Request{busy, request(2, 1, 404, 2, "BUSY"), away}, map[uint64]bool{2: true}, audit{applied: 2, dead: 1}, false},
		{"lost", []symphonytest.Request{busy, away}, nil, audit{applied: 2, lost: 1}, true},
		{"never taken", []symphonytest.Request{busy, request(2, 1, 503, 2, "BUSY"), away}, nil, audit{applied: 2, lost: 1}, true},
		{"another category", []symphonytest.Request{busy, request(2, 1, 200, 2, "AWAY"), away}, nil, audit{applied: 2, lost: 1}, true},
		{"another user", []symphonytest.Request{busy, request(2, 1, 200, 3, "BUSY"), away}, nil, audit{applied: 2, lost: 1}, true},
		{"out of order", []symphonytest.Request{away, busy, other}, nil, audit{applied: 3, outOfOrder: 1}, true},
		{"an old one once more", []symphonytest.Request{busy, away, request(1, 2, 200, 1, "BUSY"), other}, nil, audit{applied: 3, redelivered: 1, twice: 1, outOfOrder: 1}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := newAudit(updates, test.requests, test.dead)
			test.want.published = 3
			require.Equal(t, test.want, got)
			require.Equal(t, test.broken, got.err() != nil)
		})
	}
}
