package symphonytest

import "time"

// state is what a pod knows. Each part has a lock of its own, which is held only while
// the part is read or changed. None of them knows HTTP.
type state struct {
	*directory
	*sessions
}

func newState(now func() time.Time) *state {
	return &state{newDirectory(now, newFeeds()), newSessions()}
}

// IssueToken opens a session of a service user and returns its token. A username that
// belongs to no service user is added as one with the "User Provisioning" entitlement.
func (s *state) IssueToken(username string) string {
	s.ensureServiceUser(username)
	return s.issue(session{serviceUser: username})
}
