package bdkconfig_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/symphonytest"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, retry string
		failures    int
		requests    int // of the login, which fails or is followed by the call
		ok          bool
	}{
		{"default", "~", 1, 3, true},
		{"first try only", "{maxAttempts: 1}", 1, 1, false},
		{"more", "{maxAttempts: 6, initialIntervalMillis: 1, maxIntervalMillis: 1}", 6, 6, false},
		{"no limit", "{maxAttempts: -1, initialIntervalMillis: 1, maxIntervalMillis: 1}", 50, 52, true},
		{"short waits", "{maxIntervalMillis: 1}", 3, 5, true},
		{"long waits", "{maxAttempts: 1, initialIntervalMillis: 60000}", 1, 1, false},
		{"multiplier", "{multiplier: 1.5, maxIntervalMillis: 1}", 1, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := start(t)
			pod.Fail(symphonytest.Fault{Status: 425, Times: test.failures}) // no outage, which would slow the attempts down
			err := set(t, newClient(t, "{scheme: http, host: 127.0.0.1, port: $PORT, retry: "+test.retry+", bot: {username: bot, privateKey: {path: $PATH}}}",
				"$PORT", port(t, pod.URL()), "$PATH", write(t, "key.pem", keyPEM())))
			require.Equal(t, test.ok, err == nil, "%v", err)
			require.Len(t, pod.Requests(), test.requests)
		})
	}
}
