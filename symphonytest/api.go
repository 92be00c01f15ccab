package symphonytest

import "net/http"

// The base paths of a pod's APIs.
const (
	basePod         = "/pod"
	baseLogin       = "/login"
	baseSessionAuth = "/sessionauth"
)

// api has the endpoints of a pod as its methods.
type api struct{ *state }

// caller returns the session of a request's token, which must not be an app's own.
func (a api) caller(r *http.Request) (session, error) {
	caller, ok := a.session(r.Header.Get("sessionToken"))
	if !ok || caller.app != "" {
		return session{}, unauthorized("Invalid session")
	}
	return caller, nil
}

// mayProvision reports whether a session has the "User Provisioning" entitlement, which
// one on behalf of a user never has.
func (a api) mayProvision(s session) bool {
	return s.user == 0 && a.serviceUser(s.serviceUser).UserProvisioning
}
