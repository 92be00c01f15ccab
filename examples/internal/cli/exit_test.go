package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusExitCode(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]int{
		400: ExitUsage, 401: ExitForbidden, 403: ExitForbidden, 404: ExitNotFound,
		429: ExitLater, 500: ExitLater, 503: ExitLater, 302: ExitFailed, 418: ExitFailed,
	} {
		require.Equal(t, code, statusExitCode(status))
	}
}
