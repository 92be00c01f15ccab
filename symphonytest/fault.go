package symphonytest

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong with a request; see [Pod.Fail]. Without Status,
// Reset and CutBody the pod responds as usual, after the Delay.
type Fault struct {
	Method string // only for requests with this method; "" matches any
	Path   string // only for requests with this path below the base, "/v3/user/presence"; "" matches any
	Times  int    // for how many requests; 0 means one, a negative number all until ClearFaults

	Delay   time.Duration // wait before the response; ends early when the client leaves or the pod closes
	Status  int           // respond with this status (200 to 999), Header and Body
	Header  http.Header
	Body    string
	Reset   bool // reset the connection instead of responding
	CutBody bool // close the connection in the middle of the response's body
}

// String describes the fault in one line.
func (f Fault) String() string {
	words := []string{"any request"}
	if f.Method != "" || f.Path != "" {
		words[0] = strings.TrimSpace(f.Method + " " + f.Path)
	}
	if f.Delay > 0 {
		words = append(words, fmt.Sprintf("delay %v", f.Delay))
	}
	if f.Status != 0 {
		words = append(words, fmt.Sprintf("status %d", f.Status))
	}
	if f.Reset {
		words = append(words, "reset")
	}
	if f.CutBody {
		words = append(words, "cut body")
	}
	return strings.Join(words, ", ")
}

// matches reports whether a fault is for a request.
func (f Fault) matches(method, path string) bool {
	return (f.Method == "" || f.Method == method) && (f.Path == "" || f.Path == path)
}

// faults are the faults that are not used up yet, in order.
type faults struct {
	mu   sync.Mutex // guards list
	list []*plannedFault
}

type plannedFault struct {
	Fault
	met bool
}

// Fail makes the next requests that match fail. Each request gets the first fault that
// matches it and is not used up.
func (f *faults) Fail(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		if fault.Times == 0 {
			fault.Times = 1
		}
		fault.Header = fault.Header.Clone()
		f.list = append(f.list, &plannedFault{Fault: fault})
	}
}

// ClearFaults removes the faults that are left.
func (f *faults) ClearFaults() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// next returns the fault that a request meets, if any.
func (f *faults) next(method, path string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		if !fault.matches(method, path) {
			continue
		}
		fault.met = true
		if fault.Times--; fault.Times == 0 {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
		}
		return fault.Fault, true
	}
	return Fault{}, false
}

// unmet returns the faults that no request has met.
func (f *faults) unmet() (unmet []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if !fault.met {
			unmet = append(unmet, fault.Fault)
		}
	}
	return unmet
}

// serve responds to a request as the fault says; next responds as usual.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case f.Reset:
		reset(w)
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		http.Error(w, fmt.Sprintf("symphonytest: the status %d of a Fault is not between 200 and 999", f.Status), http.StatusInternalServerError)
	case f.Status == 0 && !f.CutBody:
		next.ServeHTTP(w, r)
	default:
		f.replay(w, f.record(r, next))
	}
}

// record returns the response that the fault sends, whole or cut.
func (f Fault) record(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	response := httptest.NewRecorder()
	if f.Status == 0 {
		next.ServeHTTP(response, r)
		return response
	}
	maps.Copy(response.Header(), f.Header)
	response.WriteHeader(f.Status)
	_, _ = response.WriteString(f.Body)
	return response
}

// replay sends a response, or the first half of it.
func (f Fault) replay(w http.ResponseWriter, response *httptest.ResponseRecorder) {
	body := response.Body.Bytes()
	if response.Code == http.StatusNoContent || response.Code == http.StatusNotModified {
		body = nil // these statuses have no body
	}
	maps.Copy(w.Header(), response.Header())
	if len(body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(response.Code)
	if f.CutBody {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

// reset ends the connection with a TCP reset, or the stream of HTTP/2.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if encrypted, ok := conn.(*tls.Conn); ok {
		raw = encrypted.NetConn()
	}
	if tcp, ok := raw.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
	panic(http.ErrAbortHandler)
}
