package symphonytest

import (
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault is something that goes wrong with a request, see [Pod.Fail]. Without
// Status, Reset and CutBody the pod answers as usual, after the Delay.
type Fault struct {
	Method string // only requests with this method; "" is any
	Path   string // only requests with this path below the base, "/v3/user/presence"; "" is any
	Times  int    // how many requests; 0 is one, below 0 is all until ClearFaults

	Delay   time.Duration // wait before the answer; ends early when the client goes away or the pod closes
	Status  int           // answer with this status, Header and Body
	Header  http.Header
	Body    string
	Reset   bool // reset the connection instead of an answer
	CutBody bool // break the connection off in the middle of the answer's body
}

// Fail makes the next requests that match fail. Faults are used up in the order
// given, one for each request.
func (p *Pod) Fail(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		f.Header = f.Header.Clone()
		p.faults = append(p.faults, &f)
	}
}

// ClearFaults takes back the faults that are left.
func (p *Pod) ClearFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// nextFault is the fault that a request meets, if any.
func (p *Pod) nextFault(r *http.Request) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.faults {
		if f.Method != "" && f.Method != r.Method || f.Path != "" && f.Path != pathBelowBase(r.URL.Path) {
			continue
		}
		if f.Times--; f.Times == 0 {
			p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
		}
		return *f, true
	}
	return Fault{}, false
}

// fail answers a request as a fault says.
func (p *Pod) fail(w http.ResponseWriter, r *http.Request, f Fault) {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if f.Reset {
		reset(w)
	}
	answer := httptest.NewRecorder()
	if f.Status != 0 {
		maps.Copy(answer.Header(), f.Header)
		answer.WriteHeader(f.Status)
		_, _ = answer.WriteString(f.Body)
	} else {
		p.handler(r).ServeHTTP(answer, r)
	}
	body := answer.Body.Bytes()
	if answer.Code == http.StatusNoContent || answer.Code == http.StatusNotModified {
		body = nil // these have none
	}
	maps.Copy(w.Header(), answer.Header())
	if len(body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(answer.Code)
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
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
	panic(http.ErrAbortHandler)
}
