package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// bar shows the progress of a run: on a terminal in one line that is redrawn ten times a
// second, elsewhere in a line every second.
type bar struct {
	w       io.Writer
	columns func() int // of the terminal; nil elsewhere
	shown   time.Time
}

func newBar(w io.Writer) *bar {
	b := &bar{w: w, shown: time.Now()}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		b.columns = func() int {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil || width <= 0 {
				width = 80
			}
			return width
		}
	}
	return b
}

// progress is how far a run is.
type progress struct {
	done, rows int     // rows is -1 if not known
	perSecond  float64 // 0 if not known
	limit      uint64  // the rate that the client keeps; 0 for none
}

// show shows the progress when it is time.
func (b *bar) show(p progress) {
	interval := time.Second
	if b.columns != nil {
		interval = time.Second / 10
	}
	if time.Since(b.shown) < interval {
		return
	}
	b.shown = time.Now()
	if b.columns == nil {
		b.say("%s", p)
		return
	}
	fmt.Fprint(b.w, clearLine+p.draw(b.columns()-1)) // the last column may begin a new line
}

const clearLine = "\r\x1b[K"

// say prints a line beside the bar.
func (b *bar) say(format string, args ...any) {
	b.clear()
	fmt.Fprintf(b.w, "bulkpresence: "+format+"\n", args...)
}

func (b *bar) clear() {
	if b.columns != nil {
		fmt.Fprint(b.w, clearLine)
	}
}

// left estimates the time to the end; 0 if not known.
func (p progress) left() time.Duration {
	if p.rows < 0 || p.perSecond <= 0 {
		return 0
	}
	return time.Duration(float64(p.rows-p.done) / p.perSecond * float64(time.Second)).Round(time.Second)
}

// String describes the progress in a line for a log.
func (p progress) String() string {
	text := fmt.Sprintf("%d done, %.0f a second", p.done, p.perSecond)
	if p.rows >= 0 {
		text = fmt.Sprintf("%d of %d done, %.0f a second, %v left", p.done, p.rows, p.perSecond, p.left())
	}
	if p.limit > 0 {
		text += fmt.Sprintf(", limited to %d a second", p.limit)
	}
	return text
}

// draw returns a bar of so many columns, with as much beside it as fits.
func (p progress) draw(columns int) string {
	text := fmt.Sprintf("%d %.0f/s", p.done, p.perSecond)
	if p.rows > 0 {
		text = fmt.Sprintf("%3d%% %d/%d %.0f/s %v", 100*p.done/p.rows, p.done, p.rows, p.perSecond, p.left())
	}
	if limited := text + fmt.Sprintf(" (limit %d/s)", p.limit); p.limit > 0 && len(limited) <= columns {
		text = limited
	}
	if room := columns - len(text) - len("[] "); p.rows > 0 && room >= 3 {
		full := min(room*p.done/p.rows, room)
		text = "[" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "] " + text
	}
	return text[:min(max(columns, 0), len(text))]
}
