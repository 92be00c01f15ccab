package simulation_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// verdict is what a model pod does with a request.
type verdict struct {
	status     int    // 0 for no response
	retryAfter string // seconds
	hang       bool   // until the attempt times out
}

var (
	accept  = verdict{status: http.StatusOK}
	refuse  = verdict{status: http.StatusTooManyRequests, retryAfter: "1"}
	failure = verdict{status: http.StatusInternalServerError}

	errRefusedConnection = errors.New("connection refused")
)

// limit decides about the requests of a pod, at the time of their arrival in seconds.
type limit interface {
	judge(at float64, inFlight int) verdict
}

// limitFunc is a limit that is a function.
type limitFunc func(at float64, inFlight int) verdict

func (f limitFunc) judge(at float64, inFlight int) verdict { return f(at, inFlight) }

// event is one request as its pod saw it.
type event struct {
	at      float64 // seconds since the pod began
	client  string
	verdict verdict
}

// pod is a model of a pod. It is the transport of its clients.
type pod struct {
	latency func(inFlight int) time.Duration
	limit   limit
	random  *rand.Rand
	start   time.Time

	mu       sync.Mutex
	inFlight int // accepted and not yet responded to
	events   []event
}

func newPod(random *rand.Rand, latency time.Duration, limit limit) *pod {
	p := &pod{random: random, limit: limit, start: time.Now()}
	p.latency = func(int) time.Duration { return latency }
	return p
}

func (p *pod) now() float64 { return time.Since(p.start).Seconds() }

// RoundTrip serves a request. Its latency varies by a tenth, so that workers do not move
// in step.
func (p *pod) RoundTrip(req *http.Request) (*http.Response, error) {
	_ = req.Body.Close()
	p.mu.Lock()
	v := p.limit.judge(p.now(), p.inFlight)
	served := v == accept
	if served {
		p.inFlight++
	}
	p.events = append(p.events, event{p.now(), req.Header.Get("X-Client"), v})
	latency := time.Duration(float64(p.latency(p.inFlight)) * (0.9 + 0.2*p.random.Float64()))
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if served {
			p.inFlight--
		}
	}()
	if v.hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if v.status == 0 {
		return nil, errRefusedConnection
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	response := &http.Response{
		StatusCode: v.status,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(`{"category":"BUSY","userId":7,"timestamp":1700000000000}`)),
		Request:    req,
	}
	if v.retryAfter != "" {
		response.Header.Set("Retry-After", v.retryAfter)
	}
	return response, nil
}

// count counts the requests from one time to another that a function picks.
func (p *pod) count(from, to float64, pick func(event) bool) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.at >= from && e.at < to && pick(e) {
			n++
		}
	}
	return n
}

func isAny(event) bool { return true }

func isAccepted(e event) bool { return e.verdict == accept }

func isRefused(e event) bool { return e.verdict.retryAfter != "" }
