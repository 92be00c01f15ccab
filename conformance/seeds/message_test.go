package seeds_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/symphony-go/symphony"
)

// message is one request, and what became of it, as the pod saw it.
type message struct {
	call     callKey
	path     string
	number   int // of the attempt
	token    string
	user     int64
	category symphony.PresenceCategory // that a SetUserPresence asks for
	key      string                    // of a once-only call
	limited  bool                      // sent by the client that is under test, not by a login's own

	start, end time.Time
	status     int    // of the response; 0 for none
	whole      bool   // a response that is what the API promises arrived with its whole body
	applied    bool   // the pod did what was asked
	issued     string // the token of a login
}

// isWrite reports whether a message sets a presence.
func (m *message) isWrite() bool { return m.category != "" }

func newMessage(r *http.Request) *message {
	attempt, _ := symphony.AttemptFromContext(r.Context())
	m := &message{
		call:    callKey{operation: attempt.Operation, trace: r.Header.Get("X-Trace-Id")},
		path:    r.URL.Path,
		number:  attempt.Number,
		token:   r.Header.Get("sessionToken"),
		limited: strings.HasPrefix(r.URL.Path, "/pod/"),
		start:   time.Now(),
	}
	var body struct {
		Category symphony.PresenceCategory `json:"category"`
		UserID   int64                     `json:"userId"`
		Key      string                    `json:"key"`
	}
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
		_ = r.Body.Close()
	}
	m.user, m.category, m.key = body.UserID, body.Category, body.Key
	if rest, ok := strings.CutPrefix(r.URL.Path, "/pod/v3/user/"); ok && m.user == 0 {
		id, _, _ := strings.Cut(rest, "/")
		m.user, _ = strconv.ParseInt(id, 10, 64)
	}
	return m
}
