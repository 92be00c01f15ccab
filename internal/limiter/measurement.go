package limiter

import "time"

// minMeasured is the number of accepted requests that measures a rate.
const minMeasured = 6

// measurement measures what a server accepts while it is asked for more, by the requests
// that were in flight when many had been refused.
type measurement struct {
	start time.Time // when there were many refusals; zero when there is nothing to measure
	last  time.Time // when the last request was accepted
	count int       // accepted requests
}

func (m *measurement) accepted(now time.Time) {
	if now.After(m.start) {
		m.last = now
		m.count++
	}
}

// rate returns the measured rate, if there was enough to measure.
func (m *measurement) rate() (rate float64, ok bool) {
	if m.count < minMeasured {
		return 0, false
	}
	return float64(m.count) / m.last.Sub(m.start).Seconds(), true
}
