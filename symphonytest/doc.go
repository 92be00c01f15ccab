// Package symphonytest is a pod in memory, for testing programs that use package
// symphony and for trying them out. For presence calls it behaves like a real pod:
// session tokens and logins, the "User Provisioning" entitlement, users who are online,
// idle or offline, and error responses like a real pod's. It can be told to fail, and it
// reports which requests it received.
//
//	func TestPhoneSystem(t *testing.T) {
//		pod := symphonytest.New(t, symphonytest.WithUsers(symphonytest.User{ID: 4711}))
//		client, err := symphony.NewClient(pod.URL(), symphony.StaticSessionToken(pod.IssueToken("phone-system")))
//		…
//	}
//
// # Without a network
//
// A pod listens on loopback. With [WithoutNetwork] it is reached through memory instead,
// and works in a [testing/synctest] bubble, where a test of a retry after 20 seconds takes
// milliseconds:
//
//	synctest.Test(t, func(t *testing.T) {
//		pod := symphonytest.New(t, symphonytest.WithoutNetwork())
//		client, err := symphony.NewClient(pod.URL(), tokens, symphony.WithHTTPClient(pod.Client()))
//		…
//	})
//
// # What it refuses
//
// The pod is as strict as the API: it returns 415 for a body without the Content-Type
// application/json, and 400 for an unknown field. It is also as lenient: booleans may be
// written True, bodies may be chunked, requests without a body may have a Content-Type,
// and unknown parameters and headers are ignored. It does not check the privilege
// ADMIN_PRESENCE_UPDATE: every session may set its own presence and register interest.
//
// All methods of a [Pod] are safe for concurrent use and return copies.
package symphonytest
