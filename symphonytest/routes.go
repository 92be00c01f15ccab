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

// Handle serves a route with your handler instead of the pod's. The pattern is one of
// [http.ServeMux], and its path includes the base: "POST /pod/v3/user/presence". If two
// handlers match, the newer one is used.
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

// mux returns the ServeMux that serves a request. It returns the ServeMux and not its
// handler, because only the ServeMux sets the path values.
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
