package symphonytest

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Request is a request that the pod received.
type Request struct {
	Method string
	Path   string // below the base, "/v3/user/presence"
	Query  url.Values
	Header http.Header // with the session token
	Body   []byte
	Time   time.Time // when it was read, by the pod's clock
	Status int       // of the response; 0 while there is none, and when the connection was closed instead
}

func (r *Request) clone() Request {
	c := *r
	c.Query = url.Values(http.Header(r.Query).Clone())
	c.Header = r.Header.Clone()
	c.Body = bytes.Clone(r.Body)
	return c
}

// size is about how much memory a request takes.
func (r *Request) size() int {
	const record, entry = 512, 64
	n := record + len(r.Method) + len(r.Path) + len(r.Body)
	for _, values := range []map[string][]string{r.Query, r.Header} {
		for name, list := range values {
			n += len(name)
			for _, value := range list {
				n += entry + len(value)
			}
		}
	}
	return n
}

// maxLogBytes is how much memory a request log takes at most.
const maxLogBytes = 64 << 20

// requestLog keeps the newest requests.
type requestLog struct {
	now   func() time.Time
	limit int // how many requests

	mu      sync.Mutex // guards what follows, and the entries
	entries []*Request
	bytes   int
}

// Requests returns copies of the requests that the pod received, in the order of their
// arrival. It keeps the newest ones; see [WithRequestLog].
func (l *requestLog) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]Request, len(l.entries))
	for i, entry := range l.entries {
		requests[i] = entry.clone()
	}
	return requests
}

// ClearRequests forgets the requests received so far.
func (l *requestLog) ClearRequests() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.bytes = nil, 0
}

// note enters a request and its body into the log. A handler may change r later, but not
// the body.
func (l *requestLog) note(r *http.Request, path string, body []byte) *Request {
	entry := &Request{
		Method: r.Method,
		Path:   path,
		Query:  r.URL.Query(),
		Header: r.Header.Clone(),
		Body:   body,
		Time:   l.now(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry)
	l.bytes += entry.size()
	for len(l.entries) > 0 && (len(l.entries) > l.limit || l.bytes > maxLogBytes) {
		l.bytes -= l.entries[0].size()
		l.entries[0] = nil
		l.entries = l.entries[1:]
	}
	return entry
}

// noteStatus enters the status of the response to a request.
func (l *requestLog) noteStatus(entry *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Status = status
}

// statusWriter notes the status of a response, before the client can receive it.
type statusWriter struct {
	http.ResponseWriter

	note  func(status int)
	noted bool
}

func (w *statusWriter) WriteHeader(status int) {
	if status >= 200 { // others come before the response
		w.noteOnce(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(data []byte) (int, error) {
	w.noteOnce(http.StatusOK)
	return w.ResponseWriter.Write(data)
}

func (w *statusWriter) noteOnce(status int) {
	if !w.noted {
		w.noted = true
		w.note(status)
	}
}

// Flush is for handlers that expect an [http.Flusher].
func (w *statusWriter) Flush() {
	w.noteOnce(http.StatusOK)
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack is for handlers that expect an [http.Hijacker]. Whoever takes the connection over
// writes the response, whose status is not known.
func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.noted = w.noted || err == nil
	return conn, buffer, err
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
