package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	height := 24
	view := &table{
		lines: lines{&stdout, &stderr}, title: "title", users: map[int64]change{},
		size: func() (int, int) { return 60, height },
	}
	drawn := func() string {
		stdout.Reset()
		view.flush()
		text, ok := strings.CutPrefix(stdout.String(), "\x1b[H\x1b[2J")
		require.True(t, ok, "it begins at home, on a clear screen")
		return text
	}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.Local)
	require.NoError(t, view.changed(change{user: 42, at: noon, to: "BUSY", since: noon.Add(-time.Hour)}))
	require.NoError(t, view.changed(change{user: 7, at: noon, to: "OFFLINE"}))
	require.NoError(t, view.changed(change{user: 42, at: noon.Add(time.Minute), from: "BUSY", to: "AW\x1bAY", since: noon}))
	require.Zero(t, stdout.Len(), "nothing is drawn before the end of a poll")
	const head = "title\nUSER  PRESENCE  SINCE                CHANGED\n"
	const of7, of42 = "7     OFFLINE                        12:00:00\n", "42    AW?AY     2026-01-02 12:00:00  12:01:00\n"
	require.Equal(t, head+of7+of42, drawn())

	// An error stands below until the next poll, and is on stderr too.
	view.failed(errors.New("no " + strings.Repeat("x", 100)))
	require.Equal(t, head+of7+of42+"watchpresence: no "+strings.Repeat("x", 42)+"\n", drawn())
	require.Equal(t, "watchpresence: no "+strings.Repeat("x", 100)+"\n", stderr.String())
	require.Equal(t, head+of7+of42, drawn())

	// A small terminal has room for those who changed last.
	height = 6
	view.failed(errors.New("no"))
	text := drawn()
	require.Less(t, strings.Count(text, "\n"), height)
	require.Contains(t, text, of42+"and 1 users who changed earlier\nwatchpresence: no\n")
	require.NotContains(t, text, of7)
}

func TestTableIsNotWritten(t *testing.T) {
	t.Parallel()
	view := &table{
		lines: lines{full{}, new(bytes.Buffer)}, users: map[int64]change{},
		size: func() (int, int) { return 80, 24 },
	}
	require.NoError(t, view.changed(change{}))
	view.flush()
	require.ErrorContains(t, view.changed(change{}), "no space")
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
