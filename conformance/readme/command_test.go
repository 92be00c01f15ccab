package readme

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// command is a line of a shell snippet.
type command struct {
	block   block
	line    string
	endless bool   // runs until Ctrl-C
	skip    string // why it is not run; "" if it is
}

// notRun are the commands that cannot run here, with the reason.
var notRun = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`^go get `), "needs a release; .ci/release rehearses it"},
	{regexp.MustCompile(`^git clone `), "needs the network"},
	{regexp.MustCompile(`\b(SYMPHONY|NATS|OTEL)_\w+`), "needs a server"}, // also in its comment
	{regexp.MustCompile(`\.ci/`), "runs these tests, or takes too long"},
}

// continued matches the end of a line that goes on in the next line.
var continued = regexp.MustCompile(`\s*\\\n\s*`)

// inputs matches the names of files.
var inputs = regexp.MustCompile(`\b[\w./-]+\.(csv|ya?ml|json|pem|crt|key|p12)\b`)

// commands returns the commands of a shell block: one a line, a backslash at the end goes
// on. One that needs a file which the repository does not have is not run. One whose
// comment names Ctrl-C is interrupted once it prints something.
func commands(b block, repository string) []command {
	var found []command
	for line := range strings.SplitSeq(continued.ReplaceAllString(b.text, " "), "\n") {
		whole := line
		line, about, _ := strings.Cut(line, " #")
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "$ "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c := command{block: b, line: line, skip: b.skip, endless: strings.Contains(about, "Ctrl-C")}
		for _, rule := range notRun {
			if c.skip == "" && rule.pattern.MatchString(whole) {
				c.skip = rule.reason
			}
		}
		for _, name := range inputs.FindAllString(line, -1) {
			if _, err := os.Stat(filepath.Join(repository, name)); c.skip == "" && errors.Is(err, fs.ErrNotExist) {
				c.skip = "needs " + name
			}
		}
		found = append(found, c)
	}
	return found
}
