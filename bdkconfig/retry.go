package bdkconfig

import (
	"math"
	"time"

	"github.com/symphony-go/symphony"
)

// The SDK's own shortest and longest wait.
const (
	defaultInitialInterval = 250 * time.Millisecond
	defaultMaxInterval     = 5 * time.Second
)

// retryPolicy is the policy of the section retry. A limit that it leaves out gives
// way to the one that it sets.
func (v value) retryPolicy() symphony.RetryPolicy {
	initial, longest := v.at("initialIntervalMillis"), v.at("maxIntervalMillis")
	policy := symphony.RetryPolicy{
		MaxAttempts: v.at("maxAttempts").attempts(),
		MinBackoff:  initial.millis(),
		MaxBackoff:  longest.millis(),
	}
	switch {
	case policy.MinBackoff == 0 && policy.MaxBackoff > 0:
		policy.MinBackoff = min(defaultInitialInterval, policy.MaxBackoff)
	case policy.MaxBackoff == 0 && policy.MinBackoff > 0:
		policy.MaxBackoff = max(defaultMaxInterval, policy.MinBackoff)
	case policy.MinBackoff > policy.MaxBackoff:
		initial.fail("%d is above %s (%d)", policy.MinBackoff.Milliseconds(), longest.key, policy.MaxBackoff.Milliseconds())
	}
	return policy
}

// attempts is a number of tries, 0 when there is none; -1 is without limit.
func (v value) attempts() int {
	if v.text() == "-1" {
		return math.MaxInt
	}
	return v.number(1, math.MaxInt32, "a number of attempts (1 or more, or -1 for no limit)")
}
