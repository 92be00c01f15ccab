package symphony

import "time"

// Internals that tests check directly.
var (
	RetryAfter = retryAfter
	Line       = line
	ErrorLine  = errorLine
)

// Backoff returns the policy's wait after an attempt, with its defaults.
func (p RetryPolicy) Backoff(attempt int) time.Duration { return p.withDefaults().backoff(attempt) }

// ScanPresence decodes a presence without encoding/json, if it is in the usual form.
func ScanPresence(data []byte) (p V2Presence, ok bool) {
	ok = p.scan(data)
	return p, ok
}
