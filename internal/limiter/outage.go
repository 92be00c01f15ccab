package limiter

import "time"

const (
	// Failures in a row that mean an outage. It is more than the attempts of one call,
	// which may fail for a reason of its own.
	outageFailures = 5

	// During an outage a request is sent now and then to see whether it is over.
	minProbe = 100 * time.Millisecond
	maxProbe = 2 * time.Second

	// Someone probably waits for a single call: it is held back for no longer than this.
	maxSingleProbe = time.Second
)

// outage limits the number of requests in flight while requests fail one after another.
// Each further failure halves it, each response adds one. Beyond that number only
// probes are sent, and with a limit of one nothing but probes.
type outage struct {
	failures int // in a row
	limit    int // requests in flight; 0 for none
	probed   time.Time
	interval time.Duration // from one probe to the next
}

func (o *outage) isActive() bool { return o.failures > 0 || o.limit > 0 }

// failed takes a failure.
func (o *outage) failed(now time.Time, inFlight int) {
	if o.failures++; o.failures < outageFailures {
		return
	}
	if o.limit == 0 {
		o.limit = max(1, inFlight)
		o.probed, o.interval = now, minProbe
	}
	o.limit = max(1, min(o.limit, inFlight)/2)
}

// responded takes a response that shows the server at work. The limit is lifted when
// it holds no call back any longer.
func (o *outage) responded(inFlight, waiting int) {
	o.failures = 0
	switch o.limit {
	case 0:
		return
	case 1:
		o.limit = inFlight + 2 // probes that hang do not count
	default:
		o.limit++
	}
	if o.limit > inFlight+waiting {
		o.limit = 0
	}
}

// turn returns when the call at the head of the queue may be sent.
func (o *outage) turn(w *waiter, inFlight int) time.Time {
	if o.isOpen(inFlight) {
		return time.Time{}
	}
	probe := o.probed.Add(o.interval)
	if !w.class.isBulk() {
		probe = o.probed.Add(o.interval / 2)
		if patience := w.arrived.Add(maxSingleProbe); patience.Before(probe) {
			probe = patience
		}
	}
	return probe
}

func (o *outage) isOpen(inFlight int) bool {
	return o.limit == 0 || o.limit > 1 && inFlight < o.limit
}

func (o *outage) take(now time.Time, inFlight int) {
	if !o.isOpen(inFlight) {
		o.probed, o.interval = now, min(2*o.interval, maxProbe)
	}
}
