package seeds_test

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
)

var bubble = regexp.MustCompile(`^goroutine \d+ .*(synctest bubble \d+)`)

// strangers returns the other goroutines of the caller's bubble, without those whose stack
// holds one of the allowed words.
func strangers(allowed ...string) (found []string) {
	own := bubble.FindStringSubmatch(stacks(false))
	if own == nil {
		return []string{"no bubble"}
	}
	for i, stack := range strings.Split(stacks(true), "\n\n") {
		header, _, _ := strings.Cut(stack, "\n")
		if i == 0 || !strings.HasSuffix(header, own[1]+"]:") || strings.Contains(stack, "\ntesting/synctest.") {
			continue // the caller itself, and the test that waits for the bubble
		}
		if !slices.ContainsFunc(allowed, func(word string) bool { return strings.Contains(stack, word) }) {
			found = append(found, stack)
		}
	}
	return found
}

// stacks returns the stack of the caller, or those of all goroutines.
func stacks(all bool) string {
	buffer := make([]byte, 1<<16)
	for {
		if n := runtime.Stack(buffer, all); n < len(buffer) {
			return string(buffer[:n])
		}
		buffer = make([]byte, 2*len(buffer))
	}
}
