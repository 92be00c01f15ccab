package main

import (
	"errors"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// endsRun reports whether every other update would have the same error. A 403 concerns one
// user only, if the pod has accepted another update before.
func endsRun(err error, someSet bool) bool {
	var forbidden *symphony.ForbiddenError
	return symphony.IsCredentialError(err) || cli.IsCertificateError(err) || !someSet && errors.As(err, &forbidden)
}
