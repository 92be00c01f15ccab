package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfiguration(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", minSecret)
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		code int
		text string
	}{
		{"help", []string{"-h"}, nil, exitOK, "SYMPHONY_PRIVATE_KEY"},
		{"unknown flag", []string{"-port", "1"}, nil, exitUsage, "-port"},
		{"argument", []string{"serve"}, nil, exitUsage, `"serve" is not a flag`},
		{"no queue", []string{"-queue", "0"}, nil, exitUsage, "must be above 0"},
		{"no database", []string{"-database", ""}, nil, exitUsage, "-database must name a file"},
		{"no secret", nil, map[string]string{"SYMPHONY_POD_URL": "https://acme.symphony.com/pod", "SYMPHONY_SESSION_TOKEN": "t"}, exitUsage, "PHONEBRIDGE_SECRET has 0 bytes"},
		{"short secret", nil, map[string]string{
			"SYMPHONY_POD_URL": "https://acme.symphony.com/pod", "SYMPHONY_SESSION_TOKEN": "t", envSecret: "short",
		}, exitUsage, "PHONEBRIDGE_SECRET has 5 bytes"},
		{"no pod", nil, map[string]string{envSecret: secret}, exitUsage, "SYMPHONY_POD_URL"},
		{"http pod", []string{"-database", "/no/calls.db"}, map[string]string{
			"SYMPHONY_POD_URL": "http://acme.symphony.com/pod", "SYMPHONY_SESSION_TOKEN": "t", envSecret: secret,
		}, exitUsage, "WithPlaintextHTTP"},
		{"no directory", []string{"-database", "/no/calls.db"}, map[string]string{
			"SYMPHONY_POD_URL": "https://acme.symphony.com/pod", "SYMPHONY_SESSION_TOKEN": "t", envSecret: secret,
		}, exitFailed, "/no/calls.db"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr := &buffer{}, &buffer{}
			code := run(t.Context(), test.args, func(name string) string { return test.env[name] }, strings.NewReader(""), stdout, stderr)
			require.Equal(t, test.code, code, stderr)
			require.Contains(t, stderr.String(), test.text)
			require.Empty(t, stdout.String())
			require.NotContains(t, stderr.String(), secret)
		})
	}
}
