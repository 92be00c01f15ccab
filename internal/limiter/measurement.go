package limiter

import "time"

const (
	// A rate is measured by so many accepted requests.
	minMeasured = 8

	// Refusals further apart do not come from one excess of requests.
	maxRefusalGap = 150 * time.Millisecond
)

// measurement measures what a server accepts while it is asked for more: from the first
// refusal to the last response before the pause.
type measurement struct {
	first   time.Time // the first refusal
	refusal time.Time // the last one
	last    time.Time // when the last request was accepted
	count   int       // accepted since the first refusal
	isOver  bool
}

func (m *measurement) refused(now time.Time) {
	if now.Sub(m.refusal) > maxRefusalGap {
		*m = measurement{first: now}
	}
	m.refusal = now
}

func (m *measurement) accepted(now time.Time) {
	if now.After(m.first) { // those that came with the first refusal were sent before the excess
		m.last = now
		m.count++
	}
}

// rate returns the measured rate, if there was enough to measure.
func (m *measurement) rate() (rate float64, ok bool) {
	if m.count < minMeasured {
		return 0, false
	}
	return float64(m.count) / m.last.Sub(m.first).Seconds(), true
}
