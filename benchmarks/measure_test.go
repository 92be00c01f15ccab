package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tiny is a scale at which the figures mean nothing, and what must hold still holds.
var tiny = scale{
	singleCalls: 2, singleRounds: 2,
	bulk: []bulkCase{
		{serving{}, 100, 2},
		{serving{Latency: time.Millisecond}, 100, 1},
		{serving{HTTP2: true}, 100, 1},
	},
	memory:           bulkCase{serving{}, 20, 1},
	throttledUpdates: 60,
	herdCalls:        100,
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	r, err := measure(t.Context(), tiny)
	require.NoError(t, err)
	require.Equal(t, 1, r.logins)
	for _, p := range peers() {
		require.Len(t, r.single[p.name][measureTime], tiny.singleRounds, p.name)
		require.Greater(t, r.single[p.name][measureAllocs].median(), 20.0, p.name)
	}
	for _, p := range bulkPeers() {
		for i, c := range tiny.bulk {
			require.Len(t, r.bulk[i][p.name][measureTime], c.rounds, p.name)
			require.GreaterOrEqual(t, r.bulk[i][p.name][measureConnections].median(), 1.0, p.name)
			require.Positive(t, r.bulk[i][p.name][measureP50].median(), p.name)
		}
	}
	require.Zero(t, r.throttled[ownClient][measureFailed].median())
	require.InDelta(t, r.throttled[byHand][measureRefused].median()*float64(tiny.throttledUpdates),
		r.throttled[byHand][measureFailed].median(), 0.01, "by hand all fail that are refused")

	text := r.markdown()
	for _, p := range peers() {
		rows := 2 // in the summary and in the table of single calls
		if p.deadline == 0 {
			rows += len(tiny.bulk) + 2
		}
		require.Equal(t, rows, strings.Count(text, "| "+p.name+" |"), p.name)
	}
	require.NotContains(t, text, "%!")
	require.NotContains(t, text, "NaN")

	file := filepath.Join(t.TempDir(), "chart.svg")
	require.NoError(t, r.draw(file))
	chart, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, p := range bulkPeers() {
		require.Equal(t, 2, strings.Count(string(chart), ">"+p.name+"<"), p.name)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := measure(ctx, tiny)
	require.ErrorIs(t, err, context.Canceled)
}

func TestRatiosArePairedByRound(t *testing.T) {
	t.Parallel()
	result := table{}
	for round, byHandTook := range []float64{30, 10, 20} {
		result.add(byHand, measureTime, byHandTook)
		result.add("slow", measureTime, byHandTook*float64(round+2))
	}
	require.Equal(t, 20.0, result[byHand][measureTime].median())
	require.Equal(t, figures{2, 3, 4}, result.ratio("slow", measureTime), "the median leaves the order alone")
	require.Equal(t, 3.0, result.ratio("slow", measureTime).median())
	require.Empty(t, result.ratio("missing", measureTime))
}

func TestInterval(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		figures figures
		want    string
	}{
		"none":       {nil, "–"},
		"too few":    {figures{2, 1}, "1.50"},
		"six rounds": {figures{6, 5, 4, 3, 2, 1}, "3.50 [1.00 6.00]"},
	} {
		require.Equal(t, test.want, interval(test.figures), name)
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	run := bulkRun{}
	for i := range 100 {
		run.latencies = append(run.latencies, time.Duration(i+1)*time.Millisecond)
	}
	require.Equal(t, 50.0, run.percentile(50))
	require.Equal(t, 99.0, run.percentile(99))
}

func TestServer(t *testing.T) {
	t.Parallel()
	for _, c := range tiny.bulk {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			server, err := startServer(t.Context(), c.serving)
			require.NoError(t, err)
			major := 1
			if c.HTTP2 {
				major = 2
			}
			transport := server.target.prepare(tuned())
			for range 2 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.target.URL+path, strings.NewReader(`{"userId":1}`))
				require.NoError(t, err)
				resp, err := transport.RoundTrip(req)
				require.NoError(t, err)
				require.Equal(t, major, resp.ProtoMajor)
				returned, err := decode(resp, nil)
				require.NoError(t, err)
				require.Equal(t, category, returned)
			}
			connections, err := server.connections()
			require.NoError(t, err)
			require.EqualValues(t, 1, connections)
			require.NoError(t, server.end())
		})
	}
}

func TestIsWhole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request string
		whole   bool
		err     bool
	}{
		"whole":             {"POST / HTTP/1.1\r\nContent-Length: 2\r\nA: b\r\n\r\n{}", true, false},
		"half a header":     {"POST / HTTP/1.1\r\nContent-Length: 2\r\n", false, false},
		"half a body":       {"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n}", false, false},
		"length at the end": {"POST / HTTP/1.1\r\nA: b\r\nContent-Length: 1\r\n\r\n}", true, false},
		"no length":         {"POST / HTTP/1.1\r\nA: b\r\n\r\n{}", false, true},
		"no number":         {"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n{}", false, true},
	} {
		whole, err := isWhole([]byte(test.request))
		require.Equal(t, test.err, err != nil, name)
		require.Equal(t, test.whole, whole && err == nil, name)
	}
}
