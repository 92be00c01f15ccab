package symphony_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

func TestPresenceCategories(t *testing.T) {
	t.Parallel()
	require.Len(t, symphony.PresenceCategories(), 11)
	for _, category := range symphony.PresenceCategories() {
		require.True(t, category.Known(), category)
		parsed, err := symphony.ParsePresenceCategory(string(category))
		require.NoError(t, err)
		require.Equal(t, category, parsed)
	}
	require.False(t, symphony.PresenceCategory("FOCUS").Known())
	require.False(t, symphony.PresenceCategory("").Known())

	symphony.PresenceCategories()[0] = "changed"
	require.Equal(t, symphony.PresenceUndefined, symphony.PresenceCategories()[0], "the list is a copy")
}

func TestParsePresenceCategory(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"in a meeting", "in-a-meeting", "IN_A_MEETING", " In A Meeting ", "InAMeeting"} {
		category, err := symphony.ParsePresenceCategory(text)
		require.NoError(t, err, text)
		require.Equal(t, symphony.PresenceInAMeeting, category, text)
	}
	for _, text := range []string{"", "meeting", "at\nlunch", strings.Repeat("x", 1000), strings.Repeat("\U0010ffff", 100), strings.Repeat(`"`, 100)} {
		_, err := symphony.ParsePresenceCategory(text)
		var invalid *symphony.InvalidArgumentError
		require.ErrorAs(t, err, &invalid, text)
		require.Equal(t, "category", invalid.Argument)
		for _, category := range symphony.PresenceCategories() {
			require.Contains(t, err.Error(), string(category))
		}
		requireOneLine(t, err.Error())
	}
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, json string
		want       time.Time
		back       string
	}{
		{"milliseconds", "1533928483800", time.Date(2018, 8, 10, 19, 14, 43, 800_000_000, time.UTC), ""},
		{"epoch", "0", time.Unix(0, 0).UTC(), ""},
		{"before the epoch", "-1", time.UnixMilli(-1).UTC(), ""},
		{"greatest", "9223372036854775807", time.UnixMilli(math.MaxInt64).UTC(), ""},
		{"null", "null", time.Time{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stamp symphony.Timestamp
			require.NoError(t, json.Unmarshal([]byte(test.json), &stamp))
			require.True(t, stamp.Time == test.want, "%v is not %v, to the location", stamp, test.want) //nolint:staticcheck // == is what is tested
			back, err := json.Marshal(stamp)
			require.NoError(t, err)
			require.Equal(t, test.json, string(back))
		})
	}
	for _, wrong := range []string{`"1533928483800"`, `1.5`, `1e400`, `{}`, `true`} {
		var stamp symphony.Timestamp
		require.Error(t, json.Unmarshal([]byte(wrong), &stamp), wrong)
		require.True(t, stamp.IsZero(), wrong)
	}
	null := symphony.Timestamp{Time: time.Now()}
	require.NoError(t, json.Unmarshal([]byte("null"), &null))
	require.True(t, null.IsZero(), "null does not keep an older time")

	local := symphony.Timestamp{Time: time.UnixMilli(1533928483800).In(time.FixedZone("Zürich", 7200))}
	text, err := json.Marshal(local)
	require.NoError(t, err)
	require.Equal(t, "1533928483800", string(text))
}

func TestV2PresenceRoundTrip(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{
		`{"category":"BUSY","userId":9223372036854775807,"timestamp":1533928483800}`,
		`{"category":"FOCUS","userId":9007199254740993}`,
		`{"category":"OFFLINE"}`,
	} {
		var presence symphony.V2Presence
		require.NoError(t, json.Unmarshal([]byte(wire), &presence))
		back, err := json.Marshal(presence)
		require.NoError(t, err)
		require.Equal(t, wire, string(back))
	}
}

// requireOneLine checks what holds for every error's text.
func requireOneLine(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "\n")
	require.NotContains(t, text, "\r")
	require.LessOrEqual(t, len(text), 512)
	require.Equal(t, strings.ToValidUTF8(text, ""), text)
}

// The usual response is read without encoding/json.
func TestScanPresence(t *testing.T) {
	t.Parallel()
	presence, ok := symphony.ScanPresence([]byte(busy))
	require.True(t, ok)
	require.Equal(t, symphony.V2Presence{
		Category: symphony.PresenceBusy, UserID: 42, Timestamp: symphony.Timestamp{Time: time.UnixMilli(1533928483800).UTC()},
	}, presence)
	_, ok = symphony.ScanPresence([]byte(strings.Replace(busy, "BUSY", "ON_THE_PHONE", 1)))
	require.True(t, ok)
	for _, other := range []string{
		"", "{}", `{"category":"busy","userId":42,"timestamp":1}`, `BUSY","userId":42,"timestamp":1}`, `{"category":"BUSY,"timestamp":1}`, `{"category":"BUSY","userId":42}`,
		`{"category":"BUSY","userId":42,"timestamp":1`, `{"category":"","userId":42,"timestamp":1}`, `{"category":"A\u0041","userId":42,"timestamp":1}`,
		`{"category":"BUSY","userId":042,"timestamp":1}`, `{"category":"BUSY","userId":-1,"timestamp":1}`, `{"category":"BUSY","userId":4_2,"timestamp":1}`,
		`{"category":"BUSY","userId":42,"timestamp":9223372036854775808}`, `{"category":"BUSY","userId":,"timestamp":1}`,
	} {
		_, ok := symphony.ScanPresence([]byte(other))
		require.False(t, ok, other)
	}
}
