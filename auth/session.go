package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

// loginTimeout bounds a login with all its retries. It is well below the time that
// its JWT is valid.
const loginTimeout = 60 * time.Second

var errLoginTimeout = errors.New("the login took longer than 60s")

// session keeps a session token until the pod refuses it, and replaces it by one
// login at a time.
type session struct {
	login  func(context.Context) (string, error)
	*state // behind a second pointer: fmt follows one, for a verb that does not fit
}

// state is what a session knows.
type state struct {
	mu      sync.Mutex // guards what follows
	token   string     // "" before the first login, and after one that failed
	refused string     // the token that the last login was to replace
	last    *attempt   // the last login, finished or not
}

// attempt is one login. Token and err are there when done is closed.
type attempt struct {
	done  chan struct{}
	token string
	err   error
}

func newSession(login func(context.Context) (string, error)) *session {
	return &session{login, &state{}}
}

// SessionToken gives the session's token, and logs in first if there is none.
func (s *session) SessionToken(ctx context.Context) (string, error) {
	return s.get(ctx, "")
}

// RefreshSessionToken gives a newer token than rejected, and logs in if there is
// none yet.
func (s *session) RefreshSessionToken(ctx context.Context, rejected string) (string, error) {
	return s.get(ctx, rejected)
}

func (s *session) get(ctx context.Context, rejected string) (string, error) {
	s.mu.Lock()
	if s.token != "" && s.token != rejected {
		defer s.mu.Unlock()
		return s.token, nil
	}
	if !s.shared(rejected) {
		s.token, s.refused = "", rejected
		s.last = &attempt{done: make(chan struct{})}
		go s.run(context.WithoutCancel(ctx), s.last) // the login outlasts the call that needs it
	}
	last := s.last
	s.mu.Unlock()

	select {
	case <-last.done:
		return last.token, last.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// shared reports whether the last login serves a caller too: it is under way, or it
// was to replace the same token and was refused. Calls that were refused together do
// not all come here at the same moment.
func (s *session) shared(rejected string) bool {
	if s.last == nil {
		return false
	}
	select {
	case <-s.last.done:
		return isRefusal(s.last.err) && rejected != "" && rejected == s.refused
	default:
		return true
	}
}

// run logs in.
func (s *session) run(ctx context.Context, a *attempt) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginTimeout, errLoginTimeout)
	defer cancel()
	a.err = errors.New("the login was broken off")
	defer func() { // also where a key's signer ends the goroutine
		s.mu.Lock()
		defer s.mu.Unlock()
		s.token = a.token
		close(a.done)
	}()
	a.token, a.err = s.login(ctx)
}

// isRefusal reports whether a login failed for a reason that stays.
func isRefusal(err error) bool {
	_, unauthorized := errors.AsType[*symphony.UnauthorizedError](err)
	_, forbidden := errors.AsType[*symphony.ForbiddenError](err)
	return unauthorized || forbidden
}
