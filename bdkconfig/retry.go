package bdkconfig

import (
	"math"

	"github.com/symphony-go/symphony"
)

// retryPolicy returns the policy of the section retry.
func (v value) retryPolicy() symphony.RetryPolicy {
	initial, longest := v.at("initialIntervalMillis"), v.at("maxIntervalMillis")
	policy := symphony.RetryPolicy{
		MaxAttempts: v.at("maxAttempts").attempts(),
		MinBackoff:  initial.millis(),
		MaxBackoff:  longest.millis(),
	}
	switch {
	case check(symphony.WithRetryPolicy(policy)) == nil:
	case policy.MinBackoff > 0 && policy.MaxBackoff > 0:
		initial.fail("%d is above %s (%d)", policy.MinBackoff.Milliseconds(), longest.key, policy.MaxBackoff.Milliseconds())
	default: // only one is set, and it does not fit the SDK's default for the other
		policy.MinBackoff = max(policy.MinBackoff, policy.MaxBackoff)
		policy.MaxBackoff = policy.MinBackoff
	}
	return policy
}

// check returns the error of an option.
func check(option symphony.Option) error {
	_, err := symphony.NewClient("https://localhost", symphony.NoSessionToken, option)
	return err
}

// attempts returns a number of attempts, 0 if there is none; -1 is without limit.
func (v value) attempts() int {
	if v.text() == "-1" {
		return math.MaxInt
	}
	return v.number(1, math.MaxInt32, "a number of attempts (1 or more, or -1 for no limit)")
}
