package symphonytest

import (
	"maps"
	"net/http"
	"sync"
)

// routes finds the handler of a request: one of the user's, or the pod's own.
type routes struct {
	api *http.ServeMux

	mu  sync.Mutex       // guards own
	own []*http.ServeMux // the newest first
}

func newRoutes(a api) *routes {
	mux := http.NewServeMux()
	endpoints := a.presenceEndpoints()
	maps.Copy(endpoints, a.usersEndpoints())
	maps.Copy(endpoints, a.loginEndpoints())
	for pattern, endpoint := range endpoints {
		mux.Handle(pattern, endpoint)
	}
	return &routes{api: mux}
}

// Handle serves a route with a handler of yours instead of the pod's own. The pattern
// is that of [http.ServeMux], and its path includes the base:
// "POST /pod/v3/user/presence". Of two handlers that match, the newer one serves.
func (r *routes) Handle(pattern string, handler http.Handler) {
	mux := http.NewServeMux()
	mux.Handle(pattern, handler)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = append([]*http.ServeMux{mux}, r.own...)
}

// HandleFunc is Handle for a function.
func (r *routes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(handler))
}

// route passes a request to its handler.
func (r *routes) route(w http.ResponseWriter, req *http.Request) {
	r.mux(req).ServeHTTP(w, req)
}

// mux returns the ServeMux that serves a request. It also sets the path values, which
// its handler alone would not.
func (r *routes) mux(req *http.Request) *http.ServeMux {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, mux := range r.own {
		if _, pattern := mux.Handler(req); pattern != "" {
			return mux
		}
	}
	return r.api
}
