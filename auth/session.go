package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
)

const (
	// loginTimeout bounds a login with all its retries. It is well below the time
	// for which the JWT of a login is valid.
	loginTimeout = 60 * time.Second
	// hangTimeout bounds a login whose transport or middleware does not return when its
	// context has ended.
	hangTimeout = loginTimeout + time.Second
	// refusalLifetime is how long a refused login is not repeated.
	refusalLifetime = 5 * time.Second
)

var errLoginTimeout = fmt.Errorf("the login took longer than 60s: %w", context.DeadlineExceeded)

// session keeps a session token until the pod rejects it, and replaces it by one
// login at a time.
type session struct {
	logIn  loginFunc
	*state // behind a second pointer: fmt follows one, for a verb that does not fit
}

type state struct {
	mu      sync.Mutex // guards what follows
	token   string     // "" before the first login, and after one that failed
	last    *login     // in progress or finished
	refused time.Time  // until when no other login is tried
}

// login is one login. Token and err are set when done is closed.
type login struct {
	done  chan struct{}
	token string
	err   error
}

func newSession(logIn loginFunc) *session { return &session{logIn, &state{}} }

// SessionToken returns the session's token, and logs in first if there is none.
func (s *session) SessionToken(ctx context.Context) (string, error) {
	return s.get(ctx, "")
}

// RefreshSessionToken returns a newer token than rejected, and logs in if there is
// none yet.
func (s *session) RefreshSessionToken(ctx context.Context, rejected string) (string, error) {
	return s.get(ctx, rejected)
}

func (s *session) get(ctx context.Context, rejected string) (string, error) {
	if s == nil {
		return "", &symphony.InvalidArgumentError{Argument: "provider", Reason: "it was not made by NewRSA or NewCertificate"}
	}
	if ctx == nil {
		return "", &symphony.InvalidArgumentError{Argument: "ctx", Reason: "it is nil"}
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	token, login := s.current(ctx, rejected)
	if token != "" {
		return token, nil
	}
	select {
	case <-login.done:
		return login.token, login.err
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), errLoginTimeout) { // of a user, who waits for the login of the app
			return "", errLoginTimeout
		}
		return "", ctx.Err()
	}
}

// current returns the token if it is newer than rejected, otherwise the login to wait
// for. It starts the login if none is in progress.
func (s *session) current(ctx context.Context, rejected string) (string, *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.token != "" && s.token != rejected:
		return s.token, nil
	case s.last.inProgress() || time.Now().Before(s.refused):
		return "", s.last
	}
	s.token = ""
	s.last = &login{done: make(chan struct{})}
	go s.run(context.WithoutCancel(ctx), s.last) // the login outlasts the call that needs it
	return "", s.last
}

func (l *login) inProgress() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// run logs in. Whatever panics meanwhile (a signer, a middleware, an observer) fails
// the login.
func (s *session) run(ctx context.Context, l *login) {
	bounded, cancel := context.WithTimeoutCause(ctx, hangTimeout, errLoginTimeout)
	defer cancel()
	timed, cancelTimed := context.WithTimeoutCause(bounded, loginTimeout, errLoginTimeout)
	defer cancelTimed()
	l.token, l.err = guard(bounded, func() (string, error) { return s.logIn(timed) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = l.token
	if isRefusal(l.err) {
		s.refused = time.Now().Add(refusalLifetime)
	}
	close(l.done)
}

// isRefusal reports whether the pod refused a login with 401 or 403.
func isRefusal(err error) bool {
	_, forbidden := errors.AsType[*symphony.ForbiddenError](err)
	return forbidden || isUnauthorized(err)
}

func isUnauthorized(err error) bool {
	_, ok := errors.AsType[*symphony.UnauthorizedError](err)
	return ok
}
