package seeds_test

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"time"
)

// faultKind is what goes wrong with one request.
type faultKind int

const (
	noFault     faultKind = iota
	statusFirst           // a status, and the pod does nothing
	statusAfter           // a status of a gateway, after the pod did what was asked
	resetFirst            // a connection reset before the pod received the request
	resetAfter            // a connection reset after the pod did what was asked
	cutBody               // a 200 whose body breaks off
	hangFirst             // no response, and the pod does nothing
	hangAfter             // no response, after the pod did what was asked
	signOnPage            // an HTML page under 200, and the pod does nothing
	faultKinds
)

// fault is how the pod and the network treat one request.
type fault struct {
	kind       faultKind
	status     int
	retryAfter string
	up, down   time.Duration // the travel times of request and response
}

// weather draws the faults of a pod. A request's fault depends on the seed, on what the
// request is about and on how often that was asked, but not on the order of other requests.
type weather struct {
	seed    uint64
	latency time.Duration
	tick    tick
	faulty  float64 // part of the requests that meet a fault
	windows []window
	seen    map[string]uint64
}

// tick is what all times that a seed draws are multiples of. Many things happen at the same
// moment with a long one.
type tick time.Duration

// draw returns a time above 0 and of about most at most.
func (t tick) draw(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(t) * time.Duration(1+random.Int64N(max(1, int64(most)/int64(t))))
}

// window is a time in which all requests of some kind meet the same fault.
type window struct {
	from, to time.Duration // since the pod began
	logins   bool          // only logins meet it
	fault    fault
}

// draw returns the fault of the next request about a key.
func (w *weather) draw(key string, login bool, now time.Duration) fault {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(key))
	w.seen[key]++
	random := rand.New(rand.NewPCG(w.seed, hash.Sum64()+w.seen[key]))
	f := fault{}
	if random.Float64() < w.faulty {
		f = drawFault(random)
	}
	for _, window := range w.windows {
		if now >= window.from && now < window.to && (login || !window.logins) {
			f = window.fault
		}
	}
	f.up, f.down = w.tick.draw(random, w.latency), w.tick.draw(random, w.latency)
	if random.IntN(50) == 0 { // slow
		f.down *= 20
	}
	return f
}

// drawFault draws one fault. Hangs are rare, because each takes an attempt timeout.
func drawFault(random *rand.Rand) fault {
	switch n := random.IntN(20); {
	case n < 5:
		return drawThrottle(random)
	case n < 9:
		statuses := []int{500, 502, 503, 504, 520, 408, 425}
		f := fault{kind: statusFirst, status: statuses[random.IntN(len(statuses))]}
		if f.status == http.StatusServiceUnavailable && random.IntN(2) == 0 {
			f.retryAfter = "1"
		}
		return f
	case n < 11:
		return fault{kind: statusAfter, status: 500 + 4*random.IntN(2)}
	case n < 13:
		return fault{kind: resetFirst}
	case n < 15:
		return fault{kind: resetAfter}
	case n < 17:
		return fault{kind: cutBody}
	case n < 18:
		return fault{kind: hangFirst}
	case n < 19:
		return fault{kind: hangAfter}
	default:
		return fault{kind: signOnPage}
	}
}

// drawThrottle draws a 429, with and without Retry-After, one of them too long to wait for.
func drawThrottle(random *rand.Rand) fault {
	asked := []string{"", "", "0", "1", "2", "0.5", "60", "soon"}
	return fault{kind: statusFirst, status: http.StatusTooManyRequests, retryAfter: asked[random.IntN(len(asked))]}
}

// drawWindows draws at most two outages, and seldom a time in which logins are refused.
func drawWindows(random *rand.Rand) (windows []window) {
	kinds := []fault{
		{kind: resetFirst},
		{kind: statusFirst, status: http.StatusServiceUnavailable},
		{kind: statusAfter, status: http.StatusGatewayTimeout},
		{kind: hangFirst},
		{kind: resetAfter},
		{kind: statusFirst, status: http.StatusTooManyRequests, retryAfter: "1"},
	}
	for range max(0, random.IntN(5)-2) {
		from := time.Duration(random.IntN(20_000)) * time.Millisecond
		length := time.Duration(1+random.IntN(15_000)) * time.Millisecond
		windows = append(windows, window{from: from, to: from + length, fault: kinds[random.IntN(len(kinds))]})
	}
	if random.IntN(20) == 0 {
		from := time.Duration(random.IntN(10_000)) * time.Millisecond
		refusal := fault{kind: statusFirst, status: []int{http.StatusUnauthorized, http.StatusForbidden}[random.IntN(2)]}
		windows = append(windows, window{from: from, to: from + 5*time.Second, logins: true, fault: refusal})
	}
	return windows
}
