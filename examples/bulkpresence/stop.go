package main

import (
	"errors"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// endsRun reports whether an error would be that of every other update too. A 403 concerns
// one user once the pod has taken another update.
func endsRun(err error, someSet bool) bool {
	var forbidden *symphony.ForbiddenError
	return symphony.IsCredentialError(err) || cli.IsCertificateError(err) || !someSet && errors.As(err, &forbidden)
}
