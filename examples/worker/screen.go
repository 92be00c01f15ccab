package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// screen prints lines, and below them on a terminal one that is redrawn.
type screen struct {
	name     string
	terminal bool
	shown    time.Time // for show, which one goroutine calls

	mu   sync.Mutex // guards what follows
	w    io.Writer
	live string
}

func newScreen(name string, w io.Writer) *screen {
	file, ok := w.(*os.File)
	return &screen{name: name, w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

// say prints a line.
func (s *screen) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s, s.name+": "+format+"\n", args...)
}

// Write prints whole lines, of this process or another.
func (s *screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == "" {
		return s.w.Write(lines)
	}
	var text bytes.Buffer
	text.WriteString("\r\x1b[K")
	text.Write(lines)
	text.WriteString(s.live)
	_, err := s.w.Write(text.Bytes())
	return len(lines), err
}

// show redraws the last line; elsewhere than on a terminal it prints one a second.
func (s *screen) show(format string, args ...any) {
	if !s.terminal {
		if time.Since(s.shown) >= time.Second {
			s.shown = time.Now()
			s.say(format, args...)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = fmt.Sprintf(s.name+": "+format, args...)
	fmt.Fprint(s.w, "\r\x1b[K"+s.live)
}

// end takes the last line away.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != "" {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.live = ""
	}
}
