package main

import (
	"context"
	"math"
	"net/http"
	"sync/atomic"

	"github.com/symphony-go/symphony"
)

// traffic counts the attempts of a client.
type traffic struct {
	retries, limited atomic.Int64
	limits           func() symphony.Limits // nil without a client
}

func (t *traffic) option() symphony.Option { return symphony.WithObserver(t.count) }

// count counts retries and responses with status 429.
func (t *traffic) count(_ context.Context, a symphony.Attempt) {
	if a.Number > 1 {
		t.retries.Add(1)
	}
	if a.StatusCode == http.StatusTooManyRequests {
		t.limited.Add(1)
	}
}

// rate is the rate that the client keeps since the pod responded with 429; 0 before.
func (t *traffic) rate() uint64 {
	if t.limits == nil {
		return 0
	}
	rate := t.limits().Rate
	if math.IsInf(rate, 1) {
		return 0
	}
	return uint64(math.Round(rate))
}
