package main

import (
	"errors"
	"fmt"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

// endsRun reports whether an error would be that of every other update too. A 403 concerns
// one user once the pod has taken another update.
func endsRun(err error, someSet bool) bool {
	var forbidden *symphony.ForbiddenError
	return cli.IsCredentialError(err) || cli.IsCertificateError(err) || !someSet && errors.As(err, &forbidden)
}

// explained adds to a 403 what it means when it is the first response.
func explained(err error, someSet bool) error {
	var forbidden *symphony.ForbiddenError
	if !someSet && errors.As(err, &forbidden) {
		return fmt.Errorf("no presence is set: does the service user have the entitlement \"User Provisioning\"? %w", err)
	}
	return err
}
