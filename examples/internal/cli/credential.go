package cli

import (
	"errors"

	"github.com/symphony-go/symphony"
)

// IsCredentialError is symphony.IsCredentialError: every other call with the same credentials
// would fail too.
func IsCredentialError(err error) bool {
	var unauthorized *symphony.UnauthorizedError
	return errors.As(err, &unauthorized) || errors.Is(err, symphony.ErrNoSessionToken)
}
