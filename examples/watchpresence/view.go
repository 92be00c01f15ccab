package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// view shows the changes and errors of a watcher.
type view interface {
	// changed adds a change. It returns an error of the output.
	changed(c change) error
	// failed adds an error of the watcher.
	failed(err error)
	// flush shows what was added since the last flush.
	flush()
}

// newView returns a table on a terminal, and lines otherwise.
func newView(stdout, stderr io.Writer, every time.Duration) view {
	l := lines{stdout, stderr}
	if !isTerminal(stdout) {
		return l
	}
	size := func() (width, height int) {
		width, height, err := term.GetSize(int(stdout.(*os.File).Fd()))
		if err != nil || width < 1 || height < 1 {
			return 80, 24
		}
		return width, height
	}
	return &table{lines: l, size: size, title: fmt.Sprintf("Presences, every %v; Ctrl-C ends.", every), users: map[int64]change{}}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// lines is a view of plain lines, for files and other programs.
type lines struct{ stdout, stderr io.Writer }

func (l lines) changed(c change) error {
	from, since := "-", ""
	if c.from != "" {
		from = printable(c.from)
	}
	if !c.since.IsZero() {
		since = " since " + c.since.UTC().Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(l.stdout, "%s %d %s -> %s%s\n", c.at.UTC().Format(time.RFC3339), c.user, from, printable(c.to), since)
	return err
}

func (l lines) failed(err error) {
	fmt.Fprintf(l.stderr, "watchpresence: %v\n", cli.Explain(err))
}

func (l lines) flush() {}

// printable returns a category without control sequences of terminals: a pod may send a
// category that the API does not name.
func printable(category symphony.PresenceCategory) string {
	return fmt.Sprintf("%.40s", strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return '?'
		}
		return r
	}, string(category)))
}

// table is a view that is redrawn after each poll. The first poll of a large pod has
// thousands of changes, too many to redraw it after each one.
type table struct {
	lines
	size  func() (width, height int)
	title string
	users map[int64]change // the last change of each user
	err   error            // of the last poll
	drawn error            // error of the last redraw
}

func (t *table) changed(c change) error {
	t.users[c.user] = c
	return t.drawn
}

// failed writes the error to stderr, which may be a file. It also keeps the error for the
// last line of the table, because the table covers stderr if that is the terminal.
func (t *table) failed(err error) {
	t.lines.failed(err)
	t.err = err
}

// flush draws the table with one write, so that it does not flicker.
func (t *table) flush() {
	width, height := t.size()
	var text bytes.Buffer
	text.WriteString("\x1b[H\x1b[2J")
	for _, line := range t.rows(height) {
		runes := []rune(line)
		fmt.Fprintln(&text, string(runes[:min(len(runes), width)]))
	}
	_, t.drawn = t.stdout.Write(text.Bytes())
	t.err = nil
}

// rows returns the lines of the table. If the terminal is too small for all users, they
// are the users who changed last.
func (t *table) rows(height int) []string {
	users := slices.SortedFunc(maps.Values(t.users), func(a, b change) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.user, b.user))
	})
	foot := []string{}
	if room := max(1, height-5); len(users) > room { // title, head, foot, and the cursor
		foot = append(foot, fmt.Sprintf("and %d users who changed earlier", len(users)-room))
		users = users[:room]
	}
	if t.err != nil {
		foot = append(foot, fmt.Sprintf("watchpresence: %v", t.err))
	}
	slices.SortFunc(users, func(a, b change) int { return cmp.Compare(a.user, b.user) })
	return slices.Concat([]string{t.title}, align(users), foot)
}

// align puts users into columns. Times are local.
func align(users []change) []string {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "USER\tPRESENCE\tSINCE\tCHANGED")
	for _, c := range users {
		since := ""
		if !c.since.IsZero() {
			since = c.since.Local().Format(time.DateTime)
		}
		fmt.Fprintf(columns, "%d\t%s\t%s\t%s\n", c.user, printable(c.to), since, c.at.Local().Format(time.TimeOnly))
	}
	_ = columns.Flush() // a strings.Builder returns no error
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}
