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

// view shows what a watcher gives.
type view interface {
	// changed takes a change. Its error is that of the output.
	changed(c change) error
	// failed takes an error that the watcher met.
	failed(err error)
	// flush shows what came since the last time.
	flush()
}

// newView gives a table on a terminal, lines elsewhere.
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

// printable is a category without what a terminal would take for a command: a pod may
// send one that the API does not name.
func printable(category symphony.PresenceCategory) string {
	return fmt.Sprintf("%.40s", strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return '?'
		}
		return r
	}, string(category)))
}

// table is a view that is drawn anew after each poll rather than at each change, of
// which the first poll of a large pod brings thousands.
type table struct {
	lines
	size  func() (width, height int)
	title string
	users map[int64]change // the last change of each
	err   error            // of the last poll
	drawn error            // what went wrong with the drawing
}

func (t *table) changed(c change) error {
	t.users[c.user] = c
	return t.drawn
}

// failed writes the error to stderr, which may be a file, and keeps it for the foot of
// the table, which is drawn over it if stderr is the terminal.
func (t *table) failed(err error) {
	t.lines.failed(err)
	t.err = err
}

// flush draws the table in one piece, so that it does not flicker.
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

// rows are the lines of the table. Of more users than the terminal has room for they
// are those who changed last.
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

// align puts users into columns. Times are those of the clock on the wall.
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
	_ = columns.Flush() // a strings.Builder takes everything
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}
