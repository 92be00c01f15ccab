package readme

import (
	"fmt"
	"regexp"
	"strings"
)

// block is a fenced code block of a Markdown document.
type block struct {
	file     string
	line     int // of the first line of text
	language string
	text     string
	skip     string // why it is not checked; "" if it is
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

var (
	fence   = regexp.MustCompile("^```(\\w*)")
	comment = regexp.MustCompile(`^<!-- *snippet: *(.*?) *-->$`)
	skip    = regexp.MustCompile(`^skip, (.+)$`)
)

// blocks returns the fenced code blocks of a document. A comment
//
//	<!-- snippet: skip, REASON -->
//
// before a block is about that block.
func blocks(file, document string) ([]block, error) {
	var found []block
	var open *block
	reason := ""
	for i, line := range strings.Split(document, "\n") {
		start := fence.FindStringSubmatch(line)
		about := comment.FindStringSubmatch(line)
		switch {
		case open != nil && start != nil:
			found = append(found, *open)
			open, reason = nil, ""
		case open != nil:
			open.text += line + "\n"
		case start != nil:
			open = &block{file: file, line: i + 2, language: start[1], skip: reason}
		case about != nil:
			why := skip.FindStringSubmatch(about[1])
			if why == nil {
				return nil, fmt.Errorf("%s:%d: a snippet comment is <!-- snippet: skip, REASON -->, not %s", file, i+1, line)
			}
			reason = why[1]
		case strings.TrimSpace(line) != "" && reason != "":
			return nil, fmt.Errorf("%s:%d: no code block follows the snippet comment", file, i+1)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the code block does not end", open)
	}
	return found, nil
}
