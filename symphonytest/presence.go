package symphonytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/symphony-go/symphony"
)

// presenceRoutes are the calls under /pod.
func (p *Pod) presenceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST "+basePod+"/v3/user/presence", p.setUserPresence)
	mux.HandleFunc("POST "+basePod+"/v2/user/presence", p.setOwnPresence)
	mux.HandleFunc("GET "+basePod+"/v2/user/presence", p.getOwnPresence)
	mux.HandleFunc("GET "+basePod+"/v3/user/{user}/presence", p.getUserPresence)
	mux.HandleFunc("GET "+basePod+"/v2/users/presence", p.listPresences)
	mux.HandleFunc("POST "+basePod+"/v1/user/presence/register", p.registerInterest)
	mux.HandleFunc("POST "+basePod+"/v1/presence/feed/create", p.createFeed)
	mux.HandleFunc("GET "+basePod+"/v1/presence/feed/{feed}/read", p.readFeed)
	mux.HandleFunc("POST "+basePod+"/v1/presence/feed/{feed}/delete", p.deleteFeed)
}

func (p *Pod) setUserPresence(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.provisioner(w, r) {
		return
	}
	wanted, soft, ok := p.wanted(w, r)
	if !ok {
		return
	}
	user, ok := p.users[wanted.UserID]
	if !ok {
		notFound(w, wanted.UserID)
		return
	}
	user.set(wanted.Category, soft)
	p.changed(user.ID)
	writeJSON(w, http.StatusOK, user.presence())
}

func (p *Pod) setOwnPresence(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	self, ok := p.self(w, r)
	if !ok {
		return
	}
	wanted, soft, ok := p.wanted(w, r)
	if !ok {
		return
	}
	self.set(wanted.Category, soft)
	writeJSON(w, http.StatusOK, self.presence())
}

func (p *Pod) getOwnPresence(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if self, ok := p.self(w, r); ok {
		writeJSON(w, http.StatusOK, self.presence())
	}
}

// getUserPresence shows a user of another pod only to those who registered interest.
func (p *Pod) getUserPresence(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	caller, ok := p.caller(w, r)
	if !ok {
		return
	}
	local, ok := boolParameter(w, r, "local")
	if !ok {
		return
	}
	id, err := strconv.ParseInt(r.PathValue("user"), 10, 64)
	if err != nil {
		badRequest(w, "The user id is not a number")
		return
	}
	user, ok := p.users[id]
	if !ok {
		notFound(w, id)
		return
	}
	shown := user.presence()
	if user.External && (local || !p.interests[interest{caller, id}]) {
		shown = symphony.V2Presence{Category: symphony.PresenceOffline, UserID: id, Timestamp: now()}
	}
	writeJSON(w, http.StatusOK, shown)
}

// interest is a session's interest in a user.
type interest struct {
	session session
	userID  int64
}

func (p *Pod) registerInterest(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	caller, ok := p.caller(w, r)
	if !ok {
		return
	}
	var ids []int64
	if err := json.NewDecoder(r.Body).Decode(&ids); err != nil || len(ids) == 0 {
		badRequest(w, "The request body is no list of user ids")
		return
	}
	for _, id := range ids {
		p.interests[interest{caller, id}] = true
	}
	writeJSON(w, http.StatusOK, map[string]string{"format": "TEXT", "message": "OK"})
}

// listPresences gives a page of the active users, by their ids. As the API's
// description has it, the user lastUserId is on the page.
func (p *Pod) listPresences(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.provisioner(w, r) {
		return
	}
	last, ok := intParameter(w, r, "lastUserId", 0)
	if !ok {
		return
	}
	limit, ok := intParameter(w, r, "limit", 1000)
	if !ok {
		return
	}
	if limit < 1 || limit > 5000 {
		badRequest(w, "The parameter limit is not between 1 and 5000")
		return
	}
	page := []symphony.V2Presence{}
	for _, id := range slices.Sorted(maps.Keys(p.users)) {
		if u := p.users[id]; id >= last && !u.Inactive && !u.External && len(page) < int(limit) {
			page = append(page, u.presence())
		}
	}
	writeJSON(w, http.StatusOK, page)
}

// wanted reads the presence that a request sets.
func (p *Pod) wanted(w http.ResponseWriter, r *http.Request) (wanted symphony.V2Presence, soft, ok bool) {
	if soft, ok = boolParameter(w, r, "soft"); !ok {
		return wanted, soft, false
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		badRequest(w, "The request body is not valid")
		return wanted, soft, false
	}
	if !wanted.Category.Known() {
		badRequest(w, fmt.Sprintf("Invalid presence category %.40q", wanted.Category))
		return wanted, soft, false
	}
	return wanted, soft, true
}

// self is the user of a request's session.
func (p *Pod) self(w http.ResponseWriter, r *http.Request) (*user, bool) {
	caller, ok := p.caller(w, r)
	if !ok {
		return nil, false
	}
	if caller.serviceUser != "" {
		return p.bots[caller.serviceUser], true
	}
	return p.users[caller.user], true
}

// caller is whose session token a request carries; without one it is answered with
// 401.
func (p *Pod) caller(w http.ResponseWriter, r *http.Request) (session, bool) {
	caller, ok := (*p.sessions)[r.Header.Get("sessionToken")]
	if !ok || caller.app != "" {
		unauthorized(w, "Invalid session")
		return session{}, false
	}
	return caller, true
}

// provisioner reports whether a request comes from a service user with the User
// Provisioning entitlement; any other is answered with 401 or 403.
func (p *Pod) provisioner(w http.ResponseWriter, r *http.Request) bool {
	caller, ok := p.caller(w, r)
	if ok && !p.serviceUsers[caller.serviceUser].UserProvisioning {
		writeError(w, http.StatusForbidden, http.StatusForbidden, "The user lacks the required entitlement to perform this operation")
		return false
	}
	return ok
}

// boolParameter reads a query parameter as the clients of a pod write it, true or
// True; it is false when absent.
func boolParameter(w http.ResponseWriter, r *http.Request, name string) (value, ok bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, true
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		badRequest(w, fmt.Sprintf("The parameter %s is not a boolean", name))
	}
	return value, err == nil
}

// intParameter reads a query parameter that is a number.
func intParameter(w http.ResponseWriter, r *http.Request, name string, absent int64) (value int64, ok bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, true
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		badRequest(w, fmt.Sprintf("The parameter %s is not a number", name))
	}
	return value, err == nil
}

// notFound is the 404 of a real pod, whose code is this one.
func notFound(w http.ResponseWriter, userID int64) {
	writeError(w, http.StatusNotFound, http.StatusForbidden, fmt.Sprintf("User %d does not exist", userID))
}

func badRequest(w http.ResponseWriter, message string) {
	writeError(w, http.StatusBadRequest, http.StatusBadRequest, message)
}

// writeError answers with an error in the API's form.
func writeError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{code, message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}
