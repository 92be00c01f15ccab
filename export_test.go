package symphony

import "time"

// What the tests of the retry policy look into.
var (
	RetryAfter = retryAfter
	Line       = line
)

// Backoff is the policy's wait after an attempt, with its defaults.
func (p RetryPolicy) Backoff(attempt int) time.Duration { return p.withDefaults().backoff(attempt) }
