package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressFits(t *testing.T) {
	t.Parallel()
	for _, p := range []progress{
		{done: 0, rows: 0},
		{done: 0, rows: 100_000},
		{done: 45_000, rows: 100_000, perSecond: 198, limit: 200},
		{done: 100_000, rows: 100_000, perSecond: 12_345.6, limit: 12_345},
		{done: 99_999_999, rows: 100_000_000, perSecond: 0.001, limit: 400},
		{done: 45_000, rows: -1, perSecond: 198, limit: 200},
	} {
		for columns := range 200 {
			line := p.draw(columns)
			require.LessOrEqual(t, len(line), columns)
			if columns == 39 && p.rows > 0 && p.rows <= 100_000 {
				require.Contains(t, line, "%", "40 columns are enough")
				require.True(t, strings.HasPrefix(line, "["), line)
			}
		}
	}
	require.Equal(t, "[===    ]  45% 45000/100000 198/s 4m38s", progress{done: 45_000, rows: 100_000, perSecond: 198, limit: 200}.draw(39))
}

// On a terminal every line is redrawn in place.
func TestBarOnTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bar{w: &out, columns: func() int { return 40 }}
	b.show(progress{done: 1, rows: 2, perSecond: 1})
	b.show(progress{done: 2, rows: 2, perSecond: 1}) // within a tenth of a second
	b.say("line 3: bad")
	require.Equal(t, "\r\x1b[K[==========           ]  50% 1/2 1/s 1s\r\x1b[Kbulkpresence: line 3: bad\n", out.String())
}

func TestProgressInLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bar{w: &out, shown: time.Now()}
	b.show(progress{done: 1, rows: 2, perSecond: 1})
	require.Empty(t, out.String(), "not more than a line a second")
	b.shown = time.Time{}
	b.show(progress{done: 1, rows: 2, perSecond: 1, limit: 7})
	require.Equal(t, "bulkpresence: 1 of 2 done, 1 a second, 1s left, limited to 7 a second\n", out.String())
	require.Equal(t, "3 done, 0 a second", progress{done: 3, rows: -1}.String())
}
