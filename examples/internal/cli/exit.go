package cli

import (
	"context"
	"errors"
	"io/fs"
	"net/http"

	"github.com/symphony-go/symphony"
)

// Exit codes, for scripts.
const (
	ExitOK          = 0
	ExitFailed      = 1   // anything else
	ExitUsage       = 2   // a flag, a variable or a value is wrong; nothing was changed
	ExitForbidden   = 3   // the credentials are refused, or the entitlement is missing
	ExitNotFound    = 4   // no such user
	ExitLater       = 5   // the pod is busy, down or not reachable: try again later
	ExitInterrupted = 130 // Ctrl-C
)

// ExitCodes describes them, for a usage text.
const ExitCodes = `
Exit codes: 0 done; 1 failed, even in part, or a certificate is not trusted; 2 wrong flag, variable or value;
3 not allowed (credentials or entitlement); 4 no such user; 5 pod busy or not reachable, try again later; 130 interrupted.
`

// ExitCode returns the exit code for an error, which tells a script what to do about it.
func ExitCode(ctx context.Context, err error) int {
	var apiErr *symphony.APIError
	var invalid *symphony.InvalidArgumentError
	var decode *symphony.DecodeError
	var file *fs.PathError
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil:
		return ExitInterrupted
	case symphony.IsCredentialError(err):
		return ExitForbidden
	case errors.As(err, &apiErr):
		return statusExitCode(apiErr.StatusCode)
	case errors.As(err, &invalid) || errors.As(err, &file):
		return ExitUsage
	case errors.As(err, &decode) || IsCertificateError(err):
		return ExitFailed
	}
	return ExitLater // the network
}

func statusExitCode(status int) int {
	switch {
	case status == http.StatusBadRequest:
		return ExitUsage
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return ExitForbidden
	case status == http.StatusNotFound:
		return ExitNotFound
	case status == http.StatusTooManyRequests || status >= 500:
		return ExitLater
	}
	return ExitFailed
}
