package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// export is what a worker writes, the second time cut off because it was killed.
const export = `{"ScopeMetrics":[{"Metrics":[
{"Name":"symphony.client.call.duration","Data":{"DataPoints":[
 {"Attributes":[{"Key":"symphony.operation","Value":{"Type":"STRING","Value":"SetUserPresence"}}],"Time":"2026-01-01T00:00:00Z","Count":4,"Bounds":[0.1,1],"BucketCounts":[4,0,0]},
 {"Attributes":[{"Key":"symphony.operation","Value":{"Type":"STRING","Value":"SetUserPresence"}},{"Key":"error.type","Value":{"Type":"STRING","Value":"503"}}],"Time":"2026-01-01T00:00:00Z","Count":1,"Bounds":[0.1,1],"BucketCounts":[0,1,0]}]}},
{"Name":"symphony.client.waiting","Data":{"DataPoints":[{"Attributes":[],"Time":"2026-01-01T00:00:00Z","Value":7}]}}]}]}
{"ScopeMetrics":[{"Metrics":[{"Name":"symphony.client.call.duration","Data":{"DataPoints":[
 {"Attributes":[{"Key":"symphony.operation","Value":{"Type":"STRING","Value":"SetUserPresence"}}],"Time":"2026-01-01T00:00:01Z","Count":14,"Bounds":[0.1,1],"BucketCounts":[4,10,0]}]}}]}]}
{"ScopeMetrics":[{"Met`

func TestWindows(t *testing.T) {
	t.Parallel()
	one, err := readSeries(strings.NewReader(export))
	require.NoError(t, err)
	two, err := readSeries(strings.NewReader(export))
	require.NoError(t, err)
	w := newWindows(append(one, two...)) // of two processes
	require.Len(t, w.ends, 3)
	calls := group(w.of("symphony.client.call.duration"), "symphony.operation", "error.type")
	require.Len(t, calls, 2)
	require.Equal(t, []float64{16, 0, 40}, w.rate(calls["SetUserPresence"]))
	require.Equal(t, []float64{4, 0, 0}, w.rate(calls["SetUserPresence 503"]))
	require.Equal(t, []float64{14, 14, 0}, w.sum(w.of("symphony.client.waiting")))
	require.InDeltaSlice(t, []float64{0.05, 0, 0.55}, w.quantile(calls["SetUserPresence"], 0.5), 1e-9)

	_, err = readSeries(strings.NewReader("presence"))
	require.Error(t, err)
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	metrics, empty, output := filepath.Join(dir, "metrics"), filepath.Join(dir, "empty"), filepath.Join(dir, "dashboard.svg")
	require.NoError(t, os.WriteFile(metrics, []byte(export), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, test := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"no file named", nil, 2, "-metrics"},
		{"an unknown flag", []string{"-x"}, 2, "-x"},
		{"help", []string{"-h"}, 0, "SVG"},
		{"a missing file", []string{filepath.Join(dir, "none")}, 1, "none"},
		{"a file without metrics", []string{"-o", output, empty}, 1, "symphony.client.call.duration"},
		{"a picture", []string{"-o", output, metrics}, 0, ""},
	} {
		var stderr bytes.Buffer
		require.Equal(t, test.code, run(test.args, &stderr), test.name)
		require.Contains(t, stderr.String(), test.stderr, test.name)
	}
	picture, err := os.ReadFile(output)
	require.NoError(t, err)
	for decoder := xml.NewDecoder(bytes.NewReader(picture)); err == nil; {
		_, err = decoder.Token()
	}
	require.True(t, errors.Is(err, io.EOF), "it is well-formed XML: %v", err)
}
