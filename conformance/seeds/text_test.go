package seeds_test

import (
	"fmt"
	"strings"

	"github.com/symphony-go/symphony"
)

// text describes requests for a finding.
func text(messages []*message) string {
	lines := []string{fmt.Sprintf("%d requests", len(messages))}
	for _, m := range messages {
		lines = append(lines, fmt.Sprintf("%s %s %d user %d %s %s to %s: %d whole=%t applied=%t token %s",
			m.call.operation, m.call.trace, m.number, m.user, m.category, m.start.Format("05.000000"), m.end.Format("05.000000"),
			m.status, m.whole, m.applied, m.token))
	}
	return strings.Join(lines, "\n\t")
}

func writesText(writes []*write) string {
	words := make([]string, len(writes))
	for i, w := range writes {
		words[i] = fmt.Sprintf("%s %s", w.category, [...]string{"unknown", "succeeded", "unneeded", "failed"}[w.outcome])
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func reportsText(attempts []symphony.Attempt) string {
	words := make([]string, len(attempts))
	for i, a := range attempts {
		words[i] = fmt.Sprintf("{%d status %d last=%t backoff %v err %v}", a.Number, a.StatusCode, a.Last, a.Backoff, a.Err)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
