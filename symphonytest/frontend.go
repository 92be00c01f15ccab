package symphonytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// maxBody is how much the pod reads of a request's body.
const maxBody = 16 << 20

// frontend serves every request: it reads and logs it, and then refuses it, makes it
// fail, or passes it to its route.
type frontend struct {
	*requestLog
	*faults
	*routes
	limits *limits
}

func newFrontend(c config, routes *routes) *frontend {
	return &frontend{
		requestLog: &requestLog{now: c.now, limit: max(0, c.logSize)},
		faults:     &faults{},
		routes:     routes,
		limits:     &limits{now: c.now, rate: c.rate, concurrency: c.concurrency},
	}
}

// serve serves a request. It is not named ServeHTTP, because Pod would export that method.
func (f *frontend) serve(w http.ResponseWriter, r *http.Request) {
	// The body is read first: only then does net/http notice that a client leaves.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, badRequest("The request body cannot be read"))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	path := pathBelowBase(r.URL.Path)
	entry := f.note(r, path, body)
	response := &statusWriter{ResponseWriter: w, note: func(status int) { f.noteStatus(entry, status) }}
	broken := true
	defer func() {
		if broken { // a panic ends the connection
			f.noteStatus(entry, 0)
			repanic(recover())
		}
	}()
	f.respond(response, r, path)
	response.noteOnce(http.StatusOK)
	broken = false
}

// repanic prints what a handler of the test panicked with. The server's own log is off.
func repanic(value any) {
	if value == nil { // the handler ended its goroutine
		return
	}
	if err, ok := value.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		fmt.Fprintf(os.Stderr, "symphonytest: a handler panicked: %v\n%s", value, debug.Stack())
	}
	panic(http.ErrAbortHandler)
}

// respond responds to a request that was read.
func (f *frontend) respond(w http.ResponseWriter, r *http.Request, path string) {
	retryAfter, ok := f.limits.enter()
	if !ok {
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(seconds(retryAfter)))
		}
		writeError(w, &failure{http.StatusTooManyRequests, http.StatusTooManyRequests, "Too many requests"})
		return
	}
	defer f.limits.leave()
	if fault, ok := f.next(r.Method, path); ok {
		fault.serve(w, r, http.HandlerFunc(f.route))
		return
	}
	f.route(w, r)
}

// pathBelowBase returns a path without its first segment, such as /pod.
func pathBelowBase(path string) string {
	if _, below, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok {
		return "/" + below
	}
	return path
}
