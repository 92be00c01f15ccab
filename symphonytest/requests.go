package symphonytest

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is a request that the pod received.
type Request struct {
	Method string
	Path   string // below the base, "/v3/user/presence"
	Query  url.Values
	Header http.Header // with the session token
	Body   []byte
	Time   time.Time // when it was read
	Status int       // of the answer; 0 while there is none, or when the connection was broken off
}

// requestLog keeps the newest requests.
type requestLog struct {
	size    int
	entries []*Request
}

// Requests lists the requests that the pod received, in the order of their
// arrival.
func (p *Pod) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries := p.log.newest()
	requests := make([]Request, len(entries))
	for i, entry := range entries {
		requests[i] = *entry
		requests[i].Query = url.Values(http.Header(entry.Query).Clone())
		requests[i].Header = entry.Header.Clone()
		requests[i].Body = bytes.Clone(entry.Body)
	}
	return requests
}

// ClearRequests forgets the requests received so far.
func (p *Pod) ClearRequests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.entries = nil
}

// newest are the entries to show.
func (l *requestLog) newest() []*Request {
	return l.entries[max(0, len(l.entries)-l.size):]
}

// note enters a request into the log.
func (p *Pod) note(r *http.Request, body []byte) *Request {
	entry := &Request{
		Method: r.Method,
		Path:   pathBelowBase(r.URL.Path),
		Query:  r.URL.Query(),
		Header: r.Header,
		Body:   body,
		Time:   time.Now(),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.entries = append(p.log.entries, entry)
	if len(p.log.entries) > 2*p.log.size {
		p.log.entries = slices.Clone(p.log.newest())
	}
	return entry
}

// noteStatus enters the status of a request's answer.
func (p *Pod) noteStatus(entry *Request, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry.Status = status
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap serves [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
